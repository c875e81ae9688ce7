//! A wrong adapter that sends texts.

use std::time::Duration;

use async_trait::async_trait;
use hum_core::{
    sms::{Conversation, Message, MessageStatus, SendAttempt},
    telephony::{
        Accepted, CarrierCredentials, CarrierMessage, ListQuery, OutboundSms, SendError,
        TelephonyError, Texting,
    },
};

use super::{Site, Wrong};
use crate::{monitor::Monitor, ports::Ports};

/// What an adapter that sends texts does wrong. Whatever is left out is done right.
#[async_trait]
pub(super) trait TextingFault: Send + Sync + 'static {
    /// See [`Texting::send`].
    async fn send(
        &self,
        right: &dyn Texting,
        account: &CarrierCredentials,
        sms: &OutboundSms,
    ) -> Result<Accepted, SendError> {
        right.send(account, sms).await
    }

    /// See [`Texting::list`].
    async fn list(
        &self,
        right: &dyn Texting,
        account: &CarrierCredentials,
        query: &ListQuery,
    ) -> Result<Vec<CarrierMessage>, TelephonyError> {
        right.list(account, query).await
    }
}

#[async_trait]
impl<F: TextingFault> Texting for Wrong<dyn Texting, F> {
    async fn send(
        &self,
        account: &CarrierCredentials,
        sms: &OutboundSms,
    ) -> Result<Accepted, SendError> {
        self.fault.send(&*self.right, account, sms).await
    }

    fn status_callback_url(&self, public_url: &str, token: &str) -> String {
        self.right.status_callback_url(public_url, token)
    }

    async fn fetch(
        &self,
        account: &CarrierCredentials,
        sid: &str,
    ) -> Result<Option<CarrierMessage>, TelephonyError> {
        self.right.fetch(account, sid).await
    }

    async fn list(
        &self,
        account: &CarrierCredentials,
        query: &ListQuery,
    ) -> Result<Vec<CarrierMessage>, TelephonyError> {
        self.fault.list(&*self.right, account, query).await
    }
}

/// Takes an answer for another one.
struct Misreads(fn(SendError) -> SendError);

#[async_trait]
impl TextingFault for Misreads {
    async fn send(
        &self,
        right: &dyn Texting,
        account: &CarrierCredentials,
        sms: &OutboundSms,
    ) -> Result<Accepted, SendError> {
        right.send(account, sms).await.map_err(self.0)
    }
}

fn misread(ports: Ports, reading: fn(SendError) -> SendError) -> Ports {
    Ports {
        texting: Wrong::new(ports.texting, Misreads(reading)),
        ..ports
    }
}

pub(super) fn retry_on_timeout(ports: Ports, _: &Site) -> Ports {
    misread(ports, |error| match error {
        SendError::Unknown(why) => SendError::NotSent(why),
        other => other,
    })
}

pub(super) fn server_error_is_failure(ports: Ports, _: &Site) -> Ports {
    misread(ports, |error| match error {
        SendError::Unknown(detail) if detail.contains("500") => {
            SendError::Rejected { code: None, detail }
        }
        other => other,
    })
}

pub(super) fn reset_is_not_sent(ports: Ports, _: &Site) -> Ports {
    misread(ports, |error| match error {
        SendError::Unknown(detail) if !detail.contains("500") => {
            SendError::Rejected { code: None, detail }
        }
        other => other,
    })
}

/// Lists the first text to the number that nobody has claimed yet as if it were the one that is
/// looked for.
struct ListsAnyText(Monitor);

impl ListsAnyText {
    /// The body of the text in doubt that a query looks for.
    fn wanted(&self, query: &ListQuery) -> Option<String> {
        self.0.mirror(|mirror| {
            mirror.all::<SendAttempt>().find_map(|attempt| {
                let message = mirror.get::<Message>(&attempt.message)?;
                let thread = mirror.get::<Conversation>(&message.conversation)?;
                let fits = message.status() == MessageStatus::InDoubt
                    && (query.since..=query.until).contains(&attempt.started_at)
                    && (&thread.number_e164, &thread.contact) == (&query.from, &query.to);
                fits.then(|| message.body.clone())
            })
        })
    }

    fn is_claimed(&self, sid: &str) -> bool {
        self.0.mirror(|mirror| {
            mirror
                .all::<Message>()
                .any(|message| message.carrier().sid.as_deref() == Some(sid))
        })
    }
}

#[async_trait]
impl TextingFault for ListsAnyText {
    async fn list(
        &self,
        right: &dyn Texting,
        account: &CarrierCredentials,
        query: &ListQuery,
    ) -> Result<Vec<CarrierMessage>, TelephonyError> {
        const EARLIER: Duration = Duration::from_secs(3600);
        let wide = ListQuery {
            since: query.since - EARLIER,
            ..query.clone()
        };
        let listed = right.list(account, &wide).await?;
        let Some(body) = self.wanted(query) else {
            return Ok(Vec::new());
        };
        let any = listed.into_iter().find(|text| !self.is_claimed(&text.sid));
        Ok(any
            .map(|text| CarrierMessage {
                body,
                created_at: query.until,
                ..text
            })
            .into_iter()
            .collect())
    }
}

pub(super) fn match_by_recipient_only(ports: Ports, site: &Site) -> Ports {
    Ports {
        texting: Wrong::new(ports.texting, ListsAnyText(site.monitor.clone())),
        ..ports
    }
}
