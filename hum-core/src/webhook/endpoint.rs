use std::{collections::BTreeSet, time::Duration};

use crate::kernel::{
    cipher::Cipher,
    clock::Timestamp,
    decide::Moment,
    entropy::Entropy,
    event::EventKind,
    id::{OrgId, WebhookId},
    record::{Column, Field, Fields, Reader, Type, Value, Writer, from_json, record, to_json},
    store::StoreError,
};

use super::{Attempt, Headers, NewWebhook, WebhookPatch, WebhookSecret};

/// A webhook is disabled after this long without a success …
const FAILING_FOR: Duration = Duration::from_secs(5 * 24 * 3600);
/// … and at least this many failures.
const FAILING_COUNT: i64 = 12;
/// 410 Gone: the endpoint asks not to be called again (Standard Webhooks).
const GONE: u16 = 410;

record! {
    /// A customer's endpoint.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Webhook in "webhook" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which.
        key pub id: WebhookId => "id",
        /// Where to.
        column url: String => "url",
        /// For people.
        column description: String => "description",
        /// Which events.
        column events: BTreeSet<EventKind> => "events",
        /// Sealed JSON object of additional headers: they may hold credentials.
        column headers: Vec<u8> => "headers",
        /// Sealed signing secret.
        column secret: Vec<u8> => "secret",
        /// The secret before the last rotation, sealed, and until when deliveries are signed with
        /// it too.
        group previous_secret: Option<(Vec<u8>, Timestamp)> => ..,
        /// Whether deliveries are made.
        group state: WebhookState => ..,
        /// The feed is delivered up to here.
        column delivered_seq: i64 => "delivered_seq",
        /// Failures in a row since then; durable, so that a restart does not forget.
        group failing: Option<Failing> => ..,
        /// When it was made.
        fixed pub created_at: Timestamp => "created_at",
        /// Since when it is gone.
        column deleted_at: Option<Timestamp> => "deleted_at",
        /// Store version.
        version pub version: i64 => "version",
    }
}

/// Whether deliveries are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookState {
    /// They are.
    Enabled,
    /// They wait; nothing is lost. Enabling continues where it stopped.
    Disabled {
        /// `person`, `gone` (the endpoint answered 410), `failing` (five days without a success),
        /// `deleted`.
        reason: String,
        /// Since when.
        at: Timestamp,
    },
}

/// Failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// The first one.
    pub since: Timestamp,
    /// How many.
    pub count: i64,
}

impl Webhook {
    /// A new endpoint, which gets the events after `delivered_seq`, and its secret: only this once.
    pub fn create(
        org: OrgId,
        new: &NewWebhook,
        delivered_seq: i64,
        cipher: &dyn Cipher,
        moment: Moment<'_>,
    ) -> (Self, WebhookSecret) {
        let Moment { now, entropy } = moment;
        let id = WebhookId::new(now, entropy);
        let secret = WebhookSecret::draw(entropy);
        let webhook = Self {
            org,
            id,
            url: new.url.clone(),
            description: new.description.clone(),
            events: new.events.clone(),
            headers: seal_headers(org, id, &new.headers, cipher),
            secret: seal(org, id, "secret", secret.reveal(), cipher),
            previous_secret: None,
            state: WebhookState::Enabled,
            delivered_seq,
            failing: None,
            created_at: now,
            deleted_at: None,
            version: 0,
        };
        (webhook, secret)
    }

    /// Where to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// For people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Which events.
    pub fn events(&self) -> &BTreeSet<EventKind> {
        &self.events
    }

    /// Sealed JSON object of additional headers.
    pub fn headers(&self) -> &[u8] {
        &self.headers
    }

    /// Sealed signing secret.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// The secret before the last rotation, sealed, and until when deliveries are signed with it
    /// too.
    pub fn previous_secret(&self) -> Option<(&[u8], Timestamp)> {
        self.previous_secret
            .as_ref()
            .map(|(sealed, until)| (sealed.as_slice(), *until))
    }

    /// Whether deliveries are made, and why not.
    pub fn state(&self) -> &WebhookState {
        &self.state
    }

    /// Whether deliveries are made.
    pub fn is_enabled(&self) -> bool {
        self.state == WebhookState::Enabled
    }

    /// The feed is delivered up to here.
    pub fn delivered_seq(&self) -> i64 {
        self.delivered_seq
    }

    /// Failures in a row.
    pub fn failing(&self) -> Option<Failing> {
        self.failing
    }

    /// Since when it is gone.
    pub fn deleted_at(&self) -> Option<Timestamp> {
        self.deleted_at
    }

    /// Where it goes, for whom and with which headers; what is `None` stays, and `enabled` is not
    /// looked at.
    pub fn change(self, patch: &WebhookPatch, cipher: &dyn Cipher) -> Self {
        let sealed = patch
            .headers
            .as_ref()
            .map(|headers| seal_headers(self.org, self.id, headers, cipher));
        Self {
            url: patch.url.clone().unwrap_or(self.url),
            description: patch.description.clone().unwrap_or(self.description),
            events: patch.events.clone().unwrap_or(self.events),
            headers: sealed.unwrap_or(self.headers),
            ..self
        }
    }

    /// Deliveries are made again, and past failures are forgotten.
    pub fn enable(self) -> Self {
        Self {
            state: WebhookState::Enabled,
            failing: None,
            ..self
        }
    }

    /// Deliveries wait from now on.
    pub fn disable(self, reason: &str, now: Timestamp) -> Self {
        Self {
            state: WebhookState::Disabled {
                reason: reason.into(),
                at: now,
            },
            ..self
        }
    }

    /// Gone from now on.
    pub fn delete(self, now: Timestamp) -> Self {
        Self {
            deleted_at: Some(now),
            ..self.disable("deleted", now)
        }
    }

    /// A new secret. Until `until` deliveries are signed with the `current` one too.
    pub(super) fn rotate(
        self,
        current: &str,
        until: Timestamp,
        cipher: &dyn Cipher,
        entropy: &dyn Entropy,
    ) -> (Self, WebhookSecret) {
        let secret = WebhookSecret::draw(entropy);
        // A sealed value is bound to its column, so the old secret is sealed again for its new one.
        let previous = seal(self.org, self.id, "previous_secret", current, cipher);
        let sealed = seal(self.org, self.id, "secret", secret.reveal(), cipher);
        (
            Self {
                previous_secret: Some((previous, until)),
                secret: sealed,
                ..self
            },
            secret,
        )
    }

    /// The feed is delivered up to `seq`.
    pub(super) fn advance(self, seq: i64) -> Self {
        Self {
            delivered_seq: seq,
            ..self
        }
    }

    /// What one try says about the webhook as a whole. The clock of failures is durable.
    pub fn judge(self, attempt: &Attempt, now: Timestamp) -> Self {
        if attempt.succeeded() {
            return Self {
                failing: None,
                ..self
            };
        }
        let first = Failing {
            since: attempt.at,
            count: 1,
        };
        let failing = self.failing.map_or(first, |failing| Failing {
            count: failing.count + 1,
            ..failing
        });
        let judged = Self {
            failing: Some(failing),
            ..self
        };
        if !judged.is_enabled() {
            judged
        } else if attempt.status == Some(GONE) {
            judged.disable("gone", now)
        } else if now.since(failing.since) >= FAILING_FOR && failing.count >= FAILING_COUNT {
            judged.disable("failing", now)
        } else {
            judged
        }
    }

    /// Where a sealed column of it lives.
    pub(super) fn context(&self, column: &str) -> String {
        context(self.org, self.id, column)
    }
}

fn context(org: OrgId, id: WebhookId, column: &str) -> String {
    format!("{org}|webhook|{id}|{column}")
}

fn seal(org: OrgId, id: WebhookId, column: &str, plain: &str, cipher: &dyn Cipher) -> Vec<u8> {
    cipher.seal(&context(org, id, column), plain.as_bytes())
}

fn seal_headers(org: OrgId, id: WebhookId, headers: &Headers, cipher: &dyn Cipher) -> Vec<u8> {
    seal(
        org,
        id,
        "headers",
        &serde_json::to_string(headers).unwrap_or_default(),
        cipher,
    )
}

/// A list of names.
impl Field for BTreeSet<EventKind> {
    const KIND: Type = Type::Text;

    fn write(&self) -> Value {
        to_json(&self.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
    }

    fn read(value: Value) -> Result<Self, String> {
        let names: Vec<String> = from_json(value)?;
        let kinds: Option<Self> = names.iter().map(|name| EventKind::parse(name)).collect();
        kinds.ok_or_else(|| "unknown name".into())
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        (0..=entropy.below(3))
            .map(|_| EventKind::sample(entropy))
            .collect()
    }
}

impl Fields for Option<(Vec<u8>, Timestamp)> {
    const COLUMNS: &'static [Column] = &[
        Column::of::<Option<Vec<u8>>>("previous_secret"),
        Column::of::<Option<Timestamp>>("previous_secret_until"),
    ];

    fn write(&self, row: &mut Writer) {
        let (secret, until) = self.clone().unzip();
        row.put(&secret);
        row.put(&until);
    }

    fn read(row: &mut Reader) -> Result<Self, StoreError> {
        let secret: Option<Vec<u8>> = row.take()?;
        Ok(secret.zip(row.take()?))
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        Option::<Vec<u8>>::sample(entropy).map(|secret| (secret, Timestamp::sample(entropy)))
    }
}

impl Fields for WebhookState {
    const COLUMNS: &'static [Column] = &[
        Column::of::<bool>("enabled"),
        Column::of::<Option<String>>("disabled_reason"),
        Column::of::<Option<Timestamp>>("disabled_at"),
    ];

    fn write(&self, row: &mut Writer) {
        let (enabled, reason, at) = match self {
            Self::Enabled => (true, None, None),
            Self::Disabled { reason, at } => (false, Some(reason.clone()), Some(*at)),
        };
        row.put(&enabled);
        row.put(&reason);
        row.put(&at);
    }

    fn read(row: &mut Reader) -> Result<Self, StoreError> {
        let enabled: bool = row.take()?;
        let (reason, at): (Option<String>, Option<Timestamp>) = (row.take()?, row.take()?);
        match (enabled, reason.zip(at)) {
            (true, _) => Ok(Self::Enabled),
            (false, Some((reason, at))) => Ok(Self::Disabled { reason, at }),
            (false, None) => Err(row.corrupt("missing")),
        }
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        if entropy.below(2) == 0 {
            return Self::Enabled;
        }
        Self::Disabled {
            reason: String::sample(entropy),
            at: Timestamp::sample(entropy),
        }
    }
}

impl Fields for Option<Failing> {
    const COLUMNS: &'static [Column] = &[
        Column::of::<Option<Timestamp>>("failing_since"),
        Column::of::<Option<i64>>("failing_count"),
    ];

    fn write(&self, row: &mut Writer) {
        row.put(&self.map(|failing| failing.since));
        row.put(&self.map(|failing| failing.count));
    }

    fn read(row: &mut Reader) -> Result<Self, StoreError> {
        let since: Option<Timestamp> = row.take()?;
        let count: Option<i64> = row.take()?;
        Ok(since
            .zip(count)
            .map(|(since, count)| Failing { since, count }))
    }

    fn sample(entropy: &dyn Entropy) -> Self {
        Option::<Timestamp>::sample(entropy).map(|since| Failing {
            since,
            count: i64::sample(entropy),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kernel::record::Record as _,
        webhook::fixture::{Plain, attempt, endpoint, moment},
    };

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn failed(webhook: Webhook, times: i64, at: Timestamp) -> Webhook {
        (0..times).fold(webhook, |webhook, _| {
            webhook.judge(&attempt(at, Some(500)), at)
        })
    }

    #[test]
    fn five_days_and_twelve_failures_disable_it_and_neither_alone_does() {
        let start = moment().now;
        for (first, later, days, enabled) in [
            (1, 10, 5, true),
            (1, 11, 5, false),
            (11, 1, 4, true),
            (100, 0, 5, true),
        ] {
            let webhook = failed(failed(endpoint(), first, start), later, start + DAY * days);
            assert_eq!(
                webhook.is_enabled(),
                enabled,
                "{first} and {later} failures in {days} days"
            );
        }
    }

    #[test]
    fn a_success_forgets_the_failures() {
        let start = moment().now;
        let webhook =
            failed(endpoint(), 30, start).judge(&attempt(start + DAY, Some(204)), start + DAY);
        assert_eq!(webhook.failing(), None);
        assert!(failed(webhook, 30, start + DAY * 5).is_enabled());
    }

    #[test]
    fn gone_disables_it_at_once_and_a_disabled_one_keeps_its_reason() {
        let now = moment().now;
        let disabled = |reason: &str| WebhookState::Disabled {
            reason: reason.into(),
            at: now,
        };
        assert_eq!(
            endpoint().judge(&attempt(now, Some(410)), now).state(),
            &disabled("gone")
        );
        let by_hand = endpoint()
            .disable("person", now)
            .judge(&attempt(now + DAY, Some(410)), now + DAY);
        assert_eq!(
            (
                by_hand.state(),
                by_hand.failing().map(|failing| failing.count)
            ),
            (&disabled("person"), Some(1))
        );
    }

    #[test]
    fn after_a_rotation_the_old_secret_is_sealed_for_its_new_place() {
        let Moment { now, entropy } = moment();
        let (webhook, secret) = endpoint().rotate("whsec_old", now + DAY, &Plain, entropy);
        let old = Plain.open(
            &webhook.context("previous_secret"),
            webhook.previous_secret().expect("a secret").0,
        );
        assert_eq!(old.as_deref(), Ok(&b"whsec_old"[..]));
        let new = Plain.open(&webhook.context("secret"), webhook.secret());
        assert_eq!(new.as_deref(), Ok(secret.reveal().as_bytes()));
    }

    #[test]
    fn every_part_is_stored() {
        let now = moment().now;
        let rotated = endpoint()
            .rotate("whsec_old", now, &Plain, moment().entropy)
            .0;
        for webhook in [endpoint(), failed(rotated, 2, now), endpoint().delete(now)] {
            assert_eq!(
                Webhook::from_row(webhook.to_row()).expect("a webhook"),
                webhook
            );
        }
    }
}
