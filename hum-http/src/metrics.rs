//! What is counted, as Prometheus text.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use hum_core::Counts;

use crate::{app::App, error::ApiError};

/// Requests by operation and status: how many, and how long they took together.
#[derive(Default)]
pub(crate) struct Metrics(Mutex<Requests>);

type Requests = BTreeMap<(&'static str, u16), (u64, Duration)>;

impl Metrics {
    pub fn count(&self, operation: &'static str, status: u16, took: Duration) {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, total) = requests.entry((operation, status)).or_default();
        *count += 1;
        *total += took;
    }

    fn render(&self, counts: &Counts) -> String {
        let requests = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: &mut dyn Iterator<Item = (String, String)>| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let labels = |(operation, status): &(&str, u16)| format!("{{operation=\"{operation}\",status=\"{status}\"}}");
        family(
            "hum_http_requests_total",
            "counter",
            "Requests by operation and status.",
            &mut requests.iter().map(|(key, (count, _))| (labels(key), count.to_string())),
        );
        family(
            "hum_http_request_seconds_total",
            "counter",
            "Seconds spent on requests by operation and status.",
            &mut requests.iter().map(|(key, (_, total))| (labels(key), format!("{:.6}", total.as_secs_f64()))),
        );
        family(
            "hum_messages_in_doubt",
            "gauge",
            "Messages of which nobody knows whether the carrier has them.",
            &mut [(String::new(), counts.messages_in_doubt.to_string())].into_iter(),
        );
        family(
            "hum_deliveries_pending",
            "gauge",
            "Webhook deliveries that wait or are being tried.",
            &mut [(String::new(), counts.deliveries_pending.to_string())].into_iter(),
        );
        family(
            "hum_jobs",
            "gauge",
            "Jobs by kind and state.",
            &mut counts.jobs.iter().map(|(kind, state, count)| (format!("{{kind={kind:?},state={state:?}}}"), count.to_string())),
        );
        text
    }
}

pub(crate) async fn show(State(app): State<App>) -> Result<Response, ApiError> {
    let counts = app.hum.system().counts().await?;
    let text = app.metrics.render(&counts);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
