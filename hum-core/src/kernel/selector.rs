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
    pub const MOST: u32 = 1_000;

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
    use crate::kernel::{id::OrgId, record::record};

    record! {
        /// Something with an index of each kind.
        pub struct Note in "note" {
            key pub org: OrgId => "org_id",
            key pub id: String => "id",
            fixed pub thread: String => "thread",
            fixed pub seq: i64 => "seq",
            fixed pub words: String => "words",
            column pub day: Option<i64> => "day",
            version pub version: i64 => "version",
        }
        unique { ["org_id", "thread", "seq"] ["id", "words"] }
        index { ["org_id", "day"] }
    }

    fn text(text: &str) -> String {
        text.to_owned()
    }

    fn of_thread() -> Selector {
        Selector::of::<Note>().with("thread", &text("t"))
    }

    #[test]
    fn a_selector_needs_an_index_of_the_organization() {
        for good in [
            of_thread(),
            of_thread().with("seq", &1_i64),
            Selector::of::<Note>()
                .with("seq", &1_i64)
                .with("thread", &text("t")),
            Selector::of::<Note>().with("id", &text("n")),
            Selector::of::<Note>().with("day", &1_i64),
        ] {
            assert!(good.check().is_ok(), "{good:?}");
        }
        let nothing: Option<i64> = None;
        for bad in [
            Selector::of::<Note>(),
            Selector::of::<Note>().with("words", &text("w")),
            Selector::of::<Note>().with("seq", &1_i64),
            of_thread().with("words", &text("w")),
            of_thread().with("thread", &text("other")),
            of_thread().with("day", &1_i64),
            Selector::of::<Note>().with("day", &nothing),
            Selector::of::<Note>().with("thread", &1_i64),
            Selector::of::<Note>().with("nowhere", &text("t")),
            Selector::of::<Note>().with("org_id", &text("o")),
            of_thread().at_most(0),
            of_thread().at_most(Selector::MOST + 1),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_redaction_leaves_what_a_record_is() {
        let redaction = |columns: Vec<(&'static str, Value)>| Redaction {
            selector: of_thread(),
            columns,
        };
        assert!(redaction(vec![("day", Value::Null)]).check().is_ok());
        for bad in [
            vec![],
            vec![("words", "".into())],
            vec![("id", "x".into())],
            vec![("org_id", "x".into())],
            vec![("seq", 0.into())],
            vec![("version", 0.into())],
            vec![("day", "x".into())],
            vec![("nowhere", "x".into())],
            vec![("day", Value::Null), ("thread", "".into())],
        ] {
            assert!(redaction(bad.clone()).check().is_err(), "{bad:?}");
        }
        let everywhere = Redaction {
            selector: Selector::of::<Note>(),
            columns: vec![("day", Value::Null)],
        };
        assert!(everywhere.check().is_err());
    }
}
