//! A Postgres for tests: a fresh database each, on a server that is found or started. Never
//! skipped: without one, the test fails with a sentence that says what to install.
//!
//! 1. `HUM_TEST_POSTGRES_URL`, if it is set: a role there must be allowed to create databases.
//! 2. A server at 127.0.0.1:5432 that trusts the role `postgres`.
//! 3. A private server from the machine's own binaries (`initdb`, `postgres`), which ends with the
//!    test process.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use hum_adapters::storage::PostgresStore;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::OnceCell;

/// A database of one test, dropped after it.
pub struct TestDatabase {
    name: String,
    server: Server,
    /// Its address.
    pub url: String,
}

/// The server that this process found or started.
static SERVER: OnceCell<Server> = OnceCell::const_new();
/// The database that has every migration already: copying it is faster than migrating.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);
/// Any number: a database cannot be copied while somebody looks at it, so processes take turns.
const TURN: i64 = 0x68_75_6d_74;

/// An address without its database: `postgres://user@host:port`, and what follows.
#[derive(Clone)]
struct Server(String, String);

impl Server {
    fn url(&self, database: &str) -> String {
        format!("{}/{database}{}", self.0, self.1)
    }
}

impl TestDatabase {
    /// A fresh database with the schema of this build.
    ///
    /// # Panics
    /// There is no Postgres, and none can be started.
    pub async fn create() -> Self {
        let server = SERVER.get_or_init(find_server).await.clone();
        let mut admin = PgConnection::connect(&server.url("postgres"))
            .await
            .unwrap_or_else(|error| panic!("{HELP} ({error})"));
        sqlx::query("SELECT pg_advisory_lock($1)")
            .bind(TURN)
            .execute(&mut admin)
            .await
            .expect("a turn");
        let template = TEMPLATE
            .get_or_init(async || make_template(&server, &mut admin).await)
            .await;
        let name = format!(
            "{template}_{}_{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        recreate(&mut admin, &name, &format!("TEMPLATE {template}")).await;
        // Dropping the connection ends the turn.
        let _ = admin.close().await;
        Self {
            url: server.url(&name),
            name,
            server,
        }
    }

    /// A store on it.
    ///
    /// # Panics
    /// The store cannot connect.
    pub async fn store(&self) -> PostgresStore {
        PostgresStore::connect(&self.url)
            .await
            .expect("the test database answers")
    }
}

impl Drop for TestDatabase {
    /// Best effort, on a thread of its own: the test's runtime may be gone.
    fn drop(&mut self) {
        let (admin, sql) = (
            self.server.url("postgres"),
            format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .ok()?;
            runtime.block_on(async {
                PgConnection::connect(&admin)
                    .await
                    .ok()?
                    .execute(AssertSqlSafe(sql))
                    .await
                    .ok()
            })
        });
        let _ = dropping.join();
    }
}

async fn find_server() -> Server {
    let url = match std::env::var("HUM_TEST_POSTGRES_URL") {
        Ok(url) => url,
        Err(_) => {
            let local = "postgres://postgres@127.0.0.1:5432/postgres";
            if PgConnection::connect(local).await.is_ok() {
                local.to_owned()
            } else {
                start_private()
            }
        }
    };
    let (base, query) = url
        .split_once('?')
        .map_or((url.as_str(), String::new()), |(base, query)| {
            (base, format!("?{query}"))
        });
    let host = base.find("://").map_or(0, |at| at + 3);
    let base = base[host..].find('/').map_or(base, |at| &base[..host + at]);
    Server(base.to_owned(), query)
}

/// One for each working copy, so that two with different schemas can be tested at once. It stays
/// for the next run, unless its schema is another one.
async fn make_template(server: &Server, admin: &mut PgConnection) -> String {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
    let name = format!("hum_test_{:08x}", hasher.finish() >> 32);
    if PostgresStore::connect(&server.url(&name)).await.is_err() {
        recreate(admin, &name, "").await;
        let store = PostgresStore::connect(&server.url(&name)).await;
        drop(store.expect("the migrations apply to an empty Postgres database"));
    }
    name
}

async fn recreate(admin: &mut PgConnection, name: &str, how: &str) {
    for sql in [
        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        format!("CREATE DATABASE {name} {how}"),
    ] {
        admin
            .execute(AssertSqlSafe(sql))
            .await
            .expect("the test role may create databases");
    }
}

const HELP: &str = "tests need a Postgres server: install one (Debian and Ubuntu: apt install postgresql; macOS: brew install \
     postgresql), or set HUM_TEST_POSTGRES_URL to a role that may create databases";

/// Where distributions put the server's programs, which are not always on the path.
fn binaries() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"));
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).chain(versions).collect();
    folders.retain(|folder| folder.join("initdb").exists() && folder.join("postgres").exists());
    folders.pop().unwrap_or_else(|| panic!("{HELP}"))
}

/// `program` of the server, as a user that it accepts: it refuses root.
fn command(program: &Path, root: bool) -> Command {
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

/// Starts a server on a socket in a folder of its own; answers its address.
fn start_private() -> String {
    let binaries = binaries();
    let folder = tempfile::Builder::new()
        .prefix("hum-postgres-")
        .tempdir()
        .expect("a temporary folder")
        .keep();
    let root = fs::metadata("/proc/self")
        .is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    if root {
        let owned = Command::new("chown").arg("postgres").arg(&folder).status();
        assert!(
            owned.is_ok_and(|status| status.success()),
            "{HELP}: there is no user named postgres to run it as"
        );
    }
    let data = folder.join("data");
    let made = command(&binaries.join("initdb"), root)
        .args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
            "--locale=C",
            "-D",
        ])
        .arg(&data)
        .current_dir(&folder)
        .stdout(Stdio::null())
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "initdb failed: {HELP}"
    );
    // Nothing in it must survive, so it need not wait for the disk.
    let server = command(&binaries.join("postgres"), root)
        .arg("-D")
        .arg(&data)
        .args([
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
            "-c",
            "max_connections=200",
            "-k",
        ])
        .arg(&folder)
        .current_dir(&folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut server = server.unwrap_or_else(|error| panic!("{HELP} ({error})"));
    wait_until_ready(&mut server);
    stop_with_this_process(&folder);
    format!(
        "postgres://postgres@localhost/postgres?host={}",
        folder.display()
    )
}

fn wait_until_ready(server: &mut Child) {
    let mut lines = BufReader::new(server.stderr.take().expect("its output is ours")).lines();
    let ready = lines
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.contains("ready to accept connections"));
    assert!(ready, "the private Postgres server did not start: {HELP}");
    // Its log must go somewhere, or it stops when the pipe is full.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
}

/// A test process has no end of its own to hook into, so a small shell watches it.
fn stop_with_this_process(folder: &Path) {
    let script = "while kill -0 \"$1\" 2>/dev/null; do sleep 1; done; \
         kill -INT \"$(head -n 1 \"$2/data/postmaster.pid\")\"; sleep 2; rm -rf \"$2\"";
    let watch = Command::new("sh")
        .args(["-c", script, "sh", &std::process::id().to_string()])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    drop(watch);
}
