use hum_core::cipher::Secret;
use reqwest::Url;

/// How to reach a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAiConfig {
    /// Sent as a bearer token; empty for a server that wants none.
    pub api_key: Secret<String>,
    /// With the version, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// For requests that name none.
    pub model: String,
    /// The provider ends an answer after so many tokens.
    pub max_output_tokens: Option<u32>,
}

impl OpenAiConfig {
    /// OpenAI itself.
    pub const BASE_URL: &'static str = "https://api.openai.com/v1";

    /// At OpenAI.
    pub fn new(api_key: Secret<String>, model: impl Into<String>) -> Self {
        Self {
            api_key,
            base_url: Self::BASE_URL.into(),
            model: model.into(),
            max_output_tokens: None,
        }
    }

    pub(super) fn endpoint(&self, path: &str) -> Result<Url, String> {
        let url = format!("{}/{path}", self.base_url.trim_end_matches('/'));
        let url = Url::parse(&url)
            .map_err(|error| format!("the model's base URL is not a URL: {error}"))?;
        match url.scheme() {
            "http" | "https" if url.query().is_none() => Ok(url),
            _ => {
                Err("the model's base URL must be an http or https address without a query".into())
            }
        }
    }
}
