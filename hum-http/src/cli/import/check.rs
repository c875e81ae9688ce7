use clap::Args;
use hum_adapters::broadband::{
    import::INDEX_FILE,
    index::{Index, check::check_file},
};

use crate::{cli::Failure, config::Config};

use super::{Folder, with_commas};

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    folder: Folder,
}

impl Check {
    /// Does it.
    pub fn run(self, config: &Config) -> Result<(), Failure> {
        let path = self.folder.broadband(config).join(INDEX_FILE);
        check_file(&path).map_err(|error| Failure::new(error.to_string()))?;
        let (_, index) = Index::open(&path).map_err(|error| Failure::new(error.to_string()))?;
        println!(
            "{}: {} rows, {} cells, {} locations, {} providers, undamaged: {}",
            index.data_set(),
            with_commas(index.header().rows),
            with_commas(index.cell_count()),
            with_commas(index.header().locations),
            with_commas(index.provider_count()),
            path.display()
        );
        Ok(())
    }
}
