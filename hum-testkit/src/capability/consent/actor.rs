use hum_core::idempotency::Remember;

use crate::capability::{Scene, sms::contact};

/// Somebody enters what a contact said on another way.
pub async fn opt_out_or_in(scene: Scene) {
    let chance = scene.chance();
    let (who, out) = (contact(chance), chance.below(2) == 0);
    let caller = scene.tenant.caller.clone();
    scene
        .request(move |hum| async move {
            if out {
                let _ = hum.opt_outs().add(&caller, who, Remember::nothing()).await;
            } else {
                let _ = hum.opt_outs().remove(&caller, &who).await;
            }
        })
        .await;
}
