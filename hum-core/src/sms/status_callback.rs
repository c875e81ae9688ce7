//! The carrier says what became of a text.

use crate::{
    app::Hum,
    kernel::{
        batch::Batch,
        error::{Error, Tries},
        id::MessageId,
    },
    planted::{Bug, planted},
};

use crate::telephony::CarrierForm;
use super::{AttemptState, Message, MessageStatus, Received, ResolvedBy};

impl Hum {
    /// Takes a status callback. The token in its URL binds it to one attempt, also before the carrier answered the request.
    /// Repetition and order do not matter.
    ///
    /// # Errors
    /// `Store`: the carrier should deliver it again.
    pub async fn receive_status(&self, token: &str, form: &CarrierForm) -> Result<Received, Error> {
        let Some(claimed) = self.telephony.claimed_account(form) else { return Ok(Received::Refused) };
        let Some(attempt) = self.store.system().find_attempt(token).await? else { return Ok(Received::Refused) };
        let reads = self.reads(attempt.org);
        let mut verified = false;
        let mut tries = Tries::new();
        loop {
            let Some(mut message) = reads.message(attempt.message).await? else { return Ok(Received::Refused) };
            let Some(mut conversation) = reads.conversation(message.conversation).await? else { return Ok(Received::Refused) };
            if !verified {
                let account = self.account_of(&*reads, &conversation).await?.filter(|account| account.account_sid == claimed);
                let genuine = account.is_some_and(|account| self.telephony.verify(&account, form).is_ok());
                if !genuine && !planted(Bug::UnsignedIsFine) {
                    return Ok(Received::Refused);
                }
                verified = true;
            }
            let callback = match self.telephony.status(form) {
                Ok(callback) => callback,
                Err(malformed) => return Ok(Received::Malformed(malformed)),
            };
            let Some(mut attempt) = self.store.system().find_attempt(token).await? else { return Ok(Received::Refused) };
            let now = self.clock.now();
            let mut batch = Batch::for_org(message.org);
            let bound = match &attempt.state {
                AttemptState::Confirmed { sid, .. } => Some(sid.clone()),
                AttemptState::Dispatching | AttemptState::NotSent { .. } | AttemptState::InDoubt { .. } => None,
            };
            match bound {
                Some(sid) if sid != callback.sid => {
                    // The carrier took one request twice. The first one is the text; this one is only reported.
                    tracing::error!(message = %message.id, "the carrier reports a second text for one request");
                    return Ok(Received::Taken);
                }
                Some(_) => {}
                None if planted(Bug::CallbackInserts) => {
                    let seq = conversation.take(super::Direction::Outbound, now);
                    let mut second = Message { id: MessageId::new(now, &*self.entropy), seq, version: 0, ..message.clone() };
                    second.learn(&callback.sid, callback.status, callback.error_code, now);
                    second.status = MessageStatus::Carrier(callback.status);
                    batch.insert(second);
                    batch.put(conversation);
                    self.commit(batch)
                        .await
                        .map_err(|error| Tries::new().again(error).err().unwrap_or(Error::Conflict("try again".into())))?;
                    return Ok(Received::Taken);
                }
                None => {
                    attempt.state = AttemptState::Confirmed { sid: callback.sid.clone(), by: ResolvedBy::Callback };
                    batch.put(attempt);
                }
            }
            let before = message.clone();
            self.learn(&mut message, &mut conversation, &callback.sid, callback.status, callback.error_code, &mut batch);
            if before.carrier == message.carrier && before.status == message.status && batch.writes.is_empty() {
                return Ok(Received::Taken);
            }
            batch.put(message);
            batch.put(conversation);
            match self.commit(batch).await {
                Ok(_) => return Ok(Received::Taken),
                Err(error) => tries.again(error)?,
            }
        }
    }
}
