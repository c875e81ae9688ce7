//! INV-36, INV-39, INV-40 and INV-43: what agents may not do, whatever their model says.

use std::time::Duration;

use hum_core::{
    flow::FlowVersion,
    sms::{Conversation, Message, SendAttempt, Source, Turn, TurnState},
};

use crate::{
    invariant::{Commit, Findings, Invariant},
    monitor::WorldLog,
};

/// What agents may not do.
pub struct Agents;

impl Invariant for Agents {
    fn on_commit(&self, commit: &Commit<'_>, _: &mut WorldLog, findings: &mut Findings) {
        commit
            .inserted::<Turn>()
            .for_each(|turn| began(commit, turn, findings));
        commit
            .changed::<Turn>()
            .for_each(|turn| ended(commit, turn, findings));
        for message in commit
            .inserted::<Message>()
            .filter(|message| message.source == Source::Ai)
        {
            silent(commit, message, findings);
            within_caps(commit, message, findings);
        }
        let sent = commit
            .inserted::<SendAttempt>()
            .filter_map(|attempt| commit.before.get::<Message>(&attempt.message));
        sent.filter(|message| message.source == Source::Ai)
            .for_each(|message| silent(commit, message, findings));
    }
}

fn began(commit: &Commit<'_>, turn: &Turn, findings: &mut Findings) {
    let ends_here = |id| commit.changed::<Turn>().any(|ended| ended.id == id);
    let runs = |other: &&Turn| {
        other.conversation == turn.conversation
            && *other.state() == TurnState::Running
            && !ends_here(other.id)
    };
    if let Some(other) = commit.before.all::<Turn>().find(runs) {
        findings.add("INV-39", format!("{} runs beside {}", turn.id, other.id));
    }
}

fn ended(commit: &Commit<'_>, turn: &Turn, findings: &mut Findings) {
    let TurnState::Finished { .. } = turn.state() else {
        return;
    };
    if let Some(conversation) = commit.before.get::<Conversation>(&turn.conversation)
        && conversation.last_inbound_seq() > turn.upto_seq
    {
        let (last, upto) = (conversation.last_inbound_seq(), turn.upto_seq);
        findings.add(
            "INV-39",
            format!(
                "{} answers up to {upto} although text {last} had come",
                turn.id
            ),
        );
    }
    let Some(version) = version_of(commit, turn) else {
        findings.add(
            "INV-36",
            format!(
                "{} is pinned to a flow version that does not exist",
                turn.id
            ),
        );
        return;
    };
    for call in turn
        .tool_calls()
        .iter()
        .filter(|call| call.ran && !version.definition.tools.contains(&call.name))
    {
        findings.add(
            "INV-36",
            format!(
                "{} ran {}, which its flow does not allow",
                turn.id, call.name
            ),
        );
    }
}

fn version_of<'a>(commit: &Commit<'a>, turn: &Turn) -> Option<&'a FlowVersion> {
    commit
        .before
        .get::<FlowVersion>(&(turn.flow, turn.flow_version))
}

fn turn_of<'a>(commit: &Commit<'a>, message: &Message) -> Option<&'a Turn> {
    message.turn.and_then(|id| commit.before.get::<Turn>(&id))
}

/// A person wins over the agent.
fn silent(commit: &Commit<'_>, message: &Message, findings: &mut Findings) {
    let Some(conversation) = commit.before.get::<Conversation>(&message.conversation) else {
        return;
    };
    // What the agent says as it hands over is still said, while no person has done anything.
    let last_words =
        conversation.waits_for_person() && turn_of(commit, message).is_some_and(Turn::handed_over);
    if !conversation.ai_may_speak() && !last_words {
        findings.add(
            "INV-43",
            format!("{} speaks after a person took over", message.id),
        );
    }
}

fn within_caps(commit: &Commit<'_>, message: &Message, findings: &mut Findings) {
    let Some(turn) = turn_of(commit, message) else {
        return;
    };
    let Some(version) = version_of(commit, turn) else {
        return;
    };
    let sms = &version.definition.sms;
    if message.body.chars().count() > sms.max_reply_chars as usize {
        findings.add(
            "INV-40",
            format!("{} is longer than its flow allows", message.id),
        );
    }
    for (window, cap) in [
        (600, sms.max_turns_per_window),
        (24 * 3600, sms.max_turns_per_day),
    ] {
        let since = turn.started_at - Duration::from_secs(window);
        let counts = |other: &&Message| {
            other.source == Source::Ai
                && other.conversation == message.conversation
                && turn_of(commit, other).is_some_and(|turn| turn.started_at >= since)
        };
        let spoken = commit.before.all::<Message>().filter(counts).count();
        if spoken >= cap as usize {
            findings.add(
                "INV-40",
                format!(
                    "{} is text {} of its agent within {window} s",
                    message.id,
                    spoken + 1
                ),
            );
        }
    }
}
