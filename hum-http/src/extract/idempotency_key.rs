use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use hum_core::{
    error::Error,
    id::OrgId,
    idempotency::{Answer, Remember},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    app::App,
    error::{ApiError, ErrorCode},
};

use super::body;

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The status and body of an answer; also what is remembered of it.
pub(crate) type Render<T> = fn(&T) -> (u16, Value);

/// A POST: its body, and how to have its effect once.
pub(crate) struct Command<T> {
    /// What is asked for.
    pub body: T,
    /// How to do it.
    pub once: Once,
}

/// Has the effect of a POST once per `Idempotency-Key`.
pub(crate) struct Once {
    key: Option<(String, [u8; 32])>,
    /// Held until the answer is made.
    _in_flight: Option<Held>,
}

/// The keys of requests that are being handled by this process. Other processes are kept apart by
/// the store: the second commit with a key finds the first one's reply.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<BTreeSet<(OrgId, String)>>);

struct Held {
    all: Arc<InFlight>,
    this: (OrgId, String),
}

impl InFlight {
    fn keys(&self) -> MutexGuard<'_, BTreeSet<(OrgId, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(self: &Arc<Self>, this: (OrgId, String)) -> Result<Held, ApiError> {
        if self.keys().insert(this.clone()) {
            Ok(Held {
                all: self.clone(),
                this,
            })
        } else {
            Err(ApiError::new(
                ErrorCode::IdempotencyInProgress,
                "a request with this Idempotency-Key is being handled",
            ))
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.keys().remove(&self.this);
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Command<T> {
    type Rejection = ApiError;
    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let key = key(&request)?;
        let org = request.extensions().get::<OrgId>().copied();
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        // Actions need no body; where fields are needed, an empty object lacks them.
        let json = body::json(request)
            .await?
            .unwrap_or_else(|| Value::Object(Default::default()));
        let (Some(key), Some(org)) = (key, org) else {
            return Ok(Self {
                body: body::typed(json)?,
                once: Once {
                    key: None,
                    _in_flight: None,
                },
            });
        };
        // The map of serde_json is sorted, so this text is canonical.
        let text = json.to_string();
        let body = body::typed(json)?;
        let in_flight = app.in_flight.hold((org, key.clone()))?;
        let fingerprint = Sha256::new()
            .chain_update(method.as_str())
            .chain_update([0])
            .chain_update(path)
            .chain_update([0])
            .chain_update(text)
            .finalize();
        Ok(Self {
            body,
            once: Once {
                key: Some((key, fingerprint.into())),
                _in_flight: Some(in_flight),
            },
        })
    }
}

fn key(request: &Request) -> Result<Option<String>, ApiError> {
    let mut values = request.headers().get_all(KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits && values.next().is_none() {
        Ok(Some(text.to_owned()))
    } else {
        Err(ApiError::invalid(
            "Idempotency-Key",
            "must be given once and have 1 to 255 visible ASCII characters without spaces",
        ))
    }
}

impl Once {
    /// Does `work`, or finds the answer that it had before.
    pub async fn answer<T, F>(
        self,
        render: Render<T>,
        work: impl FnOnce(Remember<T>) -> F,
    ) -> Result<Response, ApiError>
    where
        F: Future<Output = Result<Answer<T>, Error>>,
    {
        let respond = |result| {
            let (status, body) = render(&result);
            (status_code(status), axum::Json(body)).into_response()
        };
        self.answer_with(render, respond, work).await
    }

    /// The same for a long answer: `respond` makes what `render` describes, without a tree of
    /// values between.
    pub async fn answer_with<T, F>(
        self,
        render: Render<T>,
        respond: impl FnOnce(T) -> Response,
        work: impl FnOnce(Remember<T>) -> F,
    ) -> Result<Response, ApiError>
    where
        F: Future<Output = Result<Answer<T>, Error>>,
    {
        let remember = match self.key {
            Some((key, fingerprint)) => Remember::under(key, fingerprint, render),
            None => Remember::nothing(),
        };
        match work(remember).await? {
            Answer::Fresh(result) => Ok(respond(result)),
            Answer::Replayed { status, body } => {
                let headers = [
                    (
                        header::CONTENT_TYPE,
                        HeaderValue::from_static("application/json"),
                    ),
                    (REPLAYED, HeaderValue::from_static("true")),
                ];
                Ok((status_code(status), headers, body).into_response())
            }
        }
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::OK)
}
