use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::Response,
};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::EventStream;

/// Somebody who calls the API with a key, or without one.
#[derive(Clone)]
pub struct Actor {
    router: Router,
    key: Option<String>,
}

/// What was answered.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let text = if EventStream::is_one(&parts.headers) {
            // It has no end: its first words will do.
            EventStream::new(body).frame().await.unwrap_or_default()
        } else {
            let bytes = body.collect().await.expect("a whole body").to_bytes();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Self {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    /// The JSON, after checking the status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&self.text).expect("an answer in JSON")
        }
    }

    /// The code of a problem, after checking the status and that it is a problem.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(
            self.headers
                .get(header::CONTENT_TYPE)
                .map(|value| value.as_bytes()),
            Some(&b"application/problem+json"[..])
        );
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        problem
    }

    /// The code of a refusal, in whichever shape its API has, after checking the status.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) {
        let refusal = self.expect(status);
        let said = if refusal["code"].is_null() {
            &refusal["data"]["code"]
        } else {
            &refusal["code"]
        };
        assert_eq!(said, code, "{refusal}");
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Actor {
    pub fn new(router: Router, key: Option<String>) -> Self {
        Self { router, key }
    }

    /// The same person at another server.
    pub fn at(&self, router: Router) -> Self {
        Self::new(router, self.key.clone())
    }

    /// Follows the feed of events.
    ///
    /// # Errors
    /// It was refused.
    pub async fn follow(
        &self,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Result<EventStream, Reply> {
        let path = format!("/api/events/stream{query}");
        let request = self.request(Method::GET, &path, headers, Body::empty());
        let response = self.respond(request).await;
        if EventStream::is_one(response.headers()) {
            Ok(EventStream::new(response.into_body()))
        } else {
            Err(Reply::of(response).await)
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, &[], Body::empty()).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, &[], Body::empty()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.json(Method::POST, path, &[], body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.json(Method::PATCH, path, &[], body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.json(Method::PUT, path, &[], body).await
    }

    pub async fn post_once(&self, key: &str, path: &str, body: Value) -> Reply {
        self.json(Method::POST, path, &[("idempotency-key", key)], body)
            .await
    }

    pub async fn json(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Reply {
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        let headers: Vec<_> = headers
            .iter()
            .copied()
            .chain([("content-type", "application/json")])
            .collect();
        self.call(method, path, &headers, body).await
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Reply {
        self.send(self.request(method, path, headers, body)).await
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body).expect("a request that can be made")
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        Reply::of(self.respond(request).await).await
    }

    async fn respond(&self, request: Request<Body>) -> Response {
        let answered = self.router.clone().oneshot(request).await;
        answered.unwrap_or_else(|never| match never {})
    }
}
