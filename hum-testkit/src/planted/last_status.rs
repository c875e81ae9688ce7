//! What was heard last of a text counts, not what is known of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use hum_core::{
    Storage,
    batch::{Batch, Committed},
    record::Value,
    sms::MessageStatus,
    store::CommitError,
    telephony::{
        Accepted, CarrierCredentials, CarrierForm, CarrierStatus, CarrierWebhooks, OutboundSms,
        RefusedForm, SendError, StatusCallback, Texting,
    },
};

use super::{
    Site, Wrong,
    carrier_webhooks::FormFault,
    storage::{StorageFault, puts},
    texting::TextingFault,
};
use crate::ports::Ports;

/// The status of each sid that was heard of last.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<BTreeMap<String, CarrierStatus>>>);

impl Heard {
    fn statuses(&self) -> MutexGuard<'_, BTreeMap<String, CarrierStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TextingFault for Heard {
    async fn send(
        &self,
        right: &dyn Texting,
        account: &CarrierCredentials,
        sms: &OutboundSms,
    ) -> Result<Accepted, SendError> {
        let accepted = right.send(account, sms).await?;
        self.statuses()
            .insert(accepted.sid.clone(), accepted.status);
        Ok(accepted)
    }
}

impl FormFault for Heard {
    fn status(
        &self,
        right: &dyn CarrierWebhooks,
        form: &CarrierForm,
    ) -> Result<StatusCallback, RefusedForm> {
        let callback = right.status(form)?;
        self.statuses()
            .insert(callback.sid.clone(), callback.status);
        Ok(callback)
    }
}

/// Writes it over whatever is known.
#[async_trait]
impl StorageFault for Heard {
    async fn commit(
        &self,
        right: &dyn Storage,
        mut batch: Batch,
    ) -> Result<Committed, CommitError> {
        for row in puts(&mut batch, "message") {
            let Value::Text(sid) = row.get("carrier_sid") else {
                continue;
            };
            let Some(status) = self.statuses().get(sid).copied() else {
                continue;
            };
            row.set("carrier_status", status.as_str());
            row.set("status", MessageStatus::Carrier(status).as_str());
        }
        right.commit(batch).await
    }
}

pub(super) fn last_status_wins(ports: Ports, _: &Site) -> Ports {
    let heard = Heard::default();
    Ports {
        storage: Wrong::new(ports.storage, heard.clone()),
        texting: Wrong::new(ports.texting, heard.clone()),
        carrier_webhooks: Wrong::new(ports.carrier_webhooks, heard),
        ..ports
    }
}
