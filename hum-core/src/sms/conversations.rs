//! What people and systems do with conversations.

use crate::{
    access::Caller,
    consent::Consent,
    flow::MAX_BODY_CHARS,
    kernel::{
        batch::Batch,
        clock::Timestamp,
        decide::{Decision, Moment},
        error::{Error, FieldError},
        event::{Event, EventKind},
        id::{ConversationId, NumberId, OrgId},
        idempotency::{Answer, Remember},
    },
    number::{E164, Number},
};

use super::{Conversation, Direction, Message, Sms, Source, TemplateUse, send::queue};

/// A conversation to be started from this side.
#[derive(Debug, Clone)]
pub struct NewConversation {
    /// On which number.
    pub number: NumberId,
    /// With whom.
    pub contact: E164,
    /// The first text.
    pub initial_message: Option<NewMessage>,
}

/// A text to be sent.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// 1 to 1,600 characters; may be empty with media, and is with a template.
    pub body: String,
    /// What is sent instead of a body.
    pub template: Option<TemplateUse>,
    /// At most ten absolute http or https URLs.
    pub media: Vec<String>,
    /// `Human` pauses the agent; `Api` does not.
    pub source: Source,
}

/// Changes of a conversation; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ConversationPatch {
    /// Who has it.
    pub assignee: Option<Option<String>>,
    /// Open (true) or closed.
    pub open: Option<bool>,
    /// Whether the agent keeps silent.
    pub ai_paused: Option<bool>,
    /// Until when it is hidden.
    pub snoozed_until: Option<Option<Timestamp>>,
}

/// A conversation, and the message that was put into it.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Where.
    pub conversation: Conversation,
    /// What; `None` when a conversation was started without one.
    pub message: Option<Message>,
    /// Whether the conversation is new.
    pub created: bool,
}

impl NewMessage {
    /// What is wrong with it, as far as that can be said without its template.
    fn check(&self, at: &str) -> Result<(), Error> {
        let mut problems = Vec::new();
        let mut body =
            |detail: String| problems.push(FieldError::new(format!("{at}/body"), detail));
        let chars = self.body.chars().count();
        if self.template.is_some() {
            if chars > 0 {
                body("must be left out with a template".into());
            }
        } else if self.body.trim().is_empty() && self.media.is_empty() {
            body("must not be empty, unless there is media".into());
        }
        if chars > MAX_BODY_CHARS {
            body(format!(
                "must have at most {MAX_BODY_CHARS} characters, has {chars}"
            ));
        }
        if self.body.contains('\0') {
            body("must not contain a NUL character".into());
        }
        if self.media.len() > 10 {
            problems.push(FieldError::new(
                format!("{at}/media_urls"),
                "must have at most 10 entries",
            ));
        }
        for (index, media) in self.media.iter().enumerate() {
            let ok = media.len() <= 2000
                && url::Url::parse(media).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            if !ok {
                problems.push(FieldError::new(
                    format!("{at}/media_urls/{index}"),
                    "must be an absolute http or https URL of at most 2,000 characters",
                ));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(problems))
        }
    }
}

impl Sms {
    /// Starts a conversation, or finds the one that exists; sends the first text, if there is one.
    /// A closed one is opened when a text is sent.
    ///
    /// # Errors
    /// `Invalid`.
    pub async fn start_conversation(
        &self,
        caller: &Caller,
        new: NewConversation,
        remember: Remember<Sent>,
    ) -> Result<Answer<Sent>, Error> {
        const AT: &str = "/initial_message";
        if let Some(message) = &new.initial_message {
            message.check(AT)?;
        }
        let reads = self.reads.of(caller.org);
        let load = || async {
            let text = match &new.initial_message {
                Some(message) => Some(self.filled_in(caller.org, message, AT).await?),
                None => None,
            };
            let missing = || Error::invalid("/twilio_number_id", "there is no number with this id");
            let number = reads.number(new.number).await?.ok_or_else(missing)?;
            let existing = reads.find_conversation(new.number, &new.contact).await?;
            let consent = reads.consent(&new.contact).await?;
            Ok(Start {
                number,
                existing,
                consent,
                text,
            })
        };
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(load, |state, moment| Ok(start(state, &new.contact, moment)))
            .await
    }

    /// Sends a text in a conversation. To an opted-out contact the answer is a message with status
    /// `opted_out`, and the carrier is not called.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`; `Conflict` when the conversation is closed.
    pub async fn send(
        &self,
        caller: &Caller,
        id: ConversationId,
        new: NewMessage,
        remember: Remember<Message>,
    ) -> Result<Answer<Message>, Error> {
        new.check("")?;
        let reads = self.reads.of(caller.org);
        let load = || async {
            let text = self.filled_in(caller.org, &new, "").await?;
            let conversation = self.found(caller.org, id).await?;
            let consent = reads.consent(&conversation.contact).await?;
            Ok((conversation, consent, text))
        };
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(load, |(conversation, consent, text), moment| {
            send(conversation, consent.as_ref(), &text, moment)
        })
        .await
    }

    /// The text with its template, if it has one, filled in. A repeated request is answered even
    /// when the template is gone, so this is a part of loading.
    async fn filled_in(&self, org: OrgId, new: &NewMessage, at: &str) -> Result<NewMessage, Error> {
        let Some(used) = &new.template else {
            return Ok(new.clone());
        };
        let body = self.render(org, used, at).await?;
        let filled = NewMessage {
            body,
            template: None,
            ..new.clone()
        };
        filled.check(at).map(|()| filled)
    }

    /// Changes who has a conversation, whether it is open, whether the agent speaks, until when it
    /// is hidden.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`.
    pub async fn update_conversation(
        &self,
        caller: &Caller,
        id: ConversationId,
        patch: ConversationPatch,
    ) -> Result<Conversation, Error> {
        patch.check()?;
        let load = || self.found(caller.org, id);
        self.kernel
            .of(caller.org, caller.actor)
            .decide(load, |before, moment| Ok(update(before, &patch, moment)))
            .await
    }

    /// Sets the unread count to zero.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn mark_read(
        &self,
        caller: &Caller,
        id: ConversationId,
        remember: Remember<Conversation>,
    ) -> Result<Answer<Conversation>, Error> {
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(
            || self.found(caller.org, id),
            |before, _| Ok(mark_read(before)),
        )
        .await
    }

    /// Closes a conversation. Repeating it changes nothing.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn close(
        &self,
        caller: &Caller,
        id: ConversationId,
        remember: Remember<Conversation>,
    ) -> Result<Answer<Conversation>, Error> {
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(
            || self.found(caller.org, id),
            |before, moment| Ok(close(before, moment)),
        )
        .await
    }

    /// Opens a conversation again and clears its snooze. Repeating it changes nothing.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn reopen(
        &self,
        caller: &Caller,
        id: ConversationId,
        remember: Remember<Conversation>,
    ) -> Result<Answer<Conversation>, Error> {
        let case = self.kernel.of(caller.org, caller.actor).once(remember);
        case.decide(
            || self.found(caller.org, id),
            |before, moment| Ok(reopen(before, moment)),
        )
        .await
    }

    async fn found(&self, org: OrgId, id: ConversationId) -> Result<Conversation, Error> {
        self.reads
            .of(org)
            .conversation(id)
            .await?
            .ok_or(Error::NotFound("conversation"))
    }
}

impl ConversationPatch {
    fn check(&self) -> Result<(), Error> {
        match &self.assignee {
            Some(Some(name))
                if name.trim().is_empty() || name.chars().count() > 200 || name.contains('\0') =>
            {
                Err(Error::invalid(
                    "/assignee",
                    "must have 1 to 200 characters, or be null",
                ))
            }
            _ => Ok(()),
        }
    }
}

/// What starting a conversation is decided by.
struct Start {
    number: Number,
    existing: Option<Conversation>,
    consent: Option<Consent>,
    text: Option<NewMessage>,
}

fn start(state: Start, contact: &E164, moment: Moment<'_>) -> Decision<Sent> {
    let Start {
        number,
        existing,
        consent,
        text,
    } = state;
    let mut batch = Batch::for_org(number.org);
    let created = existing.is_none();
    let mut conversation =
        existing.unwrap_or_else(|| Conversation::start(&number, contact.clone(), moment));
    if created {
        batch.emit(conversation.event(EventKind::ConversationStarted, None, moment));
        if consent.is_none() {
            batch.insert(&Consent::unsaid(number.org, contact.clone()));
        }
    }
    let message = text.map(|text| {
        conversation
            .reopen(moment)
            .into_iter()
            .for_each(|event| batch.emit(event));
        say(
            &mut conversation,
            consent.as_ref(),
            &text,
            &mut batch,
            moment,
        )
    });
    if created || message.is_some() {
        batch.save(&conversation);
    }
    Decision::new(
        batch,
        Sent {
            conversation,
            message,
            created,
        },
    )
}

fn send(
    mut conversation: Conversation,
    consent: Option<&Consent>,
    text: &NewMessage,
    moment: Moment<'_>,
) -> Result<Decision<Message>, Error> {
    if !conversation.is_open() {
        let how = format!(
            "open it with POST /api/sms/conversations/{}/reopen",
            conversation.id
        );
        return Err(Error::Conflict(format!(
            "the conversation is closed; {how}"
        )));
    }
    let mut batch = Batch::for_org(conversation.org);
    let message = say(&mut conversation, consent, text, &mut batch, moment);
    batch.put(&conversation);
    Ok(Decision::new(batch, message))
}

/// Puts a text into a conversation: queued, or `opted_out` at once. The conversation itself is put
/// or inserted by the caller.
fn say(
    conversation: &mut Conversation,
    consent: Option<&Consent>,
    text: &NewMessage,
    batch: &mut Batch,
    moment: Moment<'_>,
) -> Message {
    let seq = conversation.take(Direction::Outbound, moment);
    let message = Message::outbound(conversation, seq, text.source, text.body.clone(), moment);
    if text.source == Source::Human {
        conversation.take_over();
    }
    queue(
        message.with_media(text.media.clone()),
        consent,
        batch,
        moment,
    )
}

fn update(
    before: Conversation,
    patch: &ConversationPatch,
    moment: Moment<'_>,
) -> Decision<Conversation> {
    let mut after = before.clone();
    let assigned = patch
        .assignee
        .clone()
        .and_then(|assignee| after.assign(assignee, moment));
    match patch.ai_paused {
        Some(true) => after.take_over(),
        Some(false) => after.resume_ai(),
        None => {}
    }
    let opened = match patch.open {
        Some(true) => after.reopen(moment),
        Some(false) => after.close(moment),
        None => None,
    };
    if let Some(until) = patch.snoozed_until {
        after.snooze(until);
    }
    changed(&before, after, assigned.into_iter().chain(opened))
}

fn mark_read(before: Conversation) -> Decision<Conversation> {
    let mut after = before.clone();
    after.mark_read();
    changed(&before, after, None)
}

fn close(before: Conversation, moment: Moment<'_>) -> Decision<Conversation> {
    let mut after = before.clone();
    let event = after.close(moment);
    changed(&before, after, event)
}

fn reopen(before: Conversation, moment: Moment<'_>) -> Decision<Conversation> {
    let mut after = before.clone();
    let event = after.reopen(moment);
    changed(&before, after, event)
}

/// What changes nothing writes nothing.
fn changed(
    before: &Conversation,
    after: Conversation,
    events: impl IntoIterator<Item = Event>,
) -> Decision<Conversation> {
    let mut batch = Batch::for_org(after.org);
    events.into_iter().for_each(|event| batch.emit(event));
    if after != *before {
        batch.put(&after);
    }
    Decision::new(batch, after)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        kernel::id::TemplateId,
        sms::{
            MessageStatus, SEND,
            fixture::{
                consent, contact, conversation, events, jobs, later, moment, number, opted_out,
            },
        },
    };

    fn text(source: Source) -> NewMessage {
        NewMessage {
            body: "See you at ten.".into(),
            template: None,
            media: Vec::new(),
            source,
        }
    }

    fn started(
        existing: Option<Conversation>,
        consent: Option<Consent>,
        text: Option<NewMessage>,
    ) -> Decision<Sent> {
        start(
            Start {
                number: number(),
                existing,
                consent,
                text,
            },
            &contact(),
            moment(),
        )
    }

    fn closed() -> Conversation {
        let mut conversation = conversation(1);
        conversation.close(moment());
        conversation
    }

    #[test]
    fn a_conversation_is_started_or_found() {
        let new = started(None, None, None);
        assert!(new.answer.created && new.answer.message.is_none());
        assert_eq!(
            (
                new.batch.inserted::<Conversation>().len(),
                new.batch.inserted::<Consent>().len()
            ),
            (1, 1)
        );
        assert_eq!(events(&new.batch), [EventKind::ConversationStarted]);
        let known = started(None, Some(consent()), None);
        assert!(known.batch.inserted::<Consent>().is_empty());
        let found = started(Some(closed()), Some(consent()), None);
        assert!(
            !found.answer.created
                && !found.answer.conversation.is_open()
                && found.batch.writes.is_empty()
        );
    }

    #[test]
    fn the_first_text_opens_a_closed_conversation() {
        let decision = started(Some(closed()), Some(consent()), Some(text(Source::Api)));
        let [stored] = &decision.batch.changed::<Conversation>()[..] else {
            panic!("one conversation")
        };
        assert!(stored.is_open() && decision.answer.conversation == *stored);
        assert_eq!(events(&decision.batch), [EventKind::ConversationReopened]);
        assert_eq!(jobs(&decision.batch), [(SEND, moment().now)]);
        assert_eq!(decision.answer.message.map(|message| message.seq), Some(2));
    }

    #[test]
    fn a_text_is_queued_or_withheld_and_a_person_takes_the_agent_off() {
        for (source, consent, status, ai_may_speak) in [
            (Source::Api, Some(consent()), MessageStatus::Queued, true),
            (Source::Api, None, MessageStatus::Queued, true),
            (Source::Human, Some(consent()), MessageStatus::Queued, false),
            (
                Source::Human,
                Some(opted_out()),
                MessageStatus::OptedOut,
                false,
            ),
        ] {
            let decision = send(conversation(1), consent.as_ref(), &text(source), moment())
                .expect("it is open");
            assert_eq!(decision.answer.status(), status, "{source:?}");
            assert_eq!(
                jobs(&decision.batch).len(),
                usize::from(status == MessageStatus::Queued),
                "{source:?}"
            );
            let [stored] = &decision.batch.changed::<Conversation>()[..] else {
                panic!("one conversation")
            };
            assert_eq!(
                (stored.ai_may_speak(), stored.waits_for_ai()),
                (ai_may_speak, ai_may_speak),
                "{source:?}"
            );
        }
        assert!(matches!(
            send(closed(), None, &text(Source::Api), moment()),
            Err(Error::Conflict(_))
        ));
    }

    #[test]
    fn what_changes_nothing_writes_nothing() {
        let open = || conversation(0);
        for decision in [
            update(open(), &ConversationPatch::default(), moment()),
            update(
                open(),
                &ConversationPatch {
                    open: Some(true),
                    ..ConversationPatch::default()
                },
                moment(),
            ),
            mark_read(open()),
            close(closed(), later(1)),
            reopen(open(), moment()),
        ] {
            assert!(decision.batch.writes.is_empty());
        }
        assert_eq!(
            mark_read(conversation(2))
                .batch
                .changed::<Conversation>()
                .len(),
            1
        );
    }

    #[test]
    fn one_patch_can_change_everything() {
        let patch = ConversationPatch {
            assignee: Some(Some("kim".into())),
            open: Some(false),
            ai_paused: Some(true),
            snoozed_until: Some(Some(later(60).now)),
        };
        let decision = update(conversation(1), &patch, moment());
        assert_eq!(
            events(&decision.batch),
            [
                EventKind::ConversationAssigned,
                EventKind::ConversationClosed
            ]
        );
        let after = &decision.answer;
        assert_eq!(
            (after.assignee(), after.is_open(), after.ai_paused()),
            (Some("kim"), false, true)
        );
        assert_eq!(after.snoozed_until(), Some(later(60).now));
        assert_eq!(
            decision.batch.changed::<Conversation>().first(),
            Some(after)
        );
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        let template = TemplateUse {
            id: TemplateId::new(moment().now, moment().entropy),
            variables: BTreeMap::new(),
        };
        let media = |media: &str| vec![media.to_owned()];
        let pointers = |new: NewMessage| match new.check("/initial_message") {
            Ok(()) => Vec::new(),
            Err(Error::Invalid(problems)) => problems
                .into_iter()
                .map(|problem| problem.pointer)
                .collect(),
            Err(other) => panic!("{other}"),
        };
        let (api, none) = (text(Source::Api), String::new);
        for (new, expected) in [
            (api.clone(), None),
            (
                NewMessage {
                    body: none(),
                    ..api.clone()
                },
                Some("/initial_message/body"),
            ),
            (
                NewMessage {
                    body: none(),
                    media: media("https://example.com/1.jpg"),
                    ..api.clone()
                },
                None,
            ),
            (
                NewMessage {
                    media: media("ftp://example.com/1"),
                    ..api.clone()
                },
                Some("/initial_message/media_urls/0"),
            ),
            (
                NewMessage {
                    body: "x".repeat(1601),
                    ..api.clone()
                },
                Some("/initial_message/body"),
            ),
            (
                NewMessage {
                    body: "nul \0".into(),
                    ..api.clone()
                },
                Some("/initial_message/body"),
            ),
            (
                NewMessage {
                    template: Some(template.clone()),
                    ..api.clone()
                },
                Some("/initial_message/body"),
            ),
            (
                NewMessage {
                    template: Some(template.clone()),
                    body: none(),
                    ..api.clone()
                },
                None,
            ),
        ] {
            assert_eq!(pointers(new.clone()), Vec::from_iter(expected), "{new:?}");
        }
    }
}
