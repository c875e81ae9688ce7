//! OpenAI's Responses API, and chat endpoints that are compatible with OpenAI's.
//!
//! hum keeps the conversation itself: `store` is false, nothing refers to an earlier answer at the
//! provider.

mod chat;
mod config;
mod error;
mod responses;
mod sse;

use std::collections::VecDeque;

use async_trait::async_trait;
use futures_util::stream;
use hum_core::language_model::{LanguageModel, ModelDelta, ModelError, ModelRequest, ModelStream};
use serde_json::Value;

pub use config::OpenAiConfig;

/// A model at OpenAI or at a compatible provider.
pub struct OpenAi {
    http: reqwest::Client,
    config: OpenAiConfig,
    url: reqwest::Url,
    dialect: Dialect,
}

#[derive(Debug, Clone, Copy)]
enum Dialect {
    Responses,
    Chat,
}

/// Reads the events of one answer.
trait Events: Send {
    /// The deltas in one event.
    fn read(&mut self, event: sse::Event) -> Result<Vec<ModelDelta>, ModelError>;
}

impl OpenAi {
    /// The Responses API (<https://platform.openai.com/docs/api-reference/responses>).
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn responses(config: OpenAiConfig) -> Result<Self, String> {
        Self::new(config, Dialect::Responses)
    }

    /// A chat endpoint (<https://platform.openai.com/docs/api-reference/chat>): OpenAI's own, or
    /// one of the many servers that offer the same.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn chat(config: OpenAiConfig) -> Result<Self, String> {
        Self::new(config, Dialect::Chat)
    }

    fn new(config: OpenAiConfig, dialect: Dialect) -> Result<Self, String> {
        crate::install_tls();
        let path = match dialect {
            Dialect::Responses => "responses",
            Dialect::Chat => "chat/completions",
        };
        let url = config.endpoint(path)?;
        let http = reqwest::Client::builder()
            .connect_timeout(std::time::Duration::from_secs(10))
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("hum/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self {
            http,
            config,
            url,
            dialect,
        })
    }

    fn body(&self, request: &ModelRequest) -> (Value, Box<dyn Events>) {
        match self.dialect {
            Dialect::Responses => (
                responses::body(&self.config, request),
                Box::<responses::Reader>::default(),
            ),
            Dialect::Chat => (
                chat::body(&self.config, request),
                Box::<chat::Reader>::default(),
            ),
        }
    }
}

#[async_trait]
impl LanguageModel for OpenAi {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let (body, events) = self.body(&request);
        let mut post = self
            .http
            .post(self.url.clone())
            .timeout(request.timeout)
            .header("accept", "text/event-stream")
            .json(&body);
        if !self.config.api_key.reveal().is_empty() {
            post = post.bearer_auth(self.config.api_key.reveal());
        }
        let response = post
            .send()
            .await
            .map_err(|failed| error::from_transport(&failed))?;
        if !response.status().is_success() {
            return Err(error::from_answer(response).await);
        }
        let answer = Answer {
            response,
            parser: sse::Parser::default(),
            events,
            ready: VecDeque::new(),
            ended: false,
        };
        Ok(Box::pin(stream::unfold(answer, |mut answer| async move {
            let delta = answer.next().await?;
            Some((delta, answer))
        })))
    }
}

/// An answer that is being received. Dropping it closes the connection.
struct Answer {
    response: reqwest::Response,
    parser: sse::Parser,
    events: Box<dyn Events>,
    ready: VecDeque<ModelDelta>,
    ended: bool,
}

impl Answer {
    async fn next(&mut self) -> Option<Result<ModelDelta, ModelError>> {
        while self.ready.is_empty() && !self.ended {
            if let Err(error) = self.receive().await {
                self.ended = true;
                return Some(Err(error));
            }
        }
        let delta = self.ready.pop_front()?;
        if matches!(delta, ModelDelta::Done(_)) {
            self.ended = true;
            self.ready.clear();
        }
        Some(Ok(delta))
    }

    async fn receive(&mut self) -> Result<(), ModelError> {
        let Some(chunk) = self
            .response
            .chunk()
            .await
            .map_err(|failed| error::from_transport(&failed))?
        else {
            return Err(ModelError::Unavailable("the answer broke off".into()));
        };
        for event in self.parser.push(&chunk)? {
            self.ready.extend(self.events.read(event)?);
        }
        Ok(())
    }
}

/// The parameters of a tool, and whether the provider may be asked to keep to them strictly: then
/// every property must be required and no other allowed
/// (<https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>).
fn strict(schema: &Value) -> bool {
    match schema["type"].as_str() {
        Some("object") => {
            let (Some(properties), Some(required)) = (
                schema["properties"].as_object(),
                schema["required"].as_array(),
            ) else {
                return false;
            };
            schema["additionalProperties"] == Value::Bool(false)
                && properties
                    .keys()
                    .all(|name| required.iter().any(|required| required == name))
                && properties.values().all(strict)
        }
        Some("array") => strict(&schema["items"]),
        Some("string" | "number" | "integer" | "boolean") => {
            schema.as_object().is_some_and(|schema| {
                schema
                    .keys()
                    .all(|key| matches!(key.as_str(), "type" | "description" | "enum"))
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strict_needs_every_property_required() {
        let schema = |required: Value| json!({ "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "array", "items": { "type": "integer" } } }, "required": required, "additionalProperties": false });
        assert!(strict(&schema(json!(["a", "b"]))));
        assert!(!strict(&schema(json!(["a"]))));
        assert!(strict(
            &json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": false })
        ));
        assert!(!strict(
            &json!({ "type": "object", "properties": {}, "required": [] })
        ));
        assert!(!strict(&json!({ "type": "string", "pattern": "^a" })));
        assert!(!strict(&json!({})));
    }
}
