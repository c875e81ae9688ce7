//! A store that answers before it writes, if a text is to be sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use hum_core::{
    Storage,
    batch::{Batch, Committed},
    sms::SendAttempt,
    store::CommitError,
    telephony::{Accepted, CarrierCredentials, OutboundSms, SendError, Texting},
};

use super::{
    Site, Wrong,
    storage::{StorageFault, promised},
    texting::TextingFault,
};
use crate::ports::Ports;

/// Batches that were promised and not written yet.
#[derive(Clone)]
struct Held {
    storage: Arc<dyn Storage>,
    batches: Arc<Mutex<Vec<Batch>>>,
}

impl Held {
    fn batches(&self) -> MutexGuard<'_, Vec<Batch>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whatever conflicts by now is lost.
    async fn write(&self) {
        let batches = std::mem::take(&mut *self.batches());
        for batch in batches {
            let _ = self.storage.commit(batch).await;
        }
    }
}

#[async_trait]
impl StorageFault for Held {
    async fn commit(&self, right: &dyn Storage, batch: Batch) -> Result<Committed, CommitError> {
        self.write().await;
        if batch.inserted::<SendAttempt>().is_empty() {
            return right.commit(batch).await;
        }
        let promised = promised(&batch);
        self.batches().push(batch);
        Ok(promised)
    }
}

#[async_trait]
impl TextingFault for Held {
    async fn send(
        &self,
        right: &dyn Texting,
        account: &CarrierCredentials,
        sms: &OutboundSms,
    ) -> Result<Accepted, SendError> {
        let answer = right.send(account, sms).await;
        self.write().await;
        answer
    }
}

pub(super) fn send_before_commit(ports: Ports, _: &Site) -> Ports {
    let held = Held {
        storage: ports.storage.clone(),
        batches: Arc::default(),
    };
    Ports {
        storage: Wrong::new(ports.storage, held.clone()),
        texting: Wrong::new(ports.texting, held),
        ..ports
    }
}
