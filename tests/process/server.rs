//! The `hum` program as a child process.

use std::{
    fs::OpenOptions,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::time::sleep;

/// How the server is started, each time the same way.
pub struct Setup {
    pub folder: tempfile::TempDir,
    pub address: SocketAddr,
    pub env: Vec<(&'static str, String)>,
}

impl Setup {
    /// On an address that is free now, with `env` besides.
    pub fn new(database_url: Option<String>, env: &[(&'static str, String)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port");
        let mut env = env.to_vec();
        let sqlite = || format!("sqlite://{}", folder.path().join("hum.sqlite").display());
        env.extend([
            ("HUM_BIND", address.to_string()),
            ("HUM_DATABASE_URL", database_url.unwrap_or_else(sqlite)),
            ("HUM_DATA_DIR", folder.path().display().to_string()),
            ("HUM_PUBLIC_URL", format!("http://{address}")),
            ("HUM_LOG", "warn".into()),
        ]);
        Self {
            folder,
            address,
            env,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("hum.log")
    }

    /// What the server wrote last, for a failed assertion.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Runs a command of the program to its end; answers what it printed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = self
            .command(arguments)
            .stderr(Stdio::inherit())
            .output()
            .expect("hum runs");
        assert!(
            output.status.success(),
            "hum {arguments:?}: {}",
            output.status
        );
        String::from_utf8(output.stdout)
            .expect("UTF-8")
            .trim()
            .to_owned()
    }

    /// Starts the server; it may not listen yet.
    pub fn start(&self) -> Server {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .expect("a log file");
        let out = log.try_clone().expect("a second handle on the log");
        Server {
            child: self
                .command(&["serve"])
                .stdout(out)
                .stderr(log)
                .spawn()
                .expect("hum starts"),
        }
    }

    /// Waits until the server answers. Its port accepts connections before that.
    pub async fn ready(&self) {
        let client = reqwest::Client::new();
        for _ in 0..2_000 {
            if client
                .get(self.url("/readyz"))
                .send()
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("hum did not start in 20 s:\n{}", self.last_words());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hum"));
        command
            .args(arguments)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path());
        command.stdin(Stdio::null());
        command
    }
}

/// What the server said belongs to a failure.
impl Drop for Setup {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("hum said last:\n{}", self.last_words());
        }
    }
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
}

impl Server {
    /// SIGKILL: nothing of the program runs any more when this returns.
    pub fn kill(mut self) {
        self.child.kill().expect("the server can be killed");
        self.child.wait().expect("the server can be waited for");
    }

    /// SIGTERM; returns when the program has ended.
    pub async fn terminate(mut self) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(told.is_ok_and(|status| status.success()), "a signal");
        while !self.ended() {
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether it ended by itself.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
