//! Gives hum what a customer has before the first text comes in: an organization, an agent and a
//! number.

use std::{io, sync::Arc};

use hum_adapters::{
    bus::InProcessBus,
    cipher::KeyFileCipher,
    clock::SystemClock,
    egress::{EgressPolicy, GuardedEgress},
    entropy::SystemEntropy,
    language_model::Scripted,
    storage::{PostgresStore, SqliteStore},
    telephony::twilio::{Twilio, TwilioConfig},
};
use hum_core::{
    Hum, HumBuilder, Settings,
    access::Caller,
    cipher::Secret,
    flow::{Channel, FlowDefinition},
    idempotency::{Answer, Remember},
    number::NewNumber,
    organization::NewOrganization,
    telephony::CarrierCredentials,
};

use super::{
    texts::{ACCOUNT_SID, AUTH_TOKEN, NUMBER, PUBLIC_URL},
    under_test::Database,
};

/// Registers the number that is texted, with an agent that waits as long as it may before it
/// answers.
pub fn number(database: &Database) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let builder = Hum::builder();
        let builder = match database {
            Database::Sqlite(path) => {
                builder.storage(SqliteStore::open(path).map_err(io::Error::other)?)
            }
            Database::Postgres(url) => builder.storage(
                PostgresStore::connect(url)
                    .await
                    .map_err(io::Error::other)?,
            ),
        };
        let hum = assemble(builder)?;
        let organization = NewOrganization {
            slug: "bench".into(),
            name: "Bench".into(),
        };
        let organization = hum
            .organizations()
            .create(organization)
            .await
            .map_err(io::Error::other)?;
        let caller = Caller::system(organization.id);
        let mut agent = FlowDefinition {
            channel: Channel::Sms,
            ..FlowDefinition::named("Bench")
        };
        agent.sms.debounce_ms = 60_000;
        let agent = hum
            .flows()
            .create(&caller, agent, Remember::nothing())
            .await
            .map_err(io::Error::other)?;
        let Answer::Fresh(agent) = agent else {
            return Err(io::Error::other("the agent exists already"));
        };
        let number = NewNumber {
            e164: NUMBER.parse().map_err(io::Error::other)?,
            friendly_name: "Bench".into(),
            sms_flow_id: Some(agent.id),
            sms_enabled: true,
        };
        hum.numbers()
            .register(&caller, number, Remember::nothing())
            .await
            .map_err(io::Error::other)?;
        Ok(())
    })
}

fn assemble(builder: HumBuilder) -> io::Result<Hum> {
    let account = CarrierCredentials {
        account_sid: ACCOUNT_SID.into(),
        auth_token: Secret::new(AUTH_TOKEN.into()),
        secondary_auth_token: None,
    };
    builder
        .carrier(Twilio::new(TwilioConfig::default()).map_err(io::Error::other)?)
        .language_model(Scripted)
        .egress(GuardedEgress::new(EgressPolicy::default()).map_err(io::Error::other)?)
        .cipher(KeyFileCipher::from_key([7; 32], Arc::new(SystemEntropy)))
        .clock(SystemClock::new())
        .entropy(SystemEntropy)
        .live_bus(InProcessBus::new())
        .settings(Settings {
            public_url: PUBLIC_URL.into(),
            default_account: Some(account),
            ..Settings::default()
        })
        .build()
        .map_err(io::Error::other)
}
