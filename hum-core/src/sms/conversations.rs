//! What people and systems do with conversations.

use crate::{
    access::Caller,
    app::Hum,
    consent::Consent,
    flow::MAX_BODY_CHARS,
    kernel::{
        batch::Batch,
        clock::Timestamp,
        entropy::Entropy,
        error::{Error, FieldError, Tries},
        id::{ConversationId, NumberId},
        idempotency::{Answer, Remember},
        job::NewJob,
    },
    number::E164,
    planted::{Bug, planted},
};

use super::{Conversation, ConversationStatus, Direction, Message, MessageStatus, Source};

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
    /// 1 to 1,600 characters; may be empty with media.
    pub body: String,
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
    fn check(&self, at: &str) -> Result<(), Error> {
        let mut problems = Vec::new();
        let chars = self.body.chars().count();
        if self.body.trim().is_empty() && self.media.is_empty() {
            problems.push(FieldError::new(format!("{at}/body"), "must not be empty, unless there is media"));
        }
        if chars > MAX_BODY_CHARS {
            problems.push(FieldError::new(
                format!("{at}/body"),
                format!("must have at most {MAX_BODY_CHARS} characters, has {chars}"),
            ));
        }
        if self.body.contains('\0') {
            problems.push(FieldError::new(format!("{at}/body"), "must not contain a NUL character"));
        }
        if self.media.len() > 10 {
            problems.push(FieldError::new(format!("{at}/media_urls"), "must have at most 10 entries"));
        }
        for (index, media) in self.media.iter().enumerate() {
            let ok = media.len() <= 2000 && url::Url::parse(media).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            if !ok {
                problems.push(FieldError::new(
                    format!("{at}/media_urls/{index}"),
                    "must be an absolute http or https URL of at most 2,000 characters",
                ));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
    }
}

/// Puts a text into a conversation: queued, or `opted_out` at once. The conversation itself is put or inserted by the caller.
fn queue(
    conversation: &mut Conversation,
    consent: Option<&Consent>,
    new: &NewMessage,
    batch: &mut Batch,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Message {
    let seq = conversation.take(Direction::Outbound, now);
    let mut message = Message::outbound(conversation, seq, new.source, new.body.clone(), now, entropy);
    message.media.clone_from(&new.media);
    if consent.is_some_and(Consent::is_opted_out) {
        message.status = MessageStatus::OptedOut;
    } else {
        batch.enqueue(NewJob::send(message.id, batch.org, now, entropy));
    }
    if new.source == Source::Human {
        conversation.take_over();
    }
    batch.insert(message.clone());
    message
}

impl Hum {
    /// Starts a conversation, or finds the one that exists; sends the first text, if there is one.
    /// A closed one is opened when a text is sent.
    ///
    /// # Errors
    /// `Invalid`.
    pub async fn create_conversation(
        &self,
        caller: &Caller,
        new: NewConversation,
        remember: Remember<Sent>,
    ) -> Result<Answer<Sent>, Error> {
        if let Some(message) = &new.initial_message {
            message.check("/initial_message")?;
        }
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            let reads = self.reads(caller.org);
            if let Some(replayed) = remember.replay(&*reads, &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let Some(number) = reads.number(new.number).await? else {
                return Err(Error::invalid("/twilio_number_id", "there is no number with this id"));
            };
            let existing = reads.find_conversation(new.number, &new.contact).await?;
            let consent = reads.consent(&new.contact).await?;
            let created = existing.is_none();
            let mut conversation =
                existing.unwrap_or_else(|| Conversation::start(&number, new.contact.clone(), now, &*self.entropy));
            let mut batch = Batch::for_org(caller.org);
            if created {
                batch.emit(conversation.event(crate::kernel::event::EventKind::ConversationStarted, None, now, &*self.entropy));
                if consent.is_none() {
                    batch.insert(Consent::unsaid(caller.org, new.contact.clone()));
                }
            }
            let message = new.initial_message.as_ref().map(|message| {
                if let Some(event) = conversation.reopen(now, &*self.entropy) {
                    batch.emit(event);
                }
                queue(&mut conversation, consent.as_ref(), message, &mut batch, now, &*self.entropy)
            });
            let sent = Sent { conversation: conversation.clone(), message, created };
            remember.record(&mut batch, &sent, &*self.cipher, now);
            if created {
                batch.insert(conversation);
            } else if sent.message.is_some() {
                batch.put(conversation);
            } else if batch.writes.is_empty() {
                return Ok(Answer::Fresh(sent));
            }
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(sent)),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Sends a text in a conversation. To an opted-out contact the answer is a message with status `opted_out`, and the
    /// carrier is not called.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`; `Conflict` when the conversation is closed.
    pub async fn send_message(
        &self,
        caller: &Caller,
        id: ConversationId,
        new: NewMessage,
        remember: Remember<Message>,
    ) -> Result<Answer<Message>, Error> {
        new.check("")?;
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            let reads = self.reads(caller.org);
            if let Some(replayed) = remember.replay(&*reads, &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let mut conversation = reads.conversation(id).await?.ok_or(Error::NotFound("conversation"))?;
            if conversation.status != ConversationStatus::Open {
                return Err(Error::Conflict(format!(
                    "the conversation is closed; open it with POST /api/sms/conversations/{id}/reopen"
                )));
            }
            let consent = reads.consent(&conversation.contact).await?;
            let mut batch = Batch::for_org(caller.org);
            let message = queue(&mut conversation, consent.as_ref(), &new, &mut batch, now, &*self.entropy);
            batch.put(conversation);
            remember.record(&mut batch, &message, &*self.cipher, now);
            if planted(Bug::ReplyBeforeCommit) && self.entropy.below(16) == 0 {
                return Ok(Answer::Fresh(message));
            }
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(message)),
                Err(error) => tries.again(error)?,
            }
        }
    }

    /// Changes who has a conversation, whether it is open, whether the agent speaks, until when it is hidden.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`.
    pub async fn update_conversation(
        &self,
        caller: &Caller,
        id: ConversationId,
        patch: ConversationPatch,
    ) -> Result<Conversation, Error> {
        if let Some(Some(assignee)) = &patch.assignee
            && (assignee.trim().is_empty() || assignee.chars().count() > 200 || assignee.contains('\0'))
        {
            return Err(Error::invalid("/assignee", "must have 1 to 200 characters, or be null"));
        }
        let change = |conversation: &mut Conversation, batch: &mut Batch, now, entropy: &dyn Entropy| {
            if let Some(assignee) = patch.assignee.clone() {
                conversation.assign(assignee, now, entropy).into_iter().for_each(|event| batch.emit(event));
            }
            match patch.ai_paused {
                Some(true) => conversation.take_over(),
                Some(false) => {
                    conversation.ai_paused = false;
                    conversation.attention = None;
                }
                None => {}
            }
            match patch.open {
                Some(true) => conversation.reopen(now, entropy).into_iter().for_each(|event| batch.emit(event)),
                Some(false) => conversation.close(now, entropy).into_iter().for_each(|event| batch.emit(event)),
                None => {}
            }
            if let Some(until) = patch.snoozed_until {
                conversation.snoozed_until = until;
            }
        };
        match self.change_conversation(caller, id, Remember::nothing(), &change).await? {
            Answer::Fresh(conversation) => Ok(conversation),
            Answer::Replayed { .. } => unreachable!("nothing is remembered"),
        }
    }

    /// Sets the unread count to zero.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn mark_conversation_read(
        &self,
        caller: &Caller,
        id: ConversationId,
        remember: Remember<Conversation>,
    ) -> Result<Answer<Conversation>, Error> {
        self.change_conversation(caller, id, remember, &|conversation, _, _, _| conversation.unread_count = 0).await
    }

    /// Closes a conversation. Repeating it changes nothing.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn close_conversation(
        &self,
        caller: &Caller,
        id: ConversationId,
        remember: Remember<Conversation>,
    ) -> Result<Answer<Conversation>, Error> {
        self.change_conversation(caller, id, remember, &|conversation, batch, now, entropy| {
            conversation.close(now, entropy).into_iter().for_each(|event| batch.emit(event));
        })
        .await
    }

    /// Opens a conversation again and clears its snooze. Repeating it changes nothing.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn reopen_conversation(
        &self,
        caller: &Caller,
        id: ConversationId,
        remember: Remember<Conversation>,
    ) -> Result<Answer<Conversation>, Error> {
        self.change_conversation(caller, id, remember, &|conversation, batch, now, entropy| {
            conversation.reopen(now, entropy).into_iter().for_each(|event| batch.emit(event));
        })
        .await
    }

    async fn change_conversation(
        &self,
        caller: &Caller,
        id: ConversationId,
        remember: Remember<Conversation>,
        change: &(dyn Fn(&mut Conversation, &mut Batch, Timestamp, &dyn Entropy) + Sync),
    ) -> Result<Answer<Conversation>, Error> {
        let mut tries = Tries::new();
        loop {
            let now = self.clock.now();
            let reads = self.reads(caller.org);
            if let Some(replayed) = remember.replay(&*reads, &*self.cipher, now).await? {
                return Ok(replayed);
            }
            let before = reads.conversation(id).await?.ok_or(Error::NotFound("conversation"))?;
            let mut conversation = before.clone();
            let mut batch = Batch::for_org(caller.org);
            change(&mut conversation, &mut batch, now, &*self.entropy);
            if conversation != before {
                batch.put(conversation.clone());
            }
            remember.record(&mut batch, &conversation, &*self.cipher, now);
            if batch.writes.is_empty() {
                return Ok(Answer::Fresh(conversation));
            }
            match self.commit(batch).await {
                Ok(_) => return Ok(Answer::Fresh(conversation)),
                Err(error) => tries.again(error)?,
            }
        }
    }
}
