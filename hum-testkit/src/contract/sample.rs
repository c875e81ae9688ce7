//! Records for tests: one way to make each, with every optional part filled in somewhere. Those of
//! a capability are made in its `sample.rs` ([`crate::capability`]); here are the kernel's.

use std::time::Duration;

use hum_core::{
    access::{ApiKey, Caller},
    audit::AuditRow,
    batch::Batch,
    decide::Moment,
    flow::Flow,
    id::OrgId,
    idempotency::StoredReply,
    number::{E164, Number},
    record::{Record, Value},
    sms::Conversation,
};

use super::{StoreWorld, commit};

/// The carrier account of the sample numbers.
pub const ACCOUNT: &str = "AC00000000000000000000000000000001";

/// A number in international form.
pub fn e164(text: &str) -> E164 {
    text.parse().expect("a sample number")
}

/// A number of the contact that many tests have.
pub fn contact() -> E164 {
    e164("+13175550199")
}

/// The same record with other values in some columns: a store keeps it, whatever hum would do.
pub fn with<T: Record>(record: &T, values: impl IntoIterator<Item = (&'static str, Value)>) -> T {
    let mut row = record.to_row();
    for (column, value) in values {
        assert!(
            row.table.position(column).is_some(),
            "{} has no column {column}",
            row.table.name
        );
        row.set(column, value);
    }
    T::from_row(row).expect("the values make a record")
}

/// Makes records of one organization; later ones have later ids.
pub struct Sample<'w> {
    /// Where.
    pub world: &'w dyn StoreWorld,
    /// Whose.
    pub org: OrgId,
}

impl<'w> Sample<'w> {
    /// Of a new organization, which is not stored yet.
    pub fn new(world: &'w dyn StoreWorld) -> Self {
        Self {
            world,
            org: OrgId::new(world.now(), world.entropy()),
        }
    }

    /// An empty batch.
    pub fn batch(&self) -> Batch {
        Batch::for_org(self.org)
    }

    /// When and by which chance records are made.
    pub fn moment(&self) -> Moment<'w> {
        Moment {
            now: self.world.now(),
            entropy: self.world.entropy(),
        }
    }

    /// The same, later.
    pub fn later(&self, wait: Duration) -> Moment<'w> {
        Moment {
            now: self.world.now() + wait,
            ..self.moment()
        }
    }

    /// Any record, with these values in it.
    pub fn any<T: Record>(&self, values: impl IntoIterator<Item = (&'static str, Value)>) -> T {
        with(
            &T::from_row(T::sample(self.org, self.world.entropy()))
                .expect("a sample makes a record"),
            values,
        )
    }

    /// A key.
    pub fn api_key(&self) -> ApiKey {
        self.any([("last_used_at", Value::Null), ("revoked_at", Value::Null)])
    }

    /// An answer.
    pub fn stored_reply(&self, key: &str) -> StoredReply {
        StoredReply {
            org: self.org,
            key: key.into(),
            fingerprint: self.world.entropy().bytes(),
            status: 201,
            body: vec![0; 10],
            expires_at: self.world.now(),
        }
    }

    /// An act.
    pub fn audit(&self) -> AuditRow {
        AuditRow::new(
            self.org,
            Caller::system(self.org).actor,
            "opt_out.remove",
            contact().to_string(),
            self.moment(),
        )
    }

    /// An organization with an agent, a number that it answers and a thread, all stored.
    pub async fn stored(
        world: &'w dyn StoreWorld,
        number: &str,
    ) -> (Self, Flow, Number, Conversation) {
        let sample = Self::new(world);
        let mut flow = sample.flow();
        let mut number = sample.number(number, Some(flow.id));
        let mut conversation = sample.conversation(&number, contact());
        let mut batch = sample.batch();
        batch.insert(&sample.organization());
        batch.insert(&flow);
        batch.insert(&number);
        batch.insert(&conversation);
        commit(world, batch).await;
        flow.version = 1;
        number.version = 1;
        conversation.version = 1;
        (sample, flow, number, conversation)
    }
}
