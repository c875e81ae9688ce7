//! Records by what is in their columns, for writes that touch many.

use super::{
    record::{Field, Record, Table, Value},
    store::StoreError,
};

/// Records of one table that have certain values in certain columns; of one organization, the
/// batch's.
///
/// It is data, not SQL: equality, on columns that an index of the organization begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// Of which table.
    pub table: &'static Table,
    /// Which column has which value.
    pub equal: Vec<(&'static str, Value)>,
    /// At most so many, in the order of their keys.
    pub limit: u32,
}

impl Selector {
    /// How many records one write touches at most.
    pub const MOST: u32 = 5_000;

    /// Records of `T`, at most [`Selector::MOST`] of them. Which ones is still to be said.
    pub fn of<T: Record>() -> Self {
        Self {
            table: T::table(),
            equal: Vec::new(),
            limit: Self::MOST,
        }
    }

    /// Those that have `value` in `column`.
    pub fn with(mut self, column: &'static str, value: &impl Field) -> Self {
        self.equal.push((column, value.write()));
        self
    }

    /// At most so many.
    pub fn at_most(self, limit: u32) -> Self {
        Self { limit, ..self }
    }

    /// Whether a row is one of them, but for the organization and the limit.
    pub fn fits(&self, row: &super::record::Row) -> bool {
        *row.table == *self.table
            && self
                .equal
                .iter()
                .all(|(column, value)| row.get(column) == value)
    }

    /// Whether a store can find them without looking at others.
    ///
    /// # Errors
    /// `Corrupt`: no index, a column that does not exist, a value that it cannot hold, or a limit
    /// beyond [`Selector::MOST`].
    pub fn check(&self) -> Result<(), StoreError> {
        let table = self.table;
        if self.limit == 0 || self.limit > Self::MOST {
            let range = format!("a selector takes 1 to {} records", Self::MOST);
            return Err(table.corrupt("", range));
        }
        for (column, value) in &self.equal {
            table.may_hold(column, value)?;
            if *value == Value::Null {
                return Err(table.corrupt(column, "nothing is equal to nothing"));
            }
        }
        if self.equal.is_empty() || !self.has_index() {
            return Err(table.corrupt("org_id", "no index begins with the columns of a selector"));
        }
        Ok(())
    }

    fn has_index(&self) -> bool {
        let key: Vec<&str> = self.table.key().map(|column| column.name).collect();
        let mut indexes = std::iter::once(key.as_slice())
            .chain(self.table.unique.iter().copied())
            .chain(self.table.indexes.iter().copied());
        indexes.any(|index| match index.split_first() {
            Some((&"org_id", rest)) => rest
                .get(..self.equal.len())
                .is_some_and(|first| self.is_of(first)),
            _ => false,
        })
    }

    /// Whether it names these columns, each once.
    fn is_of(&self, columns: &[&str]) -> bool {
        columns
            .iter()
            .all(|column| self.equal.iter().any(|(named, _)| named == column))
    }
}

/// What becomes of the records of a [`Selector`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// Which.
    pub selector: Selector,
    /// Which columns, and what is in them when there is nothing: the text that the record's codec
    /// reads as empty.
    pub columns: Vec<(&'static str, Value)>,
}

impl Redaction {
    /// Whether a store can do it.
    ///
    /// # Errors
    /// `Corrupt`: see [`Selector::check`]; or a column is one that a record is found or guarded by.
    pub fn check(&self) -> Result<(), StoreError> {
        self.selector.check()?;
        let table = self.selector.table;
        for (name, value) in &self.columns {
            table.may_hold(name, value)?;
            let is_in_key = table.key().any(|column| column.name == *name);
            let is_unique = table.unique.iter().any(|columns| columns.contains(name));
            if is_in_key || is_unique || *name == "version" {
                return Err(table.corrupt(name, "a redaction cannot change what a record is"));
            }
        }
        if self.columns.is_empty() {
            return Err(table.corrupt("", "a redaction names columns"));
        }
        Ok(())
    }
}

/// What a write by a selector did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Touched {
    /// How many records.
    pub records: u64,
    /// There are more of them than its limit.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::event::Event,
        sms::{Conversation, Message},
    };

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn a_selector_needs_an_index_of_the_organization() {
        let of_conversation = Selector::of::<Message>().with("conversation_id", &text("c"));
        let and_seq = of_conversation.clone().with("seq", &1_i64);
        let by_id = Selector::of::<Message>().with("id", &text("m"));
        let by_event = Selector::of::<Event>().with("seq", &1_i64);
        for good in [&of_conversation, &and_seq, &by_id, &by_event] {
            assert!(good.check().is_ok(), "{good:?}");
        }
        let nothing: Option<String> = None;
        for bad in [
            Selector::of::<Message>(),
            Selector::of::<Message>().with("body", &text("b")),
            Selector::of::<Message>().with("seq", &1_i64),
            of_conversation.clone().with("body", &text("b")),
            of_conversation.clone().with("conversation_id", &text("d")),
            Selector::of::<Message>().with("conversation_id", &nothing),
            Selector::of::<Message>().with("conversation_id", &1_i64),
            Selector::of::<Message>().with("nowhere", &text("c")),
            of_conversation.clone().at_most(0),
            of_conversation.clone().at_most(Selector::MOST + 1),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_redaction_leaves_what_a_record_is() {
        let selector = || Selector::of::<Message>().with("conversation_id", &text("c"));
        let redaction = |columns: Vec<(&'static str, Value)>| Redaction {
            selector: selector(),
            columns,
        };
        assert!(redaction(vec![("body", "".into())]).check().is_ok());
        for bad in [
            vec![],
            vec![("id", "x".into())],
            vec![("org_id", "x".into())],
            vec![("seq", 0.into())],
            vec![("version", 0.into())],
            vec![("body", Value::Null)],
            vec![("body", 0.into())],
            vec![("nowhere", "x".into())],
        ] {
            assert!(redaction(bad.clone()).check().is_err(), "{bad:?}");
        }
        let elsewhere = Redaction {
            selector: Selector::of::<Conversation>().with("outcome", &text("x")),
            columns: vec![("outcome", Value::Null)],
        };
        assert!(elsewhere.check().is_err());
    }
}
