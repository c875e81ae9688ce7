use std::{path::PathBuf, time::Instant};

use clap::Args;
use hum_adapters::broadband::import::{FccImport, ROWS_PER_RUN};

use crate::{cli::Failure, config::Config};

use super::{Folder, progress::Shown, with_commas};

#[derive(Args)]
pub struct Fcc {
    /// The CSV files, such as bdc_26_Cable_fixed_broadband_J25_14nov2025.csv.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    folder: Folder,
    /// The release, such as J25-14nov2025, when the names of the files do not say it.
    #[arg(long)]
    vintage: Option<String>,
    /// Forget an unfinished import and begin anew.
    #[arg(long)]
    restart: bool,
    /// Go on without rows that cannot be used, and say how many there were.
    #[arg(long)]
    skip_bad_rows: bool,
    /// How many rows are sorted at once; for tests.
    #[arg(long, hide = true, default_value_t = ROWS_PER_RUN, value_parser = at_least_one)]
    rows_per_run: usize,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|rows| *rows > 0)
        .ok_or_else(|| "it must be a number of rows, at least 1".into())
}

impl Fcc {
    /// Does it.
    #[expect(
        clippy::disallowed_methods,
        reason = "a person is told how long it took"
    )]
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        let import = FccImport {
            folder: self.folder.broadband(config),
            files: self.files,
            vintage: self.vintage,
            restart: self.restart,
            skip_bad_rows: self.skip_bad_rows,
            rows_per_run: self.rows_per_run,
        };
        let start = Instant::now();
        let mut shown = Shown::new();
        let imported = import.run(&mut |progress| shown.show(progress));
        shown.end();
        let imported = imported.map_err(|error| Failure::new(error.to_string()))?;
        let seconds = start.elapsed().as_secs_f64();
        let read_now = imported.rows - imported.resumed_rows;
        let skipped = if imported.bad_rows > 0 {
            format!(", {} bad rows skipped", with_commas(imported.bad_rows))
        } else {
            String::new()
        };
        println!(
            "{}: {} rows{skipped}, {} cells, {} locations, {} providers in {seconds:.1} s ({} rows/s): {}",
            imported.data_set,
            with_commas(imported.rows),
            with_commas(imported.cells),
            with_commas(imported.locations),
            with_commas(imported.providers as u64),
            with_commas((read_now as f64 / seconds.max(0.001)) as u64),
            imported.path.display()
        );
        Ok(())
    }
}
