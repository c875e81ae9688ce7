//! Servers as child processes, stopped when dropped.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server that listens.
pub struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` on one core and waits until it accepts connections.
    pub fn start(
        command: &Command,
        core: &str,
        address: SocketAddr,
        log: &Path,
    ) -> io::Result<Self> {
        let mut pinned = Command::new("taskset");
        pinned
            .args(["-c", core])
            .arg(command.get_program())
            .args(command.get_args());
        pinned.envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        if let Some(folder) = command.get_current_dir() {
            pinned.current_dir(folder);
        }
        let output = std::fs::File::create(log)?;
        pinned
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let mut server = Self {
            child: pinned.spawn()?,
            log: log.to_owned(),
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            if server.child.try_wait()?.is_some() || Instant::now() > deadline {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                return Err(io::Error::other(format!(
                    "{} did not start:\n{said}",
                    command.get_program().display()
                )));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// Why it does not do what it should, with what it printed.
    pub fn said(&self, error: impl std::fmt::Display) -> io::Error {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        io::Error::other(format!("the server stopped answering: {error}\n{log}"))
    }

    /// `taskset` becomes the program that it starts, so this is the server itself.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on loopback that nobody listens on.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// The top folder of the repository that this program was built from.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .to_owned()
}

/// hum's server in release mode, built beside this program.
pub fn hum_binary() -> io::Result<PathBuf> {
    run(Command::new("cargo")
        .args([
            "build",
            "--release",
            "--package",
            "hum-http",
            "--bin",
            "hum",
        ])
        .current_dir(repository()))?;
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), PathBuf::from);
    Ok(target.join("release").join("hum"))
}

/// Installs a peer's packages, by name and pinned version, unless they are there.
pub fn install_from_npm(folder: &Path) -> io::Result<()> {
    if folder.join("node_modules").is_dir() {
        return Ok(());
    }
    eprintln!("installing the peer's packages with npm");
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(folder))
}

/// The same for a peer in Python: into `.venv` in its folder, whose Python it answers.
pub fn install_from_pip(folder: &Path) -> io::Result<PathBuf> {
    let python = folder.join(".venv/bin/python");
    // Written last: an installation that was stopped begins anew.
    let done = folder.join(".venv/installed");
    if !done.is_file() {
        eprintln!("installing the peer's packages with pip");
        run(Command::new("python3")
            .args(["-m", "venv", "--clear", ".venv"])
            .current_dir(folder))?;
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
            "requirements.txt",
        ];
        run(Command::new(&python).args(install).current_dir(folder))?;
        std::fs::write(done, "")?;
    }
    Ok(python)
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> io::Result<()> {
    let name = command.get_program().to_owned();
    match command.stdin(Stdio::null()).stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(io::Error::other(format!(
            "{} failed: {status}",
            name.display()
        ))),
        Err(error) => Err(io::Error::other(format!(
            "{} could not be run: {error}",
            name.display()
        ))),
    }
}

/// A Postgres server of its own, with durable commits, made by `scripts/postgres`.
pub struct Postgres {
    folder: PathBuf,
    pub url: String,
    pub pid: u32,
}

impl Postgres {
    /// `settings` are added to those that every benchmark has.
    pub fn start(folder: &Path, settings: &[&str]) -> io::Result<Self> {
        let output = Command::new(repository().join("scripts/postgres"))
            .arg("start")
            .arg(folder)
            .args([
                "shared_buffers=512MB",
                "max_wal_size=4GB",
                "max_connections=64",
            ])
            .args(settings)
            .stderr(Stdio::inherit())
            .output()?;
        let url = String::from_utf8(output.stdout)
            .map_err(io::Error::other)?
            .trim()
            .to_owned();
        if !output.status.success() || url.is_empty() {
            return Err(io::Error::other("no Postgres server could be started"));
        }
        let pid = std::fs::read_to_string(folder.join("data/postmaster.pid"))?;
        let pid = pid
            .lines()
            .next()
            .and_then(|line| line.parse().ok())
            .ok_or_else(|| io::Error::other("no postmaster.pid"))?;
        Ok(Self {
            folder: folder.to_owned(),
            url,
            pid,
        })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = Command::new(repository().join("scripts/postgres"))
            .arg("stop")
            .arg(&self.folder)
            .status();
    }
}
