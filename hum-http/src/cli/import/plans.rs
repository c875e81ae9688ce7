use std::path::PathBuf;

use clap::Args;
use hum_adapters::{broadband::plans::PlansImport, clock::SystemClock};
use hum_core::clock::Clock;

use crate::{cli::Failure, config::Config};

use super::Folder;

#[derive(Args)]
pub struct Plans {
    /// A CSV or JSON file with plans, or a provider's machine-readable broadband labels (47 CFR
    /// 8.1(a)) as CSV.
    file: PathBuf,
    #[command(flatten)]
    folder: Folder,
    /// The first day on which the plans are in effect, such as 2026-12-01, where the file does not
    /// say it.
    #[arg(long, value_name = "DAY")]
    effective_from: Option<String>,
    /// The last day, where the file does not say it.
    #[arg(long, value_name = "DAY")]
    effective_to: Option<String>,
    /// States in which the plans are sold, such as MI,OH, where the file does not say it.
    #[arg(long, value_delimiter = ',')]
    states: Vec<String>,
    /// ZIP codes in which the plans are sold, where the file does not say it.
    #[arg(long, value_delimiter = ',')]
    zips: Vec<String>,
    /// fiber, cable, dsl, fixed wireless, licensed fixed wireless, satellite or other, where the
    /// file does not say it.
    #[arg(long)]
    technology: Option<String>,
    /// The file has all plans of its providers: those that are not in it end.
    #[arg(long)]
    complete: bool,
}

impl Plans {
    /// Does it.
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        let folder = self.folder.broadband(config);
        let import = PlansImport {
            effective_from: self.effective_from,
            effective_to: self.effective_to,
            states: self.states,
            zips: self.zips,
            technology: self.technology,
            complete: self.complete,
        };
        let now = SystemClock::new().now();
        let imported = import
            .run(&folder, &self.file, now)
            .map_err(|error| Failure::new(error.to_string()))?;
        let mobile = if imported.mobile > 0 {
            format!("; {} mobile plans left out", imported.mobile)
        } else {
            String::new()
        };
        if imported.changed {
            println!(
                "version {}: {} plans{mobile}: {}",
                imported.version,
                imported.plans,
                folder.join("plans.json").display()
            );
        } else {
            println!(
                "nothing changed: this file is version {} already",
                imported.version
            );
        }
        Ok(())
    }
}
