use std::{any::Any, collections::BTreeMap};

use hum_core::{
    batch::{Batch, Committed, Count, Write},
    event::Event,
    id::OrgId,
    record::{Record, Row, Value},
    selector::{Redaction, Selector},
};

use crate::capability::job::Queue;

/// A record that the mirror keeps.
pub trait Mirrored: Record + Clone {
    /// By what it is found; unique over all organizations.
    type Key: Ord + Clone + Send + 'static;

    /// Of this one.
    fn key(&self) -> Self::Key;
}

/// What the store must hold, rebuilt from the commits alone.
#[derive(Default)]
pub struct Mirror {
    shelves: BTreeMap<&'static str, Box<dyn AnyShelf>>,
    /// Jobs that are not done.
    pub queue: Queue,
    /// The feed of each tenant.
    pub events: BTreeMap<OrgId, Vec<Event>>,
    /// What each tenant counted, by metric.
    pub counters: BTreeMap<OrgId, BTreeMap<String, i64>>,
}

/// Room in the mirror for one kind of record.
#[derive(Clone, Copy)]
pub struct Shelf {
    table: fn() -> &'static str,
    new: fn() -> Box<dyn AnyShelf>,
}

impl Shelf {
    /// For `T`.
    pub const fn of<T: Mirrored>() -> Self {
        Self {
            table: || T::table().name,
            new: || Box::new(Records::<T>(BTreeMap::new())),
        }
    }
}

struct Records<T: Mirrored>(BTreeMap<T::Key, T>);

/// A shelf, whatever is on it.
trait AnyShelf: Send {
    /// The record in a row of this shelf's table.
    fn read(&self, row: Row) -> Box<dyn Any + Send>;
    fn keep(&mut self, record: Box<dyn Any + Send>);
    fn remove(&mut self, id: &Value);
    /// The rows that a selector finds.
    fn select(&self, org: OrgId, selector: &Selector) -> Vec<Row>;
    fn records(&self) -> &dyn Any;
}

impl<T: Mirrored> AnyShelf for Records<T> {
    fn read(&self, row: Row) -> Box<dyn Any + Send> {
        Box::new(T::from_row(row).expect("a row is read by the record that wrote it"))
    }

    fn keep(&mut self, record: Box<dyn Any + Send>) {
        if let Ok(record) = record.downcast::<T>() {
            self.0.insert(record.key(), *record);
        }
    }

    fn remove(&mut self, id: &Value) {
        self.0.retain(|_, record| record.to_row().get("id") != id);
    }

    fn select(&self, org: OrgId, selector: &Selector) -> Vec<Row> {
        let org = Value::text(org);
        let rows = self.0.values().map(Record::to_row);
        let mut found: Vec<Row> = rows
            .filter(|row| row.get("org_id") == &org && selector.fits(row))
            .collect();
        found.sort_by(|a, b| a.key().cmp(b.key()));
        found.truncate(selector.limit as usize);
        found
    }

    fn records(&self) -> &dyn Any {
        &self.0
    }
}

/// What a batch does to one record. Records have their version as the store has it after the
/// commit.
pub(crate) enum Change {
    Inserted(&'static str, Box<dyn Any + Send>),
    Changed(&'static str, Box<dyn Any + Send>),
    Deleted(&'static str, Value),
}

pub(crate) type Changes = Vec<Change>;

impl Change {
    pub(crate) fn inserted<T: Mirrored>(&self) -> Option<&T> {
        match self {
            Self::Inserted(_, record) => record.downcast_ref(),
            Self::Changed(..) | Self::Deleted(..) => None,
        }
    }

    pub(crate) fn changed<T: Mirrored>(&self) -> Option<&T> {
        match self {
            Self::Changed(_, record) => record.downcast_ref(),
            Self::Inserted(..) | Self::Deleted(..) => None,
        }
    }
}

impl Mirror {
    /// An empty one that keeps these kinds of records.
    pub fn with(shelves: impl IntoIterator<Item = Shelf>) -> Self {
        let shelves = shelves
            .into_iter()
            .map(|shelf| ((shelf.table)(), (shelf.new)()))
            .collect();
        Self {
            shelves,
            ..Self::default()
        }
    }

    /// All records of a kind, by key.
    ///
    /// # Panics
    /// No capability has the mirror keep them.
    pub fn shelf<T: Mirrored>(&self) -> &BTreeMap<T::Key, T> {
        let shelf = self
            .shelves
            .get(T::table().name)
            .and_then(|shelf| shelf.records().downcast_ref());
        shelf.unwrap_or_else(|| {
            panic!(
                "the mirror keeps no {}: its capability does not list it",
                T::table().name
            )
        })
    }

    /// All records of a kind, in the order of their keys.
    pub fn all<T: Mirrored>(&self) -> impl Iterator<Item = &T> {
        self.shelf::<T>().values()
    }

    /// The record with this key.
    pub fn get<T: Mirrored>(&self, key: &T::Key) -> Option<&T> {
        self.shelf::<T>().get(key)
    }

    /// Reads the records of a batch that it keeps.
    pub(crate) fn read(&self, batch: &Batch) -> Changes {
        let read = |row: &Row, version: fn(i64) -> i64| {
            let shelf = self.shelves.get(row.table.name)?;
            let mut row = row.clone();
            if let Some(Value::Int(stored)) =
                row.table.version().and_then(|at| row.values.get_mut(at))
            {
                *stored = version(*stored);
            }
            Some((row.table.name, shelf.read(row)))
        };
        let selected = |selector: &Selector| {
            let shelf = self.shelves.get(selector.table.name);
            shelf.map_or_else(Vec::new, |shelf| shelf.select(batch.org, selector))
        };
        let redacted = |Redaction { selector, columns }: &Redaction| {
            let emptied = |mut row: Row| {
                for (column, value) in columns {
                    row.set(column, value.clone());
                }
                read(&row, |read| read + 1)
            };
            let changed = selected(selector).into_iter().filter_map(emptied);
            let changed = changed.map(|(table, record)| Change::Changed(table, record));
            changed.collect::<Changes>()
        };
        let deleted = |selector: &Selector| {
            let rows = selected(selector).into_iter();
            let gone = rows.map(|row| Change::Deleted(row.table.name, row.get("id").clone()));
            gone.collect::<Changes>()
        };
        let by_selector = batch.writes.iter().flat_map(|write| match write {
            Write::Redact(redaction) => redacted(redaction),
            Write::DeleteWhere(selector) => deleted(selector),
            _ => Vec::new(),
        });
        let changes = batch.writes.iter().filter_map(|write| match write {
            Write::Insert(row) => {
                read(row, |_| 1).map(|(table, record)| Change::Inserted(table, record))
            }
            Write::Put(row) => {
                read(row, |read| read + 1).map(|(table, record)| Change::Changed(table, record))
            }
            Write::Delete(at) => Some(Change::Deleted(at.table.name, at.id.clone())),
            Write::Guard(_)
            | Write::Emit(_)
            | Write::Enqueue(_)
            | Write::Finish(_)
            | Write::Count(_)
            | Write::Redact(_)
            | Write::DeleteWhere(_) => None,
        });
        by_selector.chain(changes).collect()
    }

    /// Takes a commit in.
    pub(crate) fn apply(&mut self, changes: Changes, batch: &Batch, committed: &Committed) {
        for change in changes {
            match change {
                Change::Inserted(table, record) | Change::Changed(table, record) => {
                    if let Some(shelf) = self.shelves.get_mut(table) {
                        shelf.keep(record);
                    }
                }
                Change::Deleted(table, id) => {
                    if let Some(shelf) = self.shelves.get_mut(table) {
                        shelf.remove(&id);
                    }
                }
            }
        }
        let emitted = batch
            .writes
            .iter()
            .filter(|write| matches!(write, Write::Emit(_)))
            .count();
        let mut seq = committed.last_event_seq.unwrap_or(0) - i64::try_from(emitted).unwrap_or(0);
        for write in &batch.writes {
            match write {
                Write::Emit(event) => {
                    seq += 1;
                    self.events.entry(event.org).or_default().push(Event {
                        seq,
                        ..event.clone()
                    });
                }
                Write::Enqueue(job) => self.queue.enqueue(job),
                Write::Finish(finish) => self.queue.finish(finish),
                Write::Count(Count { metric, delta }) => {
                    let counters = self.counters.entry(batch.org).or_default();
                    *counters.entry(metric.clone()).or_default() += delta;
                }
                Write::Insert(_)
                | Write::Put(_)
                | Write::Delete(_)
                | Write::Guard(_)
                | Write::Redact(_)
                | Write::DeleteWhere(_) => {}
            }
        }
    }
}
