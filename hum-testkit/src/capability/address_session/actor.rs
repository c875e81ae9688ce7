//! What clients do with address sessions: open them, use them around the instant of their expiry,
//! race each other, come back after they were closed, and try the tokens of other tenants.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hum_core::{
    address_session::{AddressSession, CreatedSession, SessionRequest},
    clock::Clock as _,
    error::Error,
    id::OrgId,
    idempotency::{Answer, Remember},
    store::StoreError,
};
use serde_json::json;

use super::{Outcome, Wanted, token_hash};
use crate::{
    simulator::Stage,
    world::{Shared, Tenant},
};

/// Few, so that answers are used again.
const STREETS: &[&str] = &[
    "123 MAIN ST",
    "7 OAK AVE",
    "4500 ELM ST",
    "88 PINE RD",
    "19 LAKE DR",
];
const ZIPS: &[&str] = &["62701", "48034"];
/// How often a client repeats a creation that was not answered.
const TRIES: u64 = 4;

/// The clients of one world.
#[derive(Clone)]
struct Clients {
    shared: Shared,
    tenants: Arc<[Tenant]>,
    /// Who holds which token, living and dead ones.
    tokens: Arc<Mutex<Vec<(OrgId, String)>>>,
    opened: Arc<AtomicU64>,
}

impl Clients {
    fn on(stage: &Stage) -> Self {
        let Stage { shared, tenants } = stage.clone();
        Self {
            shared,
            tenants,
            tokens: Arc::default(),
            opened: Arc::default(),
        }
    }
}

/// Clients, and whoever sets the clock.
pub(super) fn enter(stage: &Stage) {
    let shared = &stage.shared;
    let options = shared.fate().options();
    let span = Duration::from_secs(options.hours * 3600);
    let clients = Clients::on(stage);
    for _ in 0..options.sessions {
        let (clients, wait) = (clients.clone(), stage.some_time(span));
        shared.act(async move {
            clients.shared.clock().sleep(wait).await;
            clients.visit().await;
        });
    }
    for _ in 0..options.clock_jumps {
        let (shared, wait) = (shared.clone(), stage.some_time(span));
        shared.clone().act(async move {
            shared.clock().sleep(wait).await;
            set_clock(&shared);
        });
    }
}

/// One client of each tenant, when nothing goes wrong any more.
pub(super) fn leave(stage: &Stage) {
    if stage.shared.fate().options().sessions == 0 {
        return;
    }
    let clients = Clients::on(stage);
    clients.opened.store(1_000_000, Ordering::Relaxed);
    for tenant in stage.tenants.iter() {
        let (clients, tenant) = (clients.clone(), tenant.clone());
        stage.shared.act(async move {
            clients.open(&tenant).await;
        });
    }
}

/// Somebody sets the wall clock: by seconds, by about the life of a session, or by a day and more.
/// It is never off by more than 26 hours.
fn set_clock(shared: &Shared) {
    const MOST: i64 = 26 * 3600 * 1_000_000;
    let chance = shared.chance();
    let size = match chance.below(4) {
        0 => chance.between(1, 60_000_000),
        1 => chance.between(1, 2 * 1_800_000_000),
        2 => 1_800_000_000,
        _ => chance.below(u64::try_from(MOST).unwrap_or(u64::MAX)),
    };
    let size = i64::try_from(size).unwrap_or(MOST);
    let offset = match chance.below(5) {
        0 => 0,
        1 | 2 => shared.clock().wall_offset() - size,
        _ => shared.clock().wall_offset() + size,
    };
    let offset = offset.clamp(-MOST, MOST);
    shared.clock().set_wall_offset(offset);
    shared
        .monitor()
        .remark(|| format!("the wall clock is off by {offset} us"));
}

impl Clients {
    /// One client from the first request to the last.
    async fn visit(&self) {
        let chance = self.shared.chance();
        let tenant = chance.pick(&self.tenants).clone();
        if chance.below(10) == 0 {
            self.ask_nonsense(&tenant).await;
        }
        let Some(token) = self.open(&tenant).await else {
            return;
        };
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((tenant.organization.id, token.clone()));
        let org = tenant.organization.id;
        let mut expires_at = None;
        for _ in 0..chance.between(1, 5) {
            self.wait(expires_at).await;
            match chance.below(12) {
                0..=4 => expires_at = self.call(org, &token, Wanted::Use).await.or(expires_at),
                5 => {
                    self.call(org, &token, Wanted::Close).await;
                }
                6 | 7 => self.race(org, &token).await,
                8 | 9 => self.trespass(org, &token).await,
                10 => {
                    let old = {
                        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
                        chance.pick(&tokens).clone()
                    };
                    self.call(old.0, &old.1, Wanted::Use).await;
                }
                _ => {
                    let forged = (chance as &dyn hum_core::entropy::Entropy).base62(22);
                    self.call(org, &forged, Wanted::Use).await;
                }
            }
        }
    }

    /// Until a moment that matters: at once, some time later, or around the instant of expiry, to
    /// the microsecond.
    async fn wait(&self, expires_at: Option<hum_core::clock::Timestamp>) {
        const MICRO: Duration = Duration::from_micros(1);
        let (chance, clock) = (self.shared.chance(), self.shared.clock());
        let left = expires_at
            .map(|at| at.since(clock.now()))
            .filter(|left| *left > Duration::from_secs(1));
        let wait = match (chance.below(8), left) {
            (0..=2, _) => Duration::from_millis(chance.below(6_000)),
            (3, Some(left)) => left - MICRO,
            (4, Some(left)) => left,
            (5, Some(left)) => left + MICRO,
            (6, Some(left)) => {
                left + Duration::from_millis(chance.below(2_000)) - Duration::from_secs(1)
            }
            _ => Duration::from_millis(chance.below(2_400_000)),
        };
        clock.sleep(wait).await;
    }

    /// Opens a session, and repeats a keyed request that was not answered; answers the token.
    async fn open(&self, tenant: &Tenant) -> Option<String> {
        let chance = self.shared.chance();
        let campaign = format!("visit-{}", self.opened.fetch_add(1, Ordering::Relaxed));
        let at = (chance.below(4) == 0).then(|| (39.5 + chance.below(4) as f64, -89.25));
        let request = SessionRequest {
            street1: (*chance.pick(STREETS)).into(),
            zip: Some((*chance.pick(ZIPS)).into()),
            latitude: at.map(|(latitude, _)| latitude),
            longitude: at.map(|(_, longitude)| longitude),
            campaign_id: Some(campaign.clone()),
            ..SessionRequest::default()
        };
        let keyed = chance.below(2) == 0;
        if keyed && chance.below(6) == 0 {
            // An impatient client sends it twice at once.
            let (clients, tenant, request) = (self.clone(), tenant.clone(), request.clone());
            self.shared.act(async move {
                let _ = clients.create(&tenant, request, keyed).await;
            });
        }
        for attempt in 1..=TRIES {
            match self.create(tenant, request.clone(), keyed).await {
                Some(token) => return Some(token),
                None if !keyed => return None,
                None => {
                    self.shared
                        .clock()
                        .sleep(Duration::from_secs(attempt * 5))
                        .await
                }
            }
        }
        None
    }

    /// One request for a session.
    async fn create(
        &self,
        tenant: &Tenant,
        request: SessionRequest,
        keyed: bool,
    ) -> Option<String> {
        let monitor = self.shared.monitor();
        let campaign = request.campaign_id.clone().unwrap_or_default();
        let remember = if keyed {
            let print = token_hash(&format!("{request:?}"));
            Remember::under(campaign.clone(), print, |created: &CreatedSession| {
                (201, json!(created.token.reveal()))
            })
        } else {
            Remember::nothing()
        };
        let call = monitor.session_call(tenant.organization.id, Wanted::Create { campaign, keyed });
        let caller = tenant.caller.clone();
        let answer = self
            .shared
            .request(move |hum| async move {
                hum.address_sessions()
                    .create(&caller, request, remember)
                    .await
            })
            .await;
        let token = match answer {
            Some(Ok(Answer::Fresh(created))) => Some(created.token.reveal().to_owned()),
            Some(Ok(Answer::Replayed { body, .. })) => serde_json::from_slice(&body).ok(),
            Some(Err(Error::Store(StoreError::Unavailable(_)))) | None => None,
            Some(Err(error)) => {
                monitor.violate("INV-69", format!("a session cannot be made: {error:?}"));
                None
            }
        };
        monitor.session_created(call, token.as_deref());
        token
    }

    /// Somebody asks for what cannot be.
    async fn ask_nonsense(&self, tenant: &Tenant) {
        let fine = SessionRequest {
            street1: STREETS[0].into(),
            zip: Some(ZIPS[0].into()),
            ..SessionRequest::default()
        };
        let request = match self.shared.chance().below(5) {
            0 => SessionRequest {
                street1: String::new(),
                ..fine
            },
            1 => SessionRequest {
                zip: Some("1234".into()),
                ..fine
            },
            2 => SessionRequest {
                latitude: Some(91.0),
                longitude: Some(0.0),
                ..fine
            },
            3 => SessionRequest {
                longitude: Some(-89.0),
                ..fine
            },
            _ => SessionRequest {
                campaign_id: Some("x".repeat(101)),
                ..fine
            },
        };
        let caller = tenant.caller.clone();
        let asked = request.clone();
        let answer = self
            .shared
            .request(move |hum| async move {
                hum.address_sessions()
                    .create(&caller, request, Remember::nothing())
                    .await
            })
            .await;
        match answer {
            None | Some(Err(Error::Invalid(_) | Error::Store(StoreError::Unavailable(_)))) => {}
            Some(other) => {
                self.shared.monitor().violate(
                    "INV-69",
                    format!(
                        "{asked:?} was answered with {:?}",
                        other.map(|_| "a session")
                    ),
                );
            }
        }
    }

    /// Uses or closes the session of a token; answers until when it can be used, if that was said.
    async fn call(
        &self,
        org: OrgId,
        token: &str,
        wanted: fn([u8; 32]) -> Wanted,
    ) -> Option<hum_core::clock::Timestamp> {
        let tenant = self
            .tenants
            .iter()
            .find(|tenant| tenant.organization.id == org)?;
        let (caller, text, wanted) = (
            tenant.caller.clone(),
            token.to_owned(),
            wanted(token_hash(token)),
        );
        let closes = matches!(wanted, Wanted::Close(_));
        let call = self.shared.monitor().session_call(org, wanted);
        let answer: Option<Result<Option<AddressSession>, Error>> = self
            .shared
            .request(move |hum| async move {
                if closes {
                    hum.address_sessions().close(&caller, &text).await
                } else {
                    hum.address_sessions().use_session(&caller, &text).await
                }
            })
            .await;
        let outcome = match answer {
            Some(Ok(Some(session))) => Outcome::Answered(Box::new(session)),
            Some(Ok(None)) => Outcome::Refused,
            Some(Err(Error::Store(StoreError::Unavailable(_)))) | None => Outcome::Unknown,
            Some(Err(error)) => Outcome::Failed(format!("{error:?}")),
        };
        self.shared.monitor().session_called(call, &outcome);
        match outcome {
            Outcome::Answered(session) if !closes => Some(session.expires_at()),
            Outcome::Answered(_) | Outcome::Refused | Outcome::Unknown | Outcome::Failed(_) => None,
        }
    }

    /// Two uses and a close at once.
    async fn race(&self, org: OrgId, token: &str) {
        for _ in 0..2 {
            let (clients, token) = (self.clone(), token.to_owned());
            self.shared.act(async move {
                clients.call(org, &token, Wanted::Use).await;
            });
        }
        self.call(org, token, Wanted::Close).await;
    }

    /// Somebody of another tenant has got hold of the token, and of the id.
    async fn trespass(&self, org: OrgId, token: &str) {
        let Some(thief) = self
            .tenants
            .iter()
            .find(|tenant| tenant.organization.id != org)
        else {
            return;
        };
        let wanted = if self.shared.chance().below(4) == 0 {
            Wanted::Close
        } else {
            Wanted::Use
        };
        let other = thief.organization.id;
        self.call(other, token, wanted).await;
        let hash = token_hash(token);
        let ids = |mirror: &crate::invariant::Mirror| {
            mirror
                .all::<AddressSession>()
                .find(|session| session.token_hash == hash)
                .map(|session| session.id)
        };
        let Some(id) = self.shared.monitor().mirror(ids) else {
            return;
        };
        let read = self
            .shared
            .request(move |hum| async move { hum.reads(other).address_session(id).await })
            .await;
        if let Some(Ok(Some(_))) = read {
            self.shared
                .monitor()
                .violate("INV-66", format!("{id} can be read by {other}"));
        }
    }
}
