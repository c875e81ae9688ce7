//! INV-36, INV-39, INV-40 and INV-43: what agents may not do, whatever their model says.

use std::time::Duration;

use hum_core::{
    batch::{Record, Write},
    sms::{Conversation, Message, Source},
    turn::{Turn, TurnState},
};

use super::{Commit, Findings};

pub(super) fn on_commit(commit: &Commit<'_>, findings: &mut Findings) {
    for write in &commit.batch.writes {
        match write {
            Write::Insert(Record::Turn(turn)) => began(commit, turn, findings),
            Write::Put(Record::Turn(turn)) => ended(commit, turn, findings),
            Write::Insert(Record::Message(message)) if message.source == Source::Ai => spoke(commit, message, findings),
            Write::Insert(Record::Attempt(attempt)) => {
                let Some(message) = commit.before.messages.get(&attempt.message) else { continue };
                if message.source == Source::Ai {
                    silent(commit, message, findings);
                }
            }
            _ => {}
        }
    }
}

fn began(commit: &Commit<'_>, turn: &Turn, findings: &mut Findings) {
    let ends_here =
        |id| commit.batch.writes.iter().any(|write| matches!(write, Write::Put(Record::Turn(ended)) if ended.id == id));
    let running =
        |other: &&Turn| other.conversation == turn.conversation && other.state == TurnState::Running && !ends_here(other.id);
    if let Some(other) = commit.before.turns.values().find(running) {
        findings.add("INV-39", format!("{} runs beside {}", turn.id, other.id));
    }
}

fn ended(commit: &Commit<'_>, turn: &Turn, findings: &mut Findings) {
    let TurnState::Finished { .. } = turn.state else { return };
    if let Some(conversation) = commit.before.conversations.get(&turn.conversation)
        && conversation.last_inbound_seq > turn.upto_seq
    {
        let (last, upto) = (conversation.last_inbound_seq, turn.upto_seq);
        findings.add("INV-39", format!("{} answers up to {upto} although text {last} had come", turn.id));
    }
    let Some(version) = commit.before.flows.get(&(turn.flow, turn.flow_version)) else {
        findings.add("INV-36", format!("{} is pinned to a flow version that does not exist", turn.id));
        return;
    };
    for call in turn.tool_calls.iter().filter(|call| call.ran && !version.definition.tools.contains(&call.name)) {
        findings.add("INV-36", format!("{} ran {}, which its flow does not allow", turn.id, call.name));
    }
}

/// A person wins over the agent.
fn silent(commit: &Commit<'_>, message: &Message, findings: &mut Findings) {
    let conversation = commit.before.conversations.get(&message.conversation);
    // What the agent says as it hands over is still said, while no person has done anything.
    let turn = message.turn.and_then(|id| commit.before.turns.get(&id));
    let last_words =
        conversation.is_some_and(Conversation::waits_for_person) && turn.is_some_and(hum_core::turn::Turn::handed_over);
    if conversation.is_some_and(|conversation| !conversation.ai_may_speak()) && !last_words {
        findings.add("INV-43", format!("{} speaks after a person took over", message.id));
    }
}

fn spoke(commit: &Commit<'_>, message: &Message, findings: &mut Findings) {
    silent(commit, message, findings);
    let Some(turn) = message.turn.and_then(|id| commit.before.turns.get(&id)) else { return };
    let Some(version) = commit.before.flows.get(&(turn.flow, turn.flow_version)) else { return };
    let sms = &version.definition.sms;
    if message.body.chars().count() > sms.max_reply_chars as usize {
        findings.add("INV-40", format!("{} is longer than its flow allows", message.id));
    }
    for (window, cap) in [(600, sms.max_turns_per_window), (24 * 3600, sms.max_turns_per_day)] {
        let since = turn.started_at - Duration::from_secs(window);
        let began = |other: &&Message| {
            other.conversation == message.conversation
                && other.turn.and_then(|id| commit.before.turns.get(&id)).is_some_and(|turn| turn.started_at >= since)
        };
        let spoken = commit.before.messages.values().filter(|other| other.source == Source::Ai).filter(began).count();
        if spoken >= cap as usize {
            findings.add("INV-40", format!("{} is text {} of its agent within {window} s", message.id, spoken + 1));
        }
    }
}
