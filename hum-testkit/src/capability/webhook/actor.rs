use std::collections::BTreeSet;

use hum_core::{
    clock::Clock as _,
    event::EventKind,
    idempotency::{Answer, Remember},
    webhook::{Delivery, NewWebhook, Webhook, WebhookPatch},
};

use crate::{
    capability::Scene,
    world::{Shared, Tenant, fresh},
};

/// A tenant's endpoint.
pub async fn subscribe(shared: &Shared, tenant: &Tenant, index: usize) {
    let Some((_, hum)) = shared.any_process() else {
        return;
    };
    let url = format!("https://hook-{index}.example.test/in");
    let events: BTreeSet<EventKind> = EventKind::ALL
        .iter()
        .copied()
        .filter(|_| shared.chance().below(4) > 0)
        .chain([EventKind::SmsReceived])
        .collect();
    let new = NewWebhook {
        url: url.clone(),
        description: String::new(),
        events,
        headers: [("x-team".to_owned(), "sim".to_owned())].into(),
    };
    if let Ok(created) = hum
        .webhooks()
        .create(&tenant.caller, new, Remember::nothing())
        .await
    {
        let secret = fresh(created).secret.reveal().to_owned();
        let now = shared.clock().now();
        shared.monitor().log(|log| {
            log.webhooks
                .secrets
                .entry(url)
                .or_default()
                .push((secret, now))
        });
    }
}

/// Somebody turns it off and on, changes its secret, tests it, or has an event delivered again.
pub async fn look_after(scene: Scene) {
    let org = scene.tenant.organization.id;
    let mine = |mirror: &crate::invariant::Mirror| {
        let webhook = mirror.all::<Webhook>().find(|webhook| webhook.org == org)?;
        let tried = |delivery: &&Delivery| {
            delivery.webhook == webhook.id && !delivery.attempts().is_empty()
        };
        Some((
            webhook.id,
            webhook.url().to_owned(),
            mirror
                .all::<Delivery>()
                .find(tried)
                .map(|delivery| delivery.id),
        ))
    };
    let Some((id, url, delivery)) = scene.shared().monitor().mirror(mine) else {
        return;
    };
    let caller = scene.tenant.caller.clone();
    match scene.chance().below(5) {
        drawn @ (0 | 1) => {
            let patch = WebhookPatch {
                enabled: Some(drawn == 1),
                ..WebhookPatch::default()
            };
            scene
                .request(move |hum| async move { hum.webhooks().update(&caller, id, patch).await })
                .await;
        }
        2 => rotate(&scene, id, url).await,
        3 => {
            scene
                .request(move |hum| async move {
                    hum.webhooks().test(&caller, id, Remember::nothing()).await
                })
                .await;
        }
        _ => {
            let Some(delivery) = delivery else { return };
            let nothing = Remember::nothing();
            scene
                .request(move |hum| async move {
                    hum.webhooks()
                        .redeliver(&caller, id, delivery, nothing)
                        .await
                })
                .await;
        }
    }
}

async fn rotate(scene: &Scene, id: hum_core::id::WebhookId, url: String) {
    let caller = scene.tenant.caller.clone();
    let answer = scene
        .request(move |hum| async move {
            hum.webhooks()
                .rotate_secret(&caller, id, Remember::nothing())
                .await
        })
        .await;
    let now = scene.shared().clock().now();
    scene.shared().monitor().log(|log| match answer {
        Some(Ok(Answer::Fresh(created))) => {
            let secret = (created.secret.reveal().to_owned(), now);
            if let Some(known) = log.webhooks.secrets.get_mut(&url) {
                known.push(secret);
            }
        }
        // It may have been rotated, to a secret that nobody saw.
        _ => {
            log.webhooks.secrets.remove(&url);
        }
    });
}
