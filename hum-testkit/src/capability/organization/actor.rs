use hum_core::{
    error::Error,
    idempotency::Remember,
    sms::{NewMessage, Source},
    store::StoreError,
};

use crate::{
    capability::{ALL, Act, Scene},
    simulator::Stage,
};

/// One act of one person, drawn from those of all capabilities.
pub async fn do_something(stage: Stage) {
    let chance = stage.shared.chance();
    let tenant = chance.pick(&stage.tenants).clone();
    let acts: Vec<Act> = ALL
        .iter()
        .flat_map(|capability| capability.acts())
        .collect();
    let mut drawn = chance.below(acts.iter().map(|act| act.weight).sum());
    for act in acts {
        match drawn.checked_sub(act.weight) {
            Some(rest) => drawn = rest,
            None => return (act.run)(Scene { stage, tenant }).await,
        }
    }
}

/// Somebody uses another tenant's ids: they do not exist.
pub async fn trespass(scene: Scene) {
    let mine = scene.tenant.organization.id;
    let Some(victim) = scene
        .stage
        .tenants
        .iter()
        .find(|other| other.organization.id != mine)
    else {
        return;
    };
    let there = Scene {
        tenant: victim.clone(),
        ..scene.clone()
    };
    let Some(id) = there.some_conversation() else {
        return;
    };
    let caller = scene.tenant.caller.clone();
    let new = NewMessage {
        body: "not yours".into(),
        media: Vec::new(),
        template: None,
        source: Source::Api,
    };
    let answer = scene
        .request(
            move |hum| async move { hum.sms().send(&caller, id, new, Remember::nothing()).await },
        )
        .await;
    match answer {
        None | Some(Err(Error::NotFound(_) | Error::Store(StoreError::Unavailable(_)))) => {}
        Some(other) => {
            let what = format!(
                "a foreign conversation was answered with {:?}",
                other.map(|_| "a message")
            );
            scene.shared().monitor().violate("INV-46", what);
        }
    }
}
