//! `hum import`: broadband data from files.

mod check;
mod fcc;
mod plans;
mod progress;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::Config;

use super::Failure;

#[derive(Subcommand)]
pub enum Import {
    /// Who serves which place: the FCC's fixed availability files.
    ///
    /// Download them from <https://broadbandmap.fcc.gov/data-download/nationwide-data>, unzip them,
    /// and name all of them in one command: an import replaces the data before. It may be killed at
    /// any time; the same command goes on where it stopped. A server that is running notices the
    /// new data by itself.
    Fcc(fcc::Fcc),
    /// What providers sell: a CSV or JSON file with plans, or a provider's broadband labels.
    ///
    /// Plans are added to those before, by the days on which they are in effect. Importing a file
    /// again changes nothing.
    Plans(plans::Plans),
    /// Read the whole index and compare every checksum.
    Check(check::Check),
}

/// Where the data is.
#[derive(Args)]
struct Folder {
    /// The data directory, instead of HUM_DATA_DIR; broadband data is in its folder `broadband`.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

impl Folder {
    fn broadband(&self, config: &Config) -> PathBuf {
        self.data_dir
            .as_ref()
            .unwrap_or(&config.data_dir)
            .join("broadband")
    }
}

impl Import {
    /// Does it.
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        match self {
            Self::Fcc(fcc) => fcc.run(config),
            Self::Plans(plans) => plans.run(config),
            Self::Check(check) => check.run(config),
        }
    }
}

/// `1234567` as `1,234,567`.
fn with_commas(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::with_commas;

    #[test]
    fn long_numbers_have_commas() {
        let texts = [0, 999, 1_000, 123_456, 5_000_000].map(with_commas);
        assert_eq!(texts, ["0", "999", "1,000", "123,456", "5,000,000"]);
    }
}
