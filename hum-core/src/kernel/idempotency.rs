//! `Idempotency-Key`: the same request twice is one effect and one answer.

use crate::kernel::{
    batch::{Batch, REPLY_RETENTION},
    cipher::Cipher,
    clock::Timestamp,
    error::Error,
    id::OrgId,
    record::{RecordReads, get, record},
    store::StoreError,
};

record! {
    /// What was answered to a key, stored in the same commit as the effect. Kept for 72 hours.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct StoredReply in "stored_reply" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// As the client sent it, at most 255 characters.
        key pub key: String => "key",
        /// SHA-256 over method, path and canonical body.
        fixed pub fingerprint: [u8; 32] => "fingerprint",
        /// HTTP status.
        fixed pub status: u16 => "status",
        /// The body, sealed: it may hold a secret that is shown once.
        fixed pub body: Vec<u8> => "body",
        /// When it may be forgotten.
        fixed pub expires_at: Timestamp => "expires_at",
    }
}

/// How to remember the answer to a request, for the use case that has the effect.
///
/// `render` turns the result into the status and body that the client will see.
pub struct Remember<T> {
    key: Option<(String, [u8; 32])>,
    render: fn(&T) -> (u16, serde_json::Value),
}

impl<T> Remember<T> {
    /// For callers that need no replay.
    pub fn nothing() -> Self {
        Self {
            key: None,
            render: |_| (0, serde_json::Value::Null),
        }
    }

    /// Whether there is nothing to replay and nothing to remember.
    pub fn is_nothing(&self) -> bool {
        self.key.is_none()
    }

    /// Remembers the answer under `key`.
    pub fn under(
        key: String,
        fingerprint: [u8; 32],
        render: fn(&T) -> (u16, serde_json::Value),
    ) -> Self {
        Self {
            key: Some((key, fingerprint)),
            render,
        }
    }

    /// The reply to replay, if this key was answered before.
    ///
    /// # Errors
    /// `IdempotencyMismatch` when the key belongs to another request.
    pub async fn replay<R>(
        &self,
        reads: &dyn RecordReads,
        cipher: &dyn Cipher,
        now: Timestamp,
    ) -> Result<Option<Answer<R>>, Error> {
        let Some((key, fingerprint)) = &self.key else {
            return Ok(None);
        };
        let Some(stored) = get::<StoredReply>(reads, key).await? else {
            return Ok(None);
        };
        if stored.expires_at <= now {
            // Purged within the hour; until then the key is still taken.
            return Err(Error::Conflict(
                "this Idempotency-Key has just expired; use a new one".into(),
            ));
        }
        if &stored.fingerprint != fingerprint {
            return Err(Error::IdempotencyMismatch);
        }
        let body = cipher
            .open(&context(stored.org, key), &stored.body)
            .map_err(|error| StoreError::Corrupt {
                table: "stored_reply",
                column: "body",
                detail: error.to_string(),
            })?;
        Ok(Some(Answer::Replayed {
            status: stored.status,
            body,
        }))
    }

    /// Puts the answer into the batch that has the effect.
    pub fn record(&self, batch: &mut Batch, result: &T, cipher: &dyn Cipher, now: Timestamp) {
        let Some((key, fingerprint)) = &self.key else {
            return;
        };
        let (status, body) = (self.render)(result);
        let body = cipher.seal(&context(batch.org, key), body.to_string().as_bytes());
        batch.insert(&StoredReply {
            org: batch.org,
            key: key.clone(),
            fingerprint: *fingerprint,
            status,
            body,
            expires_at: now + REPLY_RETENTION,
        });
    }
}

fn context(org: OrgId, key: &str) -> String {
    format!("{org}|stored_reply|{key}|body")
}

/// A result, or the stored answer to the same request.
#[derive(Debug)]
pub enum Answer<T> {
    /// It was done now.
    Fresh(T),
    /// It was done before; this was the answer.
    Replayed {
        /// HTTP status.
        status: u16,
        /// The JSON body.
        body: Vec<u8>,
    },
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;
    use crate::kernel::{
        cipher::CannotOpen,
        record::{MockRecordReads, Record as _},
    };

    /// Seals nothing, but refuses what belongs elsewhere.
    struct Plain;
    impl Cipher for Plain {
        fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
            [context.as_bytes(), b"=", plain].concat()
        }
        fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
            let prefix = format!("{context}=");
            sealed
                .strip_prefix(prefix.as_bytes())
                .map(<[u8]>::to_vec)
                .ok_or(CannotOpen)
        }
    }

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("a mock never waits"),
        }
    }

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);

    fn stored(fingerprint: [u8; 32], expires_at: Timestamp) -> MockRecordReads {
        let org: OrgId = "org_01KJQH0CRG000000000000000A".parse().expect("an id");
        let mut batch = Batch::for_org(org);
        Remember::<u8>::under("k".into(), [1; 32], |value| (201, (*value).into()))
            .record(&mut batch, &7, &Plain, NOW);
        let reply = batch
            .inserted::<StoredReply>()
            .pop()
            .expect("a stored reply");
        let row = StoredReply {
            fingerprint,
            expires_at,
            ..reply
        }
        .to_row();
        let mut reads = MockRecordReads::new();
        reads
            .expect_row()
            .withf(|_, key| key == ["k".into()])
            .times(1)
            .returning(move |_, _| Ok(Some(row.clone())));
        reads
    }

    fn ask(reads: &MockRecordReads) -> Result<Option<Answer<u8>>, Error> {
        ready(
            Remember::<u8>::under("k".into(), [1; 32], |value| (201, (*value).into()))
                .replay(reads, &Plain, NOW),
        )
    }

    #[test]
    fn the_same_request_gets_the_same_answer() {
        let answer = ask(&stored([1; 32], NOW + REPLY_RETENTION));
        assert!(matches!(answer, Ok(Some(Answer::Replayed { status: 201, body })) if body == b"7"));
    }

    #[test]
    fn another_request_under_the_same_key_is_refused() {
        assert!(matches!(
            ask(&stored([2; 32], NOW + REPLY_RETENTION)),
            Err(Error::IdempotencyMismatch)
        ));
    }

    #[test]
    fn an_expired_key_is_not_free_before_it_is_purged() {
        assert!(matches!(
            ask(&stored([1; 32], NOW)),
            Err(Error::Conflict(_))
        ));
    }

    #[test]
    fn without_a_key_nothing_is_looked_up() {
        // The mock panics when it is asked for anything.
        let answer =
            ready(Remember::<u8>::nothing().replay::<u8>(&MockRecordReads::new(), &Plain, NOW));
        assert!(matches!(answer, Ok(None)));
    }
}
