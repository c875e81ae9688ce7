use clap::Subcommand;
use hum_core::organization::NewOrganization;

use crate::{assemble::assemble, config::Config};

use super::Failure;

#[derive(Subcommand)]
pub enum Organizations {
    /// Make an organization and print its id.
    Create {
        /// The unique short name: a-z, 0-9 and -.
        slug: String,
        /// For people; the slug when it is left out.
        #[arg(long)]
        name: Option<String>,
    },
    /// List organizations: id, slug and name.
    List,
}

impl Organizations {
    /// Does it.
    pub async fn run(self, config: &Config) -> Result<(), Failure> {
        let hum = assemble(config, &format!("http://{}", config.bind))
            .await?
            .hum;
        match self {
            Self::Create { slug, name } => {
                let name = name.unwrap_or_else(|| slug.clone());
                println!(
                    "{}",
                    hum.organizations()
                        .create(NewOrganization { slug, name })
                        .await?
                        .id
                );
            }
            Self::List => {
                for organization in hum.system().list_organizations().await? {
                    println!(
                        "{}\t{}\t{}",
                        organization.id, organization.slug, organization.name
                    );
                }
            }
        }
        Ok(())
    }
}
