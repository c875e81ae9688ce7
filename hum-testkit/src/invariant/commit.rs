use hum_core::{
    batch::{Batch, Count, Finish, Write},
    clock::{Clock as _, Timestamp},
    event::{Event, EventKind},
    job::NewJob,
};

use super::{
    Mirror, Mirrored,
    mirror::{Change, Changes},
};
use crate::{clock::VirtualClock, process::ProcessId};

/// A batch that was committed, and the world before it.
pub struct Commit<'a> {
    /// Everything that was committed before.
    pub before: &'a Mirror,
    /// What is committed now, as hum gave it.
    pub batch: &'a Batch,
    /// The records in it, as the mirror is going to keep them.
    pub(crate) changes: &'a Changes,
    /// Which process did it.
    pub process: ProcessId,
    /// The world's time, and how the wall clock showed it.
    pub clock: &'a VirtualClock,
    /// All of it, values too.
    pub text: &'a str,
}

impl Commit<'_> {
    /// When.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The new records of a kind, of those that the mirror keeps.
    pub fn inserted<T: Mirrored>(&self) -> impl Iterator<Item = &T> {
        self.changes.iter().filter_map(Change::inserted)
    }

    /// The changed records of a kind.
    pub fn changed<T: Mirrored>(&self) -> impl Iterator<Item = &T> {
        self.changes.iter().filter_map(Change::changed)
    }

    /// The new and the changed records of a kind.
    pub fn written<T: Mirrored>(&self) -> impl Iterator<Item = &T> {
        self.changes
            .iter()
            .filter_map(|change| change.inserted().or_else(|| change.changed()))
    }

    /// The events.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.batch.writes.iter().filter_map(|write| match write {
            Write::Emit(event) => Some(event),
            _ => None,
        })
    }

    /// Whether it tells of something.
    pub fn tells(&self, kind: EventKind) -> bool {
        self.events().any(|event| event.kind == kind)
    }

    /// What is counted.
    pub fn counts(&self) -> impl Iterator<Item = &Count> {
        self.batch.writes.iter().filter_map(|write| match write {
            Write::Count(count) => Some(count),
            _ => None,
        })
    }

    /// The jobs that are queued.
    pub fn jobs(&self) -> impl Iterator<Item = &NewJob> {
        self.batch.writes.iter().filter_map(|write| match write {
            Write::Enqueue(job) => Some(job),
            _ => None,
        })
    }

    /// The ends of runs.
    pub fn ends(&self) -> impl Iterator<Item = &Finish> {
        self.batch.writes.iter().filter_map(|write| match write {
            Write::Finish(finish) => Some(finish),
            _ => None,
        })
    }
}
