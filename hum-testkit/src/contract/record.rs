//! Sentences about every record that is registered: nobody has to remember to write them for a new
//! one.

use hum_core::{
    batch::{Batch, Write},
    entropy::Entropy,
    event::Event,
    id::OrgId,
    page::{Cursor, Page},
    record::{Record as _, RecordType, Row, Value},
    store::{CommitError, Conflict, StoreError},
};

use super::{StoreWorld, commit, refused};

/// How many generated records of each kind a sentence tries.
const SAMPLES: usize = 12;

/// Every kind that is inserted as it is; events get their number from the store.
fn kinds() -> impl Iterator<Item = RecordType> {
    hum_core::records().filter(|kind| *(kind.table)() != *Event::table())
}

fn changing() -> impl Iterator<Item = RecordType> {
    kinds().filter(|kind| (kind.table)().version().is_some())
}

/// A new organization, with nothing in it.
fn org(world: &dyn StoreWorld) -> OrgId {
    OrgId::new(world.now(), world.entropy())
}

fn batch(org: OrgId, write: Write) -> Batch {
    let mut batch = Batch::for_org(org);
    batch.writes.push(write);
    batch
}

fn with_version(mut row: Row, version: i64) -> Row {
    if row.table.version().is_some() {
        row.set("version", version);
    }
    row
}

async fn read(world: &dyn StoreWorld, org: OrgId, row: &Row) -> Option<Row> {
    world
        .store()
        .records(org)
        .row(row.table, &row.key()[1..])
        .await
        .expect("the record is read")
}

/// The same record, as its own type writes it again: a store may spell a boolean as a number.
fn canonical(kind: &RecordType, row: Row) -> Row {
    (kind.reread)(row).expect("the stored row makes a record")
}

#[track_caller]
fn same(kind: &RecordType, stored: Option<Row>, expected: Row) {
    let stored = canonical(
        kind,
        stored.unwrap_or_else(|| panic!("a {} is not found", expected.table.name)),
    );
    let columns = expected
        .table
        .columns
        .iter()
        .zip(stored.values.iter().zip(&expected.values));
    for (column, (stored, expected)) in columns {
        assert_eq!(stored, expected, "{}.{}", (kind.table)().name, column.name);
    }
}

/// What was generated comes back, value by value, with version one.
pub async fn every_record_comes_back(world: &dyn StoreWorld) {
    for kind in kinds() {
        for _ in 0..SAMPLES {
            let org = org(world);
            let row = (kind.sample)(org, world.entropy());
            same(&kind, Some(row.clone()), row.clone());
            let committed = commit(world, batch(org, Write::Insert(row.clone()))).await;
            let version = i64::from(row.table.version().is_some());
            assert_eq!(committed.versions, [version], "{}", row.table.name);
            same(&kind, read(world, org, &row).await, with_version(row, 1));
        }
    }
}

/// A change writes every column but the fixed ones, and counts the version.
pub async fn every_record_that_changes_comes_back_changed(world: &dyn StoreWorld) {
    for kind in changing() {
        let org = org(world);
        let first = (kind.sample)(org, world.entropy());
        commit(world, batch(org, Write::Insert(first.clone()))).await;
        for version in 1..4 {
            let changed = changed(&kind, org, &first, world.entropy());
            let put = batch(org, Write::Put(with_version(changed.clone(), version)));
            assert_eq!(
                commit(world, put).await.versions,
                [version + 1],
                "{}",
                changed.table.name
            );
            same(
                &kind,
                read(world, org, &changed).await,
                with_version(changed, version + 1),
            );
        }
    }
}

/// Another record with the fixed columns of `first`.
fn changed(kind: &RecordType, org: OrgId, first: &Row, entropy: &dyn Entropy) -> Row {
    let mut changed = (kind.sample)(org, entropy);
    for (at, column) in first
        .table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| !column.changes)
    {
        let _ = column;
        changed.values[at] = first.values[at].clone();
    }
    canonical(kind, changed)
}

/// A change of another version than the stored one writes nothing; what has no version cannot be
/// changed at all.
pub async fn every_record_refuses_a_stale_change(world: &dyn StoreWorld) {
    for kind in kinds() {
        let org = org(world);
        let row = (kind.sample)(org, world.entropy());
        let put = |version| batch(org, Write::Put(with_version(row.clone(), version)));
        if row.table.version().is_none() {
            commit(world, batch(org, Write::Insert(row.clone()))).await;
            let result = world.store().commit(put(1)).await;
            assert!(
                matches!(result, Err(CommitError::Store(StoreError::Corrupt { .. }))),
                "{result:?}"
            );
            continue;
        }
        assert_eq!(
            refused(world, put(1)).await,
            Conflict::Changed,
            "{} is not there",
            row.table.name
        );
        commit(world, batch(org, Write::Insert(row.clone()))).await;
        for stale in [0, 2, 7] {
            assert_eq!(
                refused(world, put(stale)).await,
                Conflict::Changed,
                "{}",
                row.table.name
            );
        }
        same(&kind, read(world, org, &row).await, with_version(row, 1));
    }
}

/// A taken key, or a taken unique column, refuses the whole batch.
pub async fn every_record_is_there_once(world: &dyn StoreWorld) {
    for kind in kinds() {
        let org = org(world);
        let first = (kind.sample)(org, world.entropy());
        commit(world, batch(org, Write::Insert(first.clone()))).await;
        let key: Vec<&str> = first.table.key().map(|column| column.name).collect();
        for taken in std::iter::once(key.as_slice()).chain(first.table.unique.iter().copied()) {
            if taken.iter().any(|column| *first.get(column) == Value::Null) {
                continue;
            }
            let mut second = (kind.sample)(org, world.entropy());
            for column in taken {
                second.set(column, first.get(column).clone());
            }
            let bystander = (kind.sample)(org, world.entropy());
            let mut batch = batch(org, Write::Insert(second.clone()));
            // An organization has one of some kinds.
            let beside = bystander.key() != first.key();
            if beside {
                batch.writes.push(Write::Insert(bystander.clone()));
            }
            assert_eq!(
                refused(world, batch).await,
                Conflict::Exists,
                "{} {taken:?}",
                first.table.name
            );
            assert!(
                !beside || read(world, org, &bystander).await.is_none(),
                "{} {taken:?}",
                first.table.name
            );
        }
        same(
            &kind,
            read(world, org, &first).await,
            with_version(first, 1),
        );
    }
}

/// Nobody reads or writes another organization's record, even with its key.
pub async fn every_record_stays_in_its_organization(world: &dyn StoreWorld) {
    for kind in kinds() {
        let (owner, stranger) = (org(world), org(world));
        let row = (kind.sample)(owner, world.entropy());
        commit(world, batch(owner, Write::Insert(row.clone()))).await;
        assert_eq!(
            read(world, stranger, &row)
                .await
                .filter(|_| row.key().len() > 1),
            None,
            "{}",
            row.table.name
        );
        for write in [
            Write::Insert(row.clone()),
            Write::Put(with_version(row.clone(), 1)),
        ] {
            let result = world.store().commit(batch(stranger, write)).await;
            assert!(
                matches!(result, Err(CommitError::Store(StoreError::Corrupt { .. }))),
                "{}: {result:?}",
                row.table.name
            );
        }
        same(&kind, read(world, owner, &row).await, with_version(row, 1));
    }
}

/// Pages of every kind that has an id meet each record once, the newest first.
pub async fn every_record_with_an_id_is_listed(world: &dyn StoreWorld) {
    let has_id = |kind: &RecordType| {
        (kind.table)()
            .key()
            .map(|column| column.name)
            .eq(["org_id", "id"])
    };
    for kind in kinds().filter(has_id) {
        let org = org(world);
        let mut ids = Vec::new();
        for _ in 0..7 {
            let row = (kind.sample)(org, world.entropy());
            ids.push(row.get("id").clone());
            commit(world, batch(org, Write::Insert(row))).await;
        }
        ids.sort();
        ids.reverse();
        let records = world.store().records(org);
        let (mut listed, mut page) = (Vec::new(), Page::first(3));
        loop {
            let next = records.rows((kind.table)(), &page).await.expect("a page");
            assert!(next.items.len() <= 3);
            listed.extend(next.items.iter().map(|row| row.get("id").clone()));
            let Some(cursor) = next.next else { break };
            page = Page {
                limit: 3,
                after: Some(cursor),
            };
        }
        assert_eq!(listed, ids, "{}", (kind.table)().name);
        let elsewhere = Page {
            limit: 3,
            after: Some(Cursor("'; --".into())),
        };
        assert!(matches!(
            records.rows((kind.table)(), &elsewhere).await,
            Err(StoreError::BadCursor)
        ));
    }
}

/// The schema has the tables and columns that the records declare, of their types, and no others.
pub async fn the_schema_is_what_the_records_declare(world: &dyn StoreWorld) {
    let schema = world.schema().await;
    let describe = |table: &str, column: &str, kind, nullable: bool| {
        format!(
            "{table}.{column} {kind:?}{}",
            if nullable { " or nothing" } else { "" }
        )
    };
    let mut declared: Vec<String> = hum_core::records()
        .flat_map(|kind| {
            (kind.table)()
                .columns
                .iter()
                .map(move |column| ((kind.table)().name, column))
        })
        .map(|(table, column)| describe(table, column.name, column.kind, column.nullable))
        .collect();
    let tables: Vec<&str> = hum_core::records()
        .map(|kind| (kind.table)().name)
        .collect();
    let mut stored: Vec<String> = schema
        .iter()
        .filter(|column| tables.contains(&column.table.as_str()))
        .map(|column| describe(&column.table, &column.name, column.kind, column.nullable))
        .collect();
    declared.sort();
    stored.sort();
    assert_eq!(stored, declared);
}
