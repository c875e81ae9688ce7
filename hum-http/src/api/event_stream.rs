//! The feed of events as it grows, as server-sent events.
//!
//! A stream is a task that reads the feed page by page, and a channel that holds one event. So
//! whoever does not read holds one page in memory, and whoever is too slow for long is left: the
//! number of the last event leads back in.

use std::{convert::Infallible, pin::pin, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::{
        IntoResponse as _, Response,
        sse::{Event as Frame, Sse},
    },
};
use futures_util::stream;
use hum_core::{access, event::Event, feed::Following, store::StoreError};
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::IntoParams;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    event_streams::Place,
    extract::{Caller, Filter},
};

/// How long a client waits before it comes again.
const COME_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// After how long without an event the client is told that the stream lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the key is looked at; it works no longer within five seconds of being revoked.
const CHECK: Duration = Duration::from_secs(4);
/// How long a client may take for one event.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where a client says what it had last, when it comes again.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells a proxy not to hold events back.
const UNBUFFERED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![routes!(stream)]
}

/// Where to begin.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StreamQuery {
    /// Only events with a higher number; 0: from the start. Without it: from now on. The header
    /// `Last-Event-ID` comes first.
    #[param(value_type = Option<i64>, minimum = 0)]
    after: Option<String>,
}

/// Follow the feed of events.
///
/// Server-sent events, in order: `id` is the event's `seq`, `event` its `type`, `data` its JSON as
/// `GET /api/events` shows it. The header `Last-Event-ID`, which browsers send by themselves,
/// resumes after that event: nothing is missed and nothing comes twice. A comment comes every 15
/// seconds without an event.
#[utoipa::path(
    get,
    path = "/api/events/stream",
    operation_id = "streamEvents",
    tag = "Events",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<i64>, Header, description = "The `id` of the last event that came"),
    ),
    responses((status = 200, content_type = "text/event-stream", body = String)),
)]
async fn stream(
    caller: Caller,
    State(app): State<App>,
    headers: HeaderMap,
    Filter(query): Filter<StreamQuery>,
) -> Result<Response, ApiError> {
    let (pointer, after) = beginning(&headers, query)?;
    let place = app.options.event_streams.enter(caller.org)?;
    let following = app.hum.feed().follow(caller.org, after, pointer).await?;
    let (to, mut frames) = mpsc::channel(1);
    let line = Line {
        checked: app.hum.clock().monotonic(),
        caller: caller.0,
        app,
        to,
        place,
    };
    tokio::spawn(line.run(following));
    let frames = stream::poll_fn(move |context| frames.poll_recv(context));
    Ok(([UNBUFFERED], Sse::new(frames)).into_response())
}

/// After which event a stream begins, if not now, and who says so.
fn beginning(
    headers: &HeaderMap,
    query: StreamQuery,
) -> Result<(&'static str, Option<i64>), ApiError> {
    let number = |pointer, text: Option<&str>| {
        let number = text.and_then(|text| text.parse::<i64>().ok());
        match number.filter(|number| *number >= 0) {
            Some(number) => Ok((pointer, Some(number))),
            None => Err(ApiError::invalid(
                pointer,
                "must be the number of an event, from 0",
            )),
        }
    };
    let mut ids = headers.get_all(LAST_EVENT_ID).iter();
    match (ids.next(), ids.next(), query.after) {
        (Some(id), None, _) => number("Last-Event-ID", id.to_str().ok()),
        (Some(_), Some(_), _) => Err(ApiError::invalid("Last-Event-ID", "must be given once")),
        (None, _, Some(after)) => number("after", Some(&after)),
        (None, _, None) => Ok(("after", None)),
    }
}

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the client left")]
    Left,
    #[error("the client did not read")]
    Slow,
    #[error("the key was revoked")]
    Revoked,
    #[error("the server stops")]
    Stopped,
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
}

/// An open stream, without the feed that it tells of.
struct Line {
    app: App,
    caller: access::Caller,
    to: mpsc::Sender<Result<Frame, Infallible>>,
    place: Place,
    /// When the key was found to work.
    checked: Duration,
}

impl Line {
    async fn run(mut self, mut following: Following) {
        let Err(end) = self.tell(&mut following).await;
        let (org, after) = (self.caller.org, following.after());
        tracing::debug!(%org, after, %end, "a stream of events ended");
    }

    async fn tell(&mut self, following: &mut Following) -> Result<Infallible, End> {
        let opening = Frame::default().retry(COME_AGAIN_AFTER).comment("hum");
        self.push(opening).await?;
        let mut told = self.now();
        loop {
            match self.events(following, told + HEARTBEAT).await? {
                Some(events) => {
                    for event in events {
                        self.push(frame(&event)).await?;
                    }
                }
                None => self.push(Frame::default().comment("still here")).await?,
            }
            told = self.now();
        }
    }

    /// The next events; `None` when there were none until `deadline`.
    async fn events(
        &mut self,
        following: &mut Following,
        deadline: Duration,
    ) -> Result<Option<Vec<Event>>, End> {
        let app = self.app.clone();
        let waiting = async {
            let silence = deadline.saturating_sub(app.hum.clock().monotonic());
            tokio::select! {
                events = following.next() => events.map(Some),
                () = app.hum.clock().sleep(silence) => Ok(None),
            }
        };
        Ok(self.beside(waiting).await??)
    }

    /// Hands one frame to the client.
    async fn push(&mut self, frame: Frame) -> Result<(), End> {
        let (app, to) = (self.app.clone(), self.to.clone());
        let pushing = async {
            tokio::select! {
                sent = to.send(Ok(frame)) => sent.map_err(|_| End::Left),
                () = app.hum.clock().sleep(PATIENCE) => Err(End::Slow),
            }
        };
        self.beside(pushing).await?
    }

    /// Does `work` as long as the stream may go on.
    async fn beside<T>(&mut self, work: impl Future<Output = T>) -> Result<T, End> {
        let mut work = pin!(work);
        loop {
            let check = (self.checked + CHECK).saturating_sub(self.now());
            tokio::select! {
                biased;
                () = self.place.stopped() => return Err(End::Stopped),
                () = self.to.closed() => return Err(End::Left),
                () = self.app.hum.clock().sleep(check) => (),
                done = &mut work => return Ok(done),
            }
            let now = self.now();
            if !self.app.hum.api_keys().still_holds(&self.caller).await? {
                return Err(End::Revoked);
            }
            self.checked = now;
        }
    }

    fn now(&self) -> Duration {
        self.app.hum.clock().monotonic()
    }
}

/// An event as a client sees it: its JSON has no line breaks.
fn frame(event: &Event) -> Frame {
    Frame::default()
        .id(event.seq.to_string())
        .event(event.kind.as_str())
        .data(event.to_json().to_string())
}
