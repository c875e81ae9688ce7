//! The carrier as one process reaches it, over a bad line.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hum_adapters::telephony::{
    fake::segments,
    twilio::{Twilio, TwilioConfig},
};
use hum_core::{
    clock::Clock as _,
    telephony::{
        Accepted, CarrierCredentials, CarrierMessage, CarrierStatus, ListQuery, OutboundSms,
        SendError, TelephonyError, Texting,
    },
};

use super::carrier::{Carrier, token_of};
use crate::{
    capability::sms::AnswerKind,
    clock::VirtualClock,
    monitor::Monitor,
    process::{Fate, ProcessId},
};

/// How long hum waits for the carrier.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends texts for one process. Addresses are made, and webhooks read, by the real Twilio adapter.
pub struct SimTexting {
    /// The carrier.
    pub carrier: Carrier,
    /// Which process calls.
    pub process: ProcessId,
    /// What goes wrong.
    pub fate: Fate,
    /// Answers take time.
    pub clock: VirtualClock,
    /// Who hears what hum was told.
    pub monitor: Monitor,
    /// Knows where receipts go.
    pub twilio: Arc<Twilio>,
}

/// The real adapter, for checking and reading webhooks.
///
/// # Panics
/// When TLS cannot be set up, which the simulator does not need to survive.
pub fn twilio() -> Arc<Twilio> {
    Arc::new(Twilio::new(TwilioConfig::default()).expect("the Twilio adapter can be made"))
}

impl SimTexting {
    /// Accepts a text in silence; the process may die over it.
    async fn accept_in_silence(
        &self,
        account: &CarrierCredentials,
        sms: &OutboundSms,
        told: AnswerKind,
    ) {
        self.carrier.accept(account, sms, &self.fate);
        self.monitor.answered(&token_of(sms), told);
        self.fate.point(self.process).await;
    }

    /// One of the ways in which a request fails.
    async fn fail(&self, account: &CarrierCredentials, sms: &OutboundSms) -> SendError {
        let (chance, token) = (self.fate.chance(), token_of(sms));
        let (told, error) = match chance.below(8) {
            0 => (
                AnswerKind::Definite,
                SendError::NotSent("connection refused".into()),
            ),
            1 => {
                let retry_after = Some(Duration::from_secs(chance.between(1, 60)));
                (AnswerKind::Definite, SendError::Busy { retry_after })
            }
            2 => {
                let detail = "unregistered number".into();
                (
                    AnswerKind::Definite,
                    SendError::Rejected {
                        code: Some(30034),
                        detail,
                    },
                )
            }
            3 => (
                AnswerKind::ServerError,
                SendError::Unknown("answered 500".into()),
            ),
            4 => {
                self.accept_in_silence(account, sms, AnswerKind::ServerError)
                    .await;
                return SendError::Unknown("answered 500".into());
            }
            5 => (
                AnswerKind::Reset,
                SendError::Unknown("connection reset".into()),
            ),
            _ => {
                self.accept_in_silence(account, sms, AnswerKind::Reset)
                    .await;
                return SendError::Unknown("connection reset".into());
            }
        };
        self.monitor.answered(&token, told);
        error
    }
}

#[async_trait]
impl Texting for SimTexting {
    async fn send(
        &self,
        account: &CarrierCredentials,
        sms: &OutboundSms,
    ) -> Result<Accepted, SendError> {
        let (fate, chance) = (&self.fate, self.fate.chance());
        fate.point(self.process).await;
        if fate.strikes(fate.options().carrier_fails) {
            return Err(self.fail(account, sms).await);
        }
        let answered = |kind: AnswerKind| self.monitor.answered(&token_of(sms), kind);
        if let Err(refused) = self.carrier.check(sms) {
            answered(AnswerKind::Definite);
            return Err(refused);
        }
        let sid = self.carrier.accept(account, sms, fate);
        fate.point(self.process).await;
        if fate.strikes(fate.options().carrier_slow) {
            let wait = Duration::from_millis(chance.between(100, 40_000));
            if wait >= PATIENCE {
                answered(AnswerKind::Reset);
                self.clock.sleep(PATIENCE).await;
                return Err(SendError::Unknown("timed out".into()));
            }
            self.clock.sleep(wait).await;
        }
        answered(AnswerKind::Accepted);
        fate.point(self.process).await;
        Ok(Accepted {
            sid,
            status: CarrierStatus::Queued,
            segments: Some(segments(&sms.body)),
        })
    }

    fn status_callback_url(&self, public_url: &str, token: &str) -> String {
        self.twilio.status_callback_url(public_url, token)
    }

    async fn fetch(
        &self,
        _: &CarrierCredentials,
        sid: &str,
    ) -> Result<Option<CarrierMessage>, TelephonyError> {
        Ok(self.carrier.listed(sid))
    }

    async fn list(
        &self,
        _: &CarrierCredentials,
        query: &ListQuery,
    ) -> Result<Vec<CarrierMessage>, TelephonyError> {
        self.fate.point(self.process).await;
        if self.fate.strikes(self.fate.options().carrier_fails) {
            return Err(TelephonyError("simulated".into()));
        }
        // A text shows up in the list some time after it was accepted.
        let lag = Duration::from_secs(self.fate.chance().below(120));
        Ok(self.carrier.list(
            query,
            if self.fate.is_calm() {
                Duration::ZERO
            } else {
                lag
            },
        ))
    }
}
