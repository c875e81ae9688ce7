use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, header},
};
use futures_util::StreamExt as _;
use tokio::time::timeout;

/// A stream of server-sent events, as a client reads it.
pub struct EventStream {
    body: BodyDataStream,
    text: String,
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub id: i64,
    pub kind: String,
    pub data: String,
}

impl EventStream {
    /// Whether an answer is one.
    pub fn is_one(headers: &HeaderMap) -> bool {
        headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value == "text/event-stream")
    }

    pub fn new(body: Body) -> Self {
        Self {
            body: body.into_data_stream(),
            text: String::new(),
        }
    }

    /// The next frame, without the blank line after it; `None` when the stream has ended.
    pub async fn frame(&mut self) -> Option<String> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(frame);
            }
            let bytes = timeout(Duration::from_secs(20), self.body.next())
                .await
                .expect("the stream says something within 20 s")?;
            let bytes = bytes.expect("a stream that does not break off");
            self.text
                .push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
    }

    /// The next event; comments are left out. `None` when the stream has ended.
    pub async fn event(&mut self) -> Option<Told> {
        loop {
            let frame = self.frame().await?;
            let field = |name: &str| {
                let mut values = frame
                    .lines()
                    .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                let value = values.next().map(str::to_owned);
                assert_eq!(values.next(), None, "one line of {name} in {frame:?}");
                value
            };
            let Some(data) = field("data") else { continue };
            return Some(Told {
                id: field("id")
                    .and_then(|id| id.parse().ok())
                    .expect("a number"),
                kind: field("event").expect("a type"),
                data,
            });
        }
    }

    /// The next `count` events.
    pub async fn events(&mut self, count: usize) -> Vec<Told> {
        let mut told = Vec::new();
        while told.len() < count {
            told.push(self.event().await.expect("the stream goes on"));
        }
        told
    }
}
