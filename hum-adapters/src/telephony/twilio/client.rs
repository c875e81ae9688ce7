use std::time::Duration;

use hum_core::telephony::{
    Accepted, CarrierCredentials, CarrierMessage, ListQuery, SendError, TelephonyError,
};
use reqwest::Url;

use super::{TwilioConfig, error, wire};

/// Longest answer that is read. A page of 1,000 texts is below 2 MiB.
const MAX_BODY: usize = 8 * 1024 * 1024;
const PAGE_SIZE: &str = "1000";
const MAX_PAGES: usize = 50;

/// Speaks HTTP to Twilio.
pub(super) struct Client {
    http: reqwest::Client,
    api_url: Url,
}

impl Client {
    pub(super) fn new(config: TwilioConfig) -> Result<Self, String> {
        crate::install_tls();
        let api_url = Url::parse(&config.api_url)
            .map_err(|error| format!("the Twilio API URL is not a URL: {error}"))?;
        if !matches!(api_url.scheme(), "http" | "https")
            || api_url.path() != "/"
            || api_url.query().is_some()
        {
            return Err(
                "the Twilio API URL must be an origin such as https://api.twilio.com".into(),
            );
        }
        let http = reqwest::Client::builder()
            .timeout(config.timeout)
            .connect_timeout(config.timeout.min(Duration::from_secs(10)))
            // Creating a text has no idempotency key: each of these could make a second text. A
            // connection from the pool is safe: hyper takes a request back only when no byte of it
            // was written (tests/adapters/twilio.rs).
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("hum/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self { http, api_url })
    }

    /// One POST.
    pub(super) async fn create_message(
        &self,
        account: &CarrierCredentials,
        form: &[(&str, String)],
    ) -> Result<Accepted, SendError> {
        let Some(url) = self.url(account, "Messages.json") else {
            return Err(SendError::Rejected {
                code: None,
                detail: "the account id is malformed".into(),
            });
        };
        let request = self
            .http
            .post(url)
            .basic_auth(&account.account_sid, Some(account.auth_token.reveal()))
            .form(form);
        let response = request
            .send()
            .await
            .map_err(|failed| error::from_transport(&failed))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        let body = match body(response).await {
            Ok(body) => body,
            // The status line of a refusal is enough; that of an acceptance is not.
            Err(_) if (400..500).contains(&status) => Vec::new(),
            Err(failed) => {
                return Err(failed.map_or_else(too_long, |failed| error::from_transport(&failed)));
            }
        };
        if !(200..300).contains(&status) {
            return Err(error::from_answer(status, retry_after, &body));
        }
        wire::accepted(&body)
            .ok_or_else(|| SendError::Unknown(format!("HTTP {status} without a message")))
    }

    /// One text, `None` on a 404.
    pub(super) async fn message(
        &self,
        account: &CarrierCredentials,
        sid: &str,
    ) -> Result<Option<CarrierMessage>, TelephonyError> {
        if !wire::is_sid(sid) {
            return Ok(None);
        }
        let url = self
            .url(account, &format!("Messages/{sid}.json"))
            .ok_or_else(malformed_account)?;
        let Some(body) = self.get(account, url).await? else {
            return Ok(None);
        };
        wire::message(&body).map(Some).ok_or_else(unreadable)
    }

    /// The texts between two numbers. Twilio filters by the date *sent*, which a queued text does
    /// not have, so the window is applied here, to the date created.
    pub(super) async fn messages(
        &self,
        account: &CarrierCredentials,
        query: &ListQuery,
    ) -> Result<Vec<CarrierMessage>, TelephonyError> {
        let mut url = self
            .url(account, "Messages.json")
            .ok_or_else(malformed_account)?;
        url.query_pairs_mut()
            .append_pair("To", query.to.as_str())
            .append_pair("From", query.from.as_str())
            .append_pair("PageSize", PAGE_SIZE);
        let mut found = Vec::new();
        for _ in 0..MAX_PAGES {
            let body = self.get(account, url).await?.ok_or_else(unreadable)?;
            let (messages, next) = wire::page(&body).ok_or_else(unreadable)?;
            found.extend(messages.into_iter().filter(|message| {
                // Dates have whole seconds: one that was made at 10:00:00.7 is listed as 10:00:00.
                let second = message.created_at.as_seconds();
                second >= query.since.as_seconds() && second <= query.until.as_seconds()
            }));
            let Some(next) = next else { return Ok(found) };
            url = self.same_origin(&next)?;
        }
        // Half a list would look like "it is not there".
        Err(TelephonyError(format!(
            "the list is longer than {MAX_PAGES} pages"
        )))
    }

    async fn get(
        &self,
        account: &CarrierCredentials,
        url: Url,
    ) -> Result<Option<Vec<u8>>, TelephonyError> {
        let request = self
            .http
            .get(url)
            .basic_auth(&account.account_sid, Some(account.auth_token.reveal()));
        let response = request
            .send()
            .await
            .map_err(|failed| error::read_failed(&failed))?;
        match response.status().as_u16() {
            200 => match body(response).await {
                Ok(body) => Ok(Some(body)),
                Err(Some(failed)) => Err(error::read_failed(&failed)),
                Err(None) => Err(TelephonyError("the answer is too long".into())),
            },
            404 => Ok(None),
            status => Err(TelephonyError(format!("HTTP {status}"))),
        }
    }

    fn url(&self, account: &CarrierCredentials, resource: &str) -> Option<Url> {
        let sid = &account.account_sid;
        if !wire::is_sid(sid) {
            return None;
        }
        self.api_url
            .join(&format!("/2010-04-01/Accounts/{sid}/{resource}"))
            .ok()
    }

    /// The credentials go along with the next page, so it must not lead elsewhere.
    fn same_origin(&self, next: &str) -> Result<Url, TelephonyError> {
        let url = self.api_url.join(next).map_err(|_| unreadable())?;
        if url.origin() == self.api_url.origin() {
            Ok(url)
        } else {
            Err(unreadable())
        }
    }
}

/// The body; `Err(None)` when it is longer than [`MAX_BODY`].
async fn body(mut response: reqwest::Response) -> Result<Vec<u8>, Option<reqwest::Error>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Some)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY {
            return Err(None);
        }
    }
    Ok(body)
}

fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(reqwest::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

fn too_long() -> SendError {
    SendError::Unknown("the answer is too long".into())
}

fn malformed_account() -> TelephonyError {
    TelephonyError("the account id is malformed".into())
}

fn unreadable() -> TelephonyError {
    TelephonyError("the answer cannot be read".into())
}
