//! How far an import is, on standard error. One line that is written over is all that is wanted,
//! which needs no library.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

use hum_adapters::broadband::import::Progress;

use super::with_commas;

/// What was shown when.
pub struct Shown {
    terminal: bool,
    last: Option<Instant>,
    open: bool,
}

impl Shown {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            terminal: stderr().is_terminal(),
            last: None,
            open: false,
        }
    }

    /// Shows it, unless something was shown just before: on a terminal five lines a second, in a
    /// log one in ten seconds.
    #[expect(
        clippy::disallowed_methods,
        reason = "how often a person is told is no decision of the core"
    )]
    pub fn show(&mut self, progress: Progress) {
        let pause = if self.terminal {
            Duration::from_millis(200)
        } else {
            Duration::from_secs(10)
        };
        let now = Instant::now();
        let often = matches!(
            progress,
            Progress::Reading { .. } | Progress::Merging { .. }
        );
        if often
            && self
                .last
                .is_some_and(|last| now.duration_since(last) < pause)
        {
            return;
        }
        if often {
            self.last = Some(now);
        }
        let line = match progress {
            Progress::Resumed { rows } => format!(
                "going on after {} rows that were read before",
                with_commas(rows)
            ),
            Progress::Reading { rows, bytes, of } => {
                format!(
                    "reading: {} rows, {} % of {} MB",
                    with_commas(rows),
                    percent(bytes, of),
                    of / 1_000_000
                )
            }
            Progress::Merging { rows, of } => format!("merging: {} %", percent(rows, of)),
            Progress::Checking => "checking the new index".into(),
        };
        // Whoever closed standard error does not want to know.
        let _ = if self.terminal {
            write!(stderr(), "\r\x1b[K{line}")
        } else {
            writeln!(stderr(), "{line}")
        };
        self.open = self.terminal;
    }

    /// Leaves the line.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.open) {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

fn percent(part: u64, of: u64) -> u64 {
    part * 100 / of.max(1)
}
