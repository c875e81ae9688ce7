//! Customers' endpoints: they check, they fail, they remember.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hum_core::{
    clock::Clock as _,
    egress::{Egress, EgressAnswer, EgressError, EgressRequest, EgressResponse},
};

use crate::{
    capability::webhook::Called,
    clock::VirtualClock,
    monitor::Monitor,
    process::{Fate, ProcessId},
};

/// The way out, as one process has it.
pub struct SimEgress {
    /// Which process calls.
    pub process: ProcessId,
    /// What goes wrong.
    pub fate: Fate,
    /// Answers take time.
    pub clock: VirtualClock,
    /// Who sees every call.
    pub monitor: Monitor,
}

#[async_trait]
impl Egress for SimEgress {
    async fn open(&self, request: EgressRequest) -> Result<EgressAnswer, EgressError> {
        let chance = self.fate.chance();
        self.fate.point(self.process).await;
        let fate = if self.fate.strikes(self.fate.options().endpoint_fails) {
            chance.below(6)
        } else {
            100
        };
        if fate == 0 {
            return Err(EgressError::NotConnected("simulated".into()));
        }
        let timeout = request.timeout;
        let hangs = self.fate.strikes(self.fate.options().endpoint_hangs);
        // Half of those that hang never take it.
        if hangs && chance.below(2) == 0 {
            self.clock.sleep(timeout).await;
            return Err(EgressError::NoAnswer("timed out".into()));
        }
        if hangs {
            let most = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            let late = Duration::from_millis(chance.between(1, most));
            self.clock.sleep(late).await;
        }
        let status = match fate {
            1 => 500,
            2 => 503,
            3 => 302,
            // Very few endpoints ask to be forgotten.
            4 if chance.below(40) == 0 => 410,
            4 => 404,
            _ => 200,
        };
        self.monitor.called(Called {
            url: request.url.clone(),
            headers: revealed(&request),
            body: request.body.clone(),
            at: self.clock.now(),
            status,
        });
        self.fate.point(self.process).await;
        if fate == 5 {
            // It took it, and the answer is lost.
            return Err(EgressError::NoAnswer("simulated".into()));
        }
        let retry_after = (status == 503).then(|| Duration::from_secs(chance.between(1, 600)));
        let answer = EgressResponse {
            status,
            retry_after,
            headers: Vec::new(),
            body: b"ok".to_vec(),
            truncated: false,
        };
        Ok(answer.into())
    }

    fn check(&self, url: &str) -> Result<(), String> {
        if url.starts_with("https://") {
            Ok(())
        } else {
            Err("must be an https URL".into())
        }
    }
}

/// Another way out, of which the witness hears every answer.
pub struct HeardEgress {
    /// The way out.
    pub inner: Arc<dyn Egress>,
    /// When.
    pub clock: VirtualClock,
    /// Who hears every answer.
    pub monitor: Monitor,
}

#[async_trait]
impl Egress for HeardEgress {
    async fn open(&self, request: EgressRequest) -> Result<EgressAnswer, EgressError> {
        let (url, headers, body, at) = (
            request.url.clone(),
            revealed(&request),
            request.body.clone(),
            self.clock.now(),
        );
        let answer = self.inner.open(request).await?;
        self.monitor.called(Called {
            url,
            headers,
            body,
            at,
            status: answer.status,
        });
        Ok(answer)
    }

    fn check(&self, url: &str) -> Result<(), String> {
        self.inner.check(url)
    }
}

fn revealed(request: &EgressRequest) -> Vec<(String, String)> {
    request
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.reveal().clone()))
        .collect()
}
