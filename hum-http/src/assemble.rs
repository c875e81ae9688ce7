//! Plugs the configured adapters into hum.

use std::sync::Arc;

use hum_adapters::{
    broadband::LocalBroadbandMap,
    bus::{InProcessBus, PostgresBus},
    cipher::KeyFileCipher,
    clock::SystemClock,
    egress::{EgressPolicy, GuardedEgress},
    entropy::SystemEntropy,
    geocode,
    language_model::{
        Scripted,
        openai::{OpenAi, OpenAiConfig},
    },
    storage::{PostgresStore, SqliteStore},
    telephony::{
        fake::{FakeCarrier, FakeConfig},
        twilio::{Twilio, TwilioConfig},
    },
};
use hum_core::{
    Hum, HumBuilder, Settings, cipher::Secret, entropy::Entropy, geocode::Geocoder,
    telephony::CarrierCredentials,
};

use crate::{
    cli::Failure,
    config::{BadValue, Carrier, Config, DatabaseUrl, Model},
};

/// The account that numbers are on with the fake carrier: the same after each start, since numbers
/// remember it. Its token is drawn at each start, since only this process signs with it.
const FAKE_ACCOUNT: &str = "ACfa4e0000000000000000000000000000";

/// hum, and the fake carrier if it has that one.
pub struct Assembled {
    pub hum: Hum,
    pub fake: Option<Arc<FakeCarrier>>,
}

/// Everything as configured; `public_url` when none is configured.
pub async fn assemble(config: &Config, public_url: &str) -> Result<Assembled, Failure> {
    let public_url = config
        .public_url
        .clone()
        .unwrap_or_else(|| public_url.to_owned());
    let policy = EgressPolicy::parse(&config.egress_allow).map_err(|why| {
        BadValue::new(
            "HUM_EGRESS_ALLOW",
            format!("{:?}", config.egress_allow),
            why,
        )
    })?;
    let builder = Hum::builder()
        .clock(SystemClock::new())
        .entropy(SystemEntropy)
        .egress(GuardedEgress::new(policy).map_err(Failure::new)?)
        .geocoder(geocoder(config)?)
        .broadband_map(broadband_map(config)?)
        .cipher(cipher(config)?);
    let builder = with_model(builder, &config.model)?;
    let (builder, fake, default_account) = with_carrier(builder, config, &public_url)?;
    let settings = Settings {
        public_url,
        default_account,
        carrier_timeout: config.carrier_timeout,
        jobs_at_once: config.workers,
        session_idle: config.session_idle,
        session_wait: config.session_wait,
        key_quotas: config.key_quotas,
        organization_quotas: config.organization_quotas,
        ..Settings::default()
    };
    let builder = with_store(builder, config).await?;
    let hum = builder
        .settings(settings)
        .build()
        .map_err(|missing| Failure::new(missing.to_string()))?;
    Ok(Assembled { hum, fake })
}

fn cipher(config: &Config) -> Result<KeyFileCipher, Failure> {
    let old = config
        .old_master_keys
        .iter()
        .map(|key| key.reveal().as_str());
    current_cipher(config)?.with_old_keys(old).map_err(|error| {
        BadValue::new(
            "HUM_OLD_MASTER_KEYS",
            "not a list of keys",
            format!("it must be keys with commas between them ({error})"),
        )
        .into()
    })
}

fn current_cipher(config: &Config) -> Result<KeyFileCipher, Failure> {
    if let Some(key) = &config.master_key {
        return KeyFileCipher::from_base64(key.reveal(), Arc::new(SystemEntropy)).map_err(|_| {
            BadValue::new(
                "HUM_MASTER_KEY",
                "not a key",
                "it must be 32 bytes in base64",
            )
            .into()
        });
    }
    std::fs::create_dir_all(&config.data_dir).map_err(|error| {
        BadValue::new(
            "HUM_DATA_DIR",
            format!("{:?}", config.data_dir),
            format!("it must be a folder that can be written ({error})"),
        )
    })?;
    let path = config.data_dir.join("master.key");
    KeyFileCipher::open_or_create(&path)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

fn broadband_map(config: &Config) -> Result<LocalBroadbandMap, Failure> {
    LocalBroadbandMap::open(&config.data_dir.join("broadband"))
        .map_err(|why| Failure::new(format!("the broadband data cannot be read: {why}")))
}

fn geocoder(config: &Config) -> Result<Arc<dyn Geocoder>, Failure> {
    geocode::assemble(config.geocoder.clone(), Arc::new(SystemClock::new()))
        .map_err(|why| BadValue::new("HUM_GEOCODER", "not usable", why).into())
}

fn with_model(builder: HumBuilder, model: &Model) -> Result<HumBuilder, Failure> {
    let Model::OpenAi {
        chat,
        api_key,
        base_url,
        model,
    } = model
    else {
        return Ok(builder.language_model(Scripted));
    };
    let mut config = OpenAiConfig::new(api_key.clone(), model.clone());
    if let Some(base_url) = base_url {
        config.base_url.clone_from(base_url);
    }
    let adapter = if *chat {
        OpenAi::chat(config)
    } else {
        OpenAi::responses(config)
    };
    Ok(builder.language_model(adapter.map_err(Failure::new)?))
}

type WithCarrier = (
    HumBuilder,
    Option<Arc<FakeCarrier>>,
    Option<CarrierCredentials>,
);

fn with_carrier(
    builder: HumBuilder,
    config: &Config,
    public_url: &str,
) -> Result<WithCarrier, Failure> {
    match &config.carrier {
        Carrier::Fake => {
            let entropy: &dyn Entropy = &SystemEntropy;
            let account = CarrierCredentials {
                account_sid: FAKE_ACCOUNT.into(),
                auth_token: Secret::new(entropy.token()),
                secondary_auth_token: None,
            };
            let fake_config = FakeConfig {
                public_url: public_url.to_owned(),
                ..FakeConfig::default()
            };
            let fake = FakeCarrier::new(
                Arc::new(SystemClock::new()),
                Arc::new(SystemEntropy),
                fake_config,
            );
            let fake = Arc::new(fake.with_account(account.clone()));
            Ok((builder.carrier(fake.clone()), Some(fake), Some(account)))
        }
        Carrier::Twilio { api_url, account } => {
            let mut twilio = TwilioConfig {
                timeout: config.carrier_timeout,
                ..TwilioConfig::default()
            };
            if let Some(api_url) = api_url {
                twilio.api_url.clone_from(api_url);
            }
            Ok((
                builder.carrier(Twilio::new(twilio).map_err(Failure::new)?),
                None,
                account.clone(),
            ))
        }
    }
}

/// Memory, and the bus that reaches as far as it does.
async fn with_store(builder: HumBuilder, config: &Config) -> Result<HumBuilder, Failure> {
    let unusable = |error: hum_core::store::StoreError| {
        Failure::new(format!("HUM_DATABASE_URL cannot be used: {error}"))
    };
    Ok(match &config.database {
        DatabaseUrl::Sqlite(path) => builder
            .live_bus(InProcessBus::new())
            .storage(SqliteStore::open(path).map_err(unusable)?),
        DatabaseUrl::Postgres(url) => {
            let store = PostgresStore::connect_with(url.reveal(), config.postgres_connections);
            builder
                .storage(store.await.map_err(unusable)?)
                .live_bus(PostgresBus::start(url.reveal()).map_err(unusable)?)
        }
    })
}
