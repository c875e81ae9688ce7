use std::collections::BTreeSet;

use crate::{
    kernel::{
        entropy::Entropy,
        record::{Column, Field, Fields, Reader, Type, Value, Writer, from_json, to_json},
        store::StoreError,
    },
    telephony::{CarrierStatus, StatusCallback},
};

/// What the carrier said of a text. Merging is a join: commutative, associative, idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CarrierFacts {
    /// The carrier's id; unique where there is one.
    pub sid: Option<String>,
    /// The highest rank seen.
    pub status: Option<CarrierStatus>,
    /// Final outcomes seen; more than one is a contradiction that people should look at.
    pub terminals: BTreeSet<CarrierStatus>,
    /// Error codes seen; never forgotten.
    pub error_codes: BTreeSet<u32>,
    /// How many segments were billed.
    pub segments: Option<u32>,
}

impl CarrierFacts {
    /// Adds what one answer or callback says.
    pub fn learn(&mut self, news: &StatusCallback) {
        self.sid.get_or_insert_with(|| news.sid.clone());
        self.status = self.status.max(Some(news.status));
        self.terminals.extend(news.status.terminal());
        self.error_codes.extend(news.error_code);
    }

    /// It was definitely refused, or not sent too often: there is no sid.
    pub(super) fn fail(&mut self, error_code: Option<u32>) {
        self.status = Some(CarrierStatus::Failed);
        self.terminals.insert(CarrierStatus::Failed);
        self.error_codes.extend(error_code);
    }

    /// Whether the carrier contradicted itself.
    pub fn conflict(&self) -> bool {
        self.terminals.len() > 1
    }

    /// The error code to show: the smallest, so that order does not matter.
    pub fn error_code(&self) -> Option<u32> {
        self.error_codes.first().copied()
    }
}

impl Fields for CarrierFacts {
    const COLUMNS: &'static [Column] = &[
        Column::of::<Option<String>>("carrier_sid"),
        Column::of::<Option<CarrierStatus>>("carrier_status"),
        Column::of::<BTreeSet<CarrierStatus>>("carrier_terminals"),
        Column::of::<BTreeSet<u32>>("error_codes"),
        Column::of::<Option<u32>>("segments"),
    ];

    fn write(&self, row: &mut Writer) {
        row.put(&self.sid);
        row.put(&self.status);
        row.put(&self.terminals);
        row.put(&self.error_codes);
        row.put(&self.segments);
    }

    fn read(row: &mut Reader) -> Result<Self, StoreError> {
        Ok(Self {
            sid: row.take()?,
            status: row.take()?,
            terminals: row.take()?,
            error_codes: row.take()?,
            segments: row.take()?,
        })
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        Self {
            sid: Field::sample(entropy),
            status: Field::sample(entropy),
            terminals: Field::sample(entropy),
            error_codes: Field::sample(entropy),
            segments: Field::sample(entropy),
        }
    }
}

/// A list of names.
impl Field for BTreeSet<CarrierStatus> {
    const KIND: Type = Type::Text;

    fn write(&self) -> Value {
        to_json(
            &self
                .iter()
                .map(|status| status.as_str())
                .collect::<Vec<_>>(),
        )
    }

    fn read(value: Value) -> Result<Self, String> {
        let names: Vec<String> = from_json(value)?;
        let statuses: Option<Self> = names
            .iter()
            .map(|name| CarrierStatus::parse(name))
            .collect();
        statuses.ok_or_else(|| "unknown name".into())
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        (0..entropy.below(3))
            .map(|_| CarrierStatus::sample(entropy))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(status: CarrierStatus, error_code: Option<u32>) -> StatusCallback {
        StatusCallback {
            sid: "SM1".into(),
            status,
            error_code,
        }
    }

    fn learnt(all: &[StatusCallback]) -> CarrierFacts {
        all.iter().fold(CarrierFacts::default(), |mut facts, news| {
            facts.learn(news);
            facts
        })
    }

    #[test]
    fn neither_order_nor_repetition_matters() {
        let (sent, failed, delivered) = (
            news(CarrierStatus::Sent, None),
            news(CarrierStatus::Undelivered, Some(30_005)),
            news(CarrierStatus::Delivered, Some(30_003)),
        );
        let facts = learnt(&[sent.clone(), failed.clone(), delivered.clone()]);
        assert_eq!(
            (facts.status, facts.conflict(), facts.error_code()),
            (Some(CarrierStatus::Delivered), true, Some(30_003))
        );
        assert_eq!(
            learnt(&[
                delivered.clone(),
                sent.clone(),
                failed.clone(),
                sent.clone(),
                delivered.clone()
            ]),
            facts
        );
        assert_eq!(learnt(&[failed, delivered, sent]), facts);
    }

    #[test]
    fn read_is_no_contradiction_of_delivered() {
        let facts = learnt(&[
            news(CarrierStatus::Read, None),
            news(CarrierStatus::Delivered, None),
        ]);
        assert_eq!(
            (facts.status, facts.conflict()),
            (Some(CarrierStatus::Read), false)
        );
    }
}
