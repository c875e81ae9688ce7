use clap::{Subcommand, ValueEnum};
use hum_core::{
    Hum,
    access::{Caller, KeyMode, NewApiKey, Role},
    id::OrgId,
    idempotency::{Answer, Remember},
};

use crate::{assemble::assemble, config::Config};

use super::Failure;

#[derive(Subcommand)]
pub enum Keys {
    /// Make an API key and print it, alone.
    Create {
        /// The organization, by id or slug.
        #[arg(long)]
        org: String,
        /// What the key may do.
        #[arg(long)]
        role: RoleArg,
        /// For people.
        #[arg(long, default_value = "command line")]
        name: String,
        /// What narrows the role, separated by commas.
        #[arg(long, default_value = "*", value_delimiter = ',')]
        scopes: Vec<String>,
        /// A key that begins with `hum_test_`.
        #[arg(long)]
        test: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub enum RoleArg {
    Viewer,
    Operator,
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Viewer => Self::Viewer,
            RoleArg::Operator => Self::Operator,
            RoleArg::Admin => Self::Admin,
        }
    }
}

impl Keys {
    /// Does it.
    pub async fn run(self, config: &Config) -> Result<(), Failure> {
        let hum = assemble(config, &format!("http://{}", config.bind))
            .await?
            .hum;
        let Self::Create {
            org,
            role,
            name,
            scopes,
            test,
        } = self;
        let caller = Caller::system(find(&hum, &org).await?);
        let mode = if test { KeyMode::Test } else { KeyMode::Live };
        let new = NewApiKey {
            name,
            role: role.into(),
            scopes,
            mode,
        };
        if let Answer::Fresh(created) = hum
            .api_keys()
            .create(&caller, new, Remember::nothing())
            .await?
        {
            println!("{}", created.secret.reveal());
        }
        Ok(())
    }
}

async fn find(hum: &Hum, org: &str) -> Result<OrgId, Failure> {
    let system = hum.system();
    let found = match org.parse::<OrgId>() {
        Ok(id) => hum.reads(id).organization().await?,
        Err(_) => system.find_organization(org).await?,
    };
    if let Some(organization) = found {
        return Ok(organization.id);
    }
    let known: Vec<String> = system
        .list_organizations()
        .await?
        .into_iter()
        .map(|organization| organization.slug)
        .take(20)
        .collect();
    Err(Failure::new(format!(
        "there is no organization {org:?}; there are: {}",
        known.join(", ")
    )))
}
