//! Which batches can share a transaction.

use std::collections::HashMap;

use hum_core::{record::Value, store::Conflict};

use super::super::{
    job::JOB,
    op::Ops,
    table::{self, Identity, TableSql},
};

/// What one batch of a group does with a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Inserts,
    /// From this version.
    Changes(i64),
    Guards,
    /// A claim's end; whoever comes second must find it stale by asking.
    Ends,
}

/// Rows that the batches of a group use so far, and who used them first.
#[derive(Default)]
pub(super) struct Plan {
    used: HashMap<Identity, (usize, Use)>,
    /// A batch with a selector is alone: which records it touches is only seen when it is done.
    closed: bool,
}

/// Whether a batch fits into the group.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Joins,
    /// If that batch is committed, this one has lost, and nothing need be asked.
    LosesTo(usize, Conflict),
    /// It must see what the group does first.
    Waits,
}

impl Plan {
    /// Looks at the batch that would be the `nth` of the group.
    ///
    /// Within one statement the database could not tell that two rows mean the same, and guards of
    /// one batch would not see the changes of another.
    pub(super) fn add(&mut self, nth: usize, ops: &Ops) -> Fit {
        let selects = !ops.selections.is_empty();
        if self.closed || selects && nth > 0 {
            return Fit::Waits;
        }
        self.closed = selects;
        let mine: Vec<(Identity, Use)> = uses(ops).collect();
        let mut waits = false;
        for (identity, mine) in &mine {
            let Some((winner, theirs)) = self.used.get(identity) else {
                continue;
            };
            match (theirs, mine) {
                (Use::Guards, Use::Guards) => {}
                (Use::Changes(a), Use::Changes(b)) if a == b => {
                    return Fit::LosesTo(*winner, Conflict::Changed);
                }
                (Use::Inserts, Use::Inserts) => return Fit::LosesTo(*winner, Conflict::Exists),
                _ => waits = true,
            }
        }
        if waits {
            return Fit::Waits;
        }
        for (identity, mine) in mine {
            self.used.entry(identity).or_insert((nth, mine));
        }
        Fit::Joins
    }
}

fn uses(ops: &Ops) -> impl Iterator<Item = (Identity, Use)> {
    let puts = ops.puts.iter().filter_map(|(table, row)| {
        let next = match table.version.and_then(|at| row.get(at)) {
            Some(Value::Int(next)) => *next,
            _ => 0,
        };
        Some((table.identities(row).next()?, Use::Changes(next)))
    });
    let inserts = ops.inserts.iter().flat_map(|(table, row)| {
        table
            .identities(row)
            .map(|identity| (identity, Use::Inserts))
    });
    let deletes = ops.deletes.iter().map(|gone| {
        (
            primary(gone.table, gone.key.to_vec()),
            Use::Changes(gone.version + 1),
        )
    });
    let guards = ops
        .guards
        .iter()
        .map(|guard| (primary(guard.table, guard.key.to_vec()), Use::Guards));
    let finishes = ops.finishes.iter().map(|finish| {
        (
            primary(
                table::of(&JOB),
                vec![Value::text(&ops.org), Value::text(&finish.job)],
            ),
            Use::Ends,
        )
    });
    puts.chain(deletes)
        .chain(inserts)
        .chain(guards)
        .chain(finishes)
}

fn primary(table: &'static TableSql, values: Vec<Value>) -> Identity {
    Identity {
        table: table.name,
        nth: 0,
        values,
    }
}
