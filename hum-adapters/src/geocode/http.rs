//! Asks a geocoder on the web. One question is one request.

use std::time::Duration;

use hum_core::geocode::SourceError;
use reqwest::Url;

use super::error;

/// Longest answer that is read. One of the Census Bureau with all its geographies is below 50 kB.
const MAX_BODY: usize = 1024 * 1024;

/// How a geocoder on the web is asked.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Where: a folder such as `https://geocoding.geo.census.gov/geocoder/`.
    pub base_url: String,
    /// Who asks.
    pub user_agent: String,
    /// From the connection to the last byte of the answer.
    pub timeout: Duration,
}

impl HttpConfig {
    /// What suits a job that somebody waits for.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
    /// Names hum, not its operator.
    pub const USER_AGENT: &str = concat!(
        "hum/",
        env!("CARGO_PKG_VERSION"),
        " (+",
        env!("CARGO_PKG_REPOSITORY"),
        ")"
    );
}

/// Speaks HTTP to one geocoder.
pub(super) struct Client {
    http: reqwest::Client,
    base_url: Url,
    source: &'static str,
}

impl Client {
    pub(super) fn new(source: &'static str, config: HttpConfig) -> Result<Self, String> {
        crate::install_tls();
        let mut base_url = Url::parse(&config.base_url)
            .map_err(|error| format!("the URL of the geocoder is not a URL: {error}"))?;
        if !matches!(base_url.scheme(), "http" | "https")
            || base_url.query().is_some()
            || base_url.fragment().is_some()
        {
            return Err("the URL of the geocoder must be http or https, without a query".into());
        }
        if !base_url.path().ends_with('/') {
            // Otherwise the last part of the path is replaced, not continued.
            base_url.set_path(&format!("{}/", base_url.path()));
        }
        let http = reqwest::Client::builder()
            .timeout(config.timeout)
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(config.user_agent)
            .build()
            .map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self {
            http,
            base_url,
            source,
        })
    }

    /// The body of a 200.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<u8>, SourceError> {
        let url = self
            .base_url
            .join(path)
            .map_err(|_| error::refused(self.source, "the path is not a URL"))?;
        let failed = |failed: reqwest::Error| error::from_transport(self.source, &failed);
        let mut response = self
            .http
            .get(url)
            .query(query)
            .send()
            .await
            .map_err(failed)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(error::from_status(self.source, response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(error::refused(self.source, "the answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
