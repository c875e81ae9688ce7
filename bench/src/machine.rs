//! What the machine does meanwhile: processor time, other load, how fast a disk syncs.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// `/proc` counts in hundredths of a second on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Which cores do what. The server has one alone.
#[derive(Debug, Clone)]
pub struct Cores {
    pub server: String,
    pub rest: String,
    pub rest_count: usize,
}

/// The first core for the server, the others for load and database; `None` when there is only one.
pub fn cores() -> Option<Cores> {
    let count = std::thread::available_parallelism().ok()?.get();
    let rest = if count > 2 {
        format!("1-{}", count - 1)
    } else {
        "1".to_owned()
    };
    (count >= 2).then(|| Cores {
        server: "0".into(),
        rest,
        rest_count: count - 1,
    })
}

/// Pins this process, before it has threads, and gives it real-time priority where that is wanted
/// and allowed. Children inherit both. Answers whether the priority was had.
pub fn settle(cores: &Cores, real_time: bool) -> io::Result<bool> {
    let me = std::process::id().to_string();
    if !quietly("taskset", &["-cp", &cores.rest, &me])? {
        return Err(io::Error::other("taskset could not pin this process"));
    }
    Ok(real_time && quietly("chrt", &["-r", "-p", "10", &me]).unwrap_or(false))
}

fn quietly(program: &str, arguments: &[&str]) -> io::Result<bool> {
    Ok(Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?
        .success())
}

/// Whose processor time is read: a server, its database server if that is one, and this process.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    pub server: u32,
    pub postgres: Option<u32>,
}

/// Processor time.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub server: Duration,
    pub database: Duration,
    /// Of this process: the load.
    load: Duration,
    /// Of everything on the machine.
    all: Duration,
}

impl Meter {
    /// Until now.
    pub fn read(self) -> Usage {
        Usage {
            server: cpu_of(self.server),
            database: self.postgres.map(cpu_of_family).unwrap_or_default(),
            load: cpu_of(std::process::id()),
            all: cpu_of_all(),
        }
    }

    /// Since an earlier reading.
    pub fn since(self, before: Usage) -> Usage {
        self.read().since(before)
    }
}

impl Usage {
    /// What came after an earlier reading.
    pub fn since(self, before: Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            database: self.database.saturating_sub(before.database),
            load: self.load.saturating_sub(before.load),
            all: self.all.saturating_sub(before.all),
        }
    }

    /// Of programs that have nothing to do with the benchmark.
    pub fn other(&self) -> Duration {
        self.all
            .saturating_sub(self.server + self.database + self.load)
    }
}

/// Processor time that a process has used, all its threads together.
fn cpu_of(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may hold spaces; fields are counted from its closing parenthesis.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .collect();
    ticks(fields.get(11..13).unwrap_or_default())
}

/// Processor time of a process and its children: a Postgres server.
fn cpu_of_family(pid: u32) -> Duration {
    let children = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let child: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
            let parent: u32 = stat
                .rsplit_once(')')?
                .1
                .split_whitespace()
                .nth(1)?
                .parse()
                .ok()?;
            (parent == pid).then(|| cpu_of(child))
        });
    cpu_of(pid) + children.sum::<Duration>()
}

/// Processor time that all processes have used.
fn cpu_of_all() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .collect();
    // user nice system - - irq softirq steal
    let busy: Vec<&str> = [0, 1, 2, 5, 6, 7]
        .iter()
        .filter_map(|&index| fields.get(index).copied())
        .collect();
    ticks(&busy)
}

fn ticks(fields: &[&str]) -> Duration {
    let ticks: f64 = fields
        .iter()
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Duration::from_secs_f64(ticks / TICKS_PER_SECOND)
}

/// How fast a folder makes single 4 KiB writes durable.
pub struct SyncProbe {
    pub per_second: f64,
    pub p99: Duration,
}

/// Writes and syncs for half a second.
pub fn probe_sync(folder: &Path) -> io::Result<SyncProbe> {
    let path = folder.join("sync-probe");
    let mut file = fs::File::create(&path)?;
    let mut latencies = crate::latencies::Latencies::default();
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(500) {
        let one = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        latencies.record(one.elapsed());
    }
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let per_second = latencies.count() as f64 / began.elapsed().as_secs_f64();
    fs::remove_file(path)?;
    Ok(SyncProbe {
        per_second,
        p99: latencies.quantile(0.99),
    })
}

/// Memory that a process has in use, in bytes.
pub fn resident_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next());
    kib.and_then(|kib| kib.parse::<u64>().ok())
        .unwrap_or_default()
        * 1024
}
