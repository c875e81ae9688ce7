//! Every store keeps the same promises: the suite of `hum_testkit::contract`, once for each.

use std::sync::Arc;

use async_trait::async_trait;
use hum_adapters::storage::{PostgresStore, SchemaColumn, SchemaIndex, SqliteStore};
use hum_core::{Storage, entropy::Entropy, job::JobQueue};
use hum_testkit::{Chance, contract::StoreWorld, postgres::TestDatabase};

/// A store, and what must outlive it.
pub(crate) struct World<S, K> {
    store: Arc<S>,
    chance: Chance,
    _keeps: K,
}

impl<S, K> World<S, K> {
    pub(crate) fn new(store: S, keeps: K) -> Self {
        Self {
            store: Arc::new(store),
            chance: Chance::new(7, 0),
            _keeps: keeps,
        }
    }
}

/// A store that tells its schema.
#[async_trait]
pub(crate) trait Schema {
    async fn schema(&self) -> Vec<SchemaColumn>;
    async fn indexes(&self) -> Vec<SchemaIndex>;
}

#[async_trait]
impl Schema for SqliteStore {
    async fn schema(&self) -> Vec<SchemaColumn> {
        SqliteStore::schema(self).await.expect("the schema is read")
    }

    async fn indexes(&self) -> Vec<SchemaIndex> {
        SqliteStore::indexes(self)
            .await
            .expect("the indexes are read")
    }
}

#[async_trait]
impl Schema for PostgresStore {
    async fn schema(&self) -> Vec<SchemaColumn> {
        PostgresStore::schema(self)
            .await
            .expect("the schema is read")
    }

    async fn indexes(&self) -> Vec<SchemaIndex> {
        PostgresStore::indexes(self)
            .await
            .expect("the indexes are read")
    }
}

#[async_trait]
impl<S: Storage + Schema + 'static, K: Send + Sync> StoreWorld for World<S, K> {
    fn store(&self) -> Arc<dyn Storage> {
        self.store.clone()
    }

    async fn schema(&self) -> Vec<SchemaColumn> {
        self.store.schema().await
    }

    async fn indexes(&self) -> Vec<SchemaIndex> {
        self.store.indexes().await
    }

    fn jobs(&self) -> Arc<dyn JobQueue> {
        self.store.clone()
    }

    fn entropy(&self) -> &dyn Entropy {
        &self.chance
    }
}

fn sqlite_in_memory() -> World<SqliteStore, ()> {
    World::new(SqliteStore::in_memory().expect("a database in memory"), ())
}

fn sqlite_file() -> World<SqliteStore, tempfile::TempDir> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(&folder.path().join("not/yet/there/hum.db"))
        .expect("a database in a file");
    World::new(store, folder)
}

async fn postgres() -> World<PostgresStore, TestDatabase> {
    let database = TestDatabase::create().await;
    World::new(database.store().await, database)
}

mod in_memory {
    hum_testkit::store_contract!(super::sqlite_in_memory());
}

mod in_a_file {
    hum_testkit::store_contract!(super::sqlite_file());

    /// A commit that was answered is there after a restart.
    #[tokio::test]
    async fn a_reopened_file_has_everything() {
        use super::{SqliteStore, StoreWorld, World};
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("hum.db");
        let world = World::new(SqliteStore::open(&path).expect("a new database"), ());
        let (sample, _, number, _) =
            hum_testkit::contract::sample::Sample::stored(&world, "+13175550100").await;
        let org = sample.org;
        drop(world);
        let world = World::new(SqliteStore::open(&path).expect("the same database"), ());
        assert_eq!(
            world.store().org(org).number(number.id).await.unwrap(),
            Some(number)
        );
    }

    /// The schema of a newer build is not touched.
    #[test]
    fn a_newer_schema_is_refused_with_a_sentence() {
        use super::SqliteStore;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("hum.db");
        drop(SqliteStore::open(&path).expect("a new database"));
        let connection = rusqlite::Connection::open(&path).expect("the same file");
        connection
            .execute(
                "INSERT INTO hum_migration VALUES (99, '0099_later', 'x')",
                [],
            )
            .expect("a row");
        let refused = SqliteStore::open(&path)
            .err()
            .expect("a refusal")
            .to_string();
        assert!(
            refused.contains("0099_later") && refused.contains("start a newer hum"),
            "{refused}"
        );
    }
}

mod in_postgres {
    hum_testkit::store_contract!(super::postgres().await);

    /// Several servers may start at once on an empty database.
    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_connects_second_finds_the_schema() {
        let database = hum_testkit::postgres::TestDatabase::create().await;
        let stores = futures_util::future::join_all((0..4).map(|_| database.store())).await;
        assert_eq!(stores.len(), 4);
    }

    /// An address that leads nowhere is a sentence, not a panic.
    #[tokio::test]
    async fn a_wrong_address_is_a_sentence() {
        use super::PostgresStore;
        let wrong = PostgresStore::connect("not an address")
            .await
            .err()
            .expect("a refusal")
            .to_string();
        assert!(wrong.contains("postgres://"), "{wrong}");
        let closed = PostgresStore::connect("postgres://nobody@127.0.0.1:1/none")
            .await
            .err()
            .expect("a refusal");
        assert!(
            closed
                .to_string()
                .contains("cannot connect to the Postgres database"),
            "{closed}"
        );
    }
}
