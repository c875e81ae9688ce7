use std::{any::Any, sync::Arc, time::Duration};

use axum::Router;
use hum_adapters::{
    bus::InProcessBus,
    cipher::KeyFileCipher,
    clock::VirtualClock,
    egress::{EgressPolicy, GuardedEgress},
    entropy::SystemEntropy,
    language_model::Scripted,
    storage::SqliteStore,
    telephony::fake::{FakeCarrier, FakeConfig},
};
use hum_core::{
    Hum, HumBuilder, Settings, Storage,
    access::{Caller, KeyMode, NewApiKey, Quotas, Role},
    id::OrgId,
    idempotency::{Answer, Remember},
    organization::NewOrganization,
};
use hum_http::{RouterOptions, dev::Pump};
use hum_testkit::{
    fake::sources::{FixedBroadbandMap, FixedGeocoder},
    postgres::TestDatabase,
};

use super::Actor;

/// The public address of hum in tests.
pub const PUBLIC_URL: &str = "https://hum.test";

/// hum with two organizations, and people of the first one.
pub struct TestApp {
    pub hum: Hum,
    pub router: Router,
    pub fake: Arc<FakeCarrier>,
    pub org: OrgId,
    pub admin: Actor,
    pub operator: Actor,
    pub viewer: Actor,
    /// Somebody without a key.
    pub stranger: Actor,
    /// An administrator of the second organization.
    pub foreigner: Actor,
    clock: VirtualClock,
    pump: Pump,
    _keeps: Box<dyn Any + Send + Sync>,
}

/// Who knows about addresses, and how often one may ask.
pub struct Sources {
    pub geocoder: FixedGeocoder,
    pub map: FixedBroadbandMap,
    pub requests_per_minute: u32,
    /// Of keys, but for address sessions, and of organizations.
    pub quotas: (Quotas, Quotas),
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            geocoder: FixedGeocoder::default(),
            map: FixedBroadbandMap::default(),
            requests_per_minute: 600,
            quotas: (Quotas::OF_A_KEY, Quotas::OF_AN_ORGANIZATION),
        }
    }
}

impl TestApp {
    pub async fn on_sqlite() -> Self {
        let store = SqliteStore::in_memory().expect("a database in memory");
        Self::new(
            |builder| builder.storage(store),
            Sources::default(),
            Box::new(()),
        )
        .await
    }

    /// On SQLite, with other sources of facts about addresses.
    pub async fn with_sources(sources: Sources) -> Self {
        let store = SqliteStore::in_memory().expect("a database in memory");
        Self::new(|builder| builder.storage(store), sources, Box::new(())).await
    }

    /// On a store that a test has opened, with what must outlive it.
    pub async fn on(store: impl Storage + 'static, keeps: Box<dyn Any + Send + Sync>) -> Self {
        Self::new(|builder| builder.storage(store), Sources::default(), keeps).await
    }

    pub async fn on_postgres() -> Self {
        let database = TestDatabase::create().await;
        let store = database.store().await;
        Self::new(
            |builder| builder.storage(store),
            Sources::default(),
            Box::new(database),
        )
        .await
    }

    async fn new(
        with_store: impl FnOnce(HumBuilder) -> HumBuilder,
        sources: Sources,
        keeps: Box<dyn Any + Send + Sync>,
    ) -> Self {
        let clock = VirtualClock::default();
        let config = FakeConfig {
            public_url: PUBLIC_URL.into(),
            callback_delay: Duration::from_secs(1),
            ..FakeConfig::default()
        };
        let fake = Arc::new(FakeCarrier::new(
            Arc::new(clock.clone()),
            Arc::new(SystemEntropy),
            config,
        ));
        let policy = EgressPolicy::parse("127.0.0.1").expect("a policy");
        let settings = Settings {
            public_url: PUBLIC_URL.into(),
            default_account: Some(fake.credentials()),
            // Nobody's clock moves while a request waits.
            session_wait: Duration::ZERO,
            key_quotas: Quotas {
                sessions: sources.requests_per_minute,
                ..sources.quotas.0
            },
            organization_quotas: sources.quotas.1,
            ..Settings::default()
        };
        let builder = Hum::builder()
            .clock(clock.clone())
            .entropy(SystemEntropy)
            .live_bus(InProcessBus::new())
            .egress(GuardedEgress::new(policy).expect("an HTTP client"))
            .cipher(KeyFileCipher::from_key([7; 32], Arc::new(SystemEntropy)))
            .language_model(Scripted)
            .carrier(fake.clone())
            .geocoder(sources.geocoder)
            .broadband_map(sources.map)
            .settings(settings);
        let hum = with_store(builder).build().expect("every port");
        let options = RouterOptions {
            fake: Some(fake.clone()),
            ..RouterOptions::default()
        };
        let router = hum_http::router_with(hum.clone(), options);
        let org = organization(&hum, "acme").await;
        let other = organization(&hum, "other").await;
        Self {
            admin: actor(&hum, &router, org, Role::Admin).await,
            operator: actor(&hum, &router, org, Role::Operator).await,
            viewer: actor(&hum, &router, org, Role::Viewer).await,
            stranger: Actor::new(router.clone(), None),
            foreigner: actor(&hum, &router, other, Role::Admin).await,
            pump: Pump::new(hum.clone(), fake.clone()),
            hum,
            router,
            fake,
            org,
            clock,
            _keeps: keeps,
        }
    }

    /// Somebody with a key of the first organization.
    pub async fn actor(&self, role: Role, scopes: &[&str]) -> Actor {
        Actor::new(
            self.router.clone(),
            Some(key(&self.hum, self.org, role, scopes).await),
        )
    }

    /// Lets `duration` pass: jobs run and the carrier's webhooks arrive when they are due.
    pub async fn pass(&self, duration: Duration) {
        let end = self.hum.clock().now() + duration;
        loop {
            while self
                .hum
                .workers()
                .run_one()
                .await
                .expect("the store answers")
                | (self.pump.deliver_due().await > 0)
            {}
            let job = self
                .hum
                .workers()
                .next_due()
                .await
                .expect("the store answers");
            match job
                .into_iter()
                .chain(self.fake.next_due())
                .min()
                .filter(|at| *at <= end)
            {
                Some(at) => self.clock.move_to(at),
                None => return self.clock.move_to(end),
            }
        }
    }

    /// Everything that can be seen of both organizations, to tell whether anything changed.
    pub async fn everything(&self) -> Vec<String> {
        let mut seen = vec![format!(
            "{:?}",
            self.hum.system().counts().await.expect("counts")
        )];
        for actor in [&self.admin, &self.foreigner] {
            for path in [
                "organization",
                "flows",
                "numbers",
                "sms/conversations",
                "sms/messages",
                "sms/opt-outs",
                "webhooks",
                "events",
                "keys",
                "address-sessions",
            ] {
                seen.push(
                    actor
                        .get(&format!("/api/{path}"))
                        .await
                        .expect(200)
                        .to_string(),
                );
            }
        }
        seen
    }
}

async fn organization(hum: &Hum, slug: &str) -> OrgId {
    let new = NewOrganization {
        slug: slug.into(),
        name: slug.into(),
    };
    hum.organizations()
        .create(new)
        .await
        .expect("an organization")
        .id
}

async fn actor(hum: &Hum, router: &Router, org: OrgId, role: Role) -> Actor {
    Actor::new(router.clone(), Some(key(hum, org, role, &["*"]).await))
}

async fn key(hum: &Hum, org: OrgId, role: Role, scopes: &[&str]) -> String {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let new = NewApiKey {
        name: role.as_str().into(),
        role,
        scopes,
        mode: KeyMode::Test,
    };
    match hum
        .api_keys()
        .create(&Caller::system(org), new, Remember::nothing())
        .await
        .expect("a key")
    {
        Answer::Fresh(created) => created.secret.reveal().to_owned(),
        Answer::Replayed { .. } => unreachable!("nothing is remembered"),
    }
}
