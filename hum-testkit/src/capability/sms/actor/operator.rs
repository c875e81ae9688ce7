use hum_core::{
    clock::Clock as _,
    id::ConversationId,
    idempotency::Remember,
    sms::{
        Conversation, ConversationPatch, Message, MessageStatus, NewConversation, NewMessage,
        Source,
    },
};

use super::contact;
use crate::{capability::Scene, world::fresh};

impl Scene {
    /// One of the tenant's threads.
    pub(crate) fn some_conversation(&self) -> Option<ConversationId> {
        let org = self.tenant.organization.id;
        self.stage
            .some::<Conversation>(|conversation| conversation.org == org)
    }

    fn some_message(&self, status: MessageStatus) -> Option<hum_core::id::MessageId> {
        let org = self.tenant.organization.id;
        self.stage
            .some::<Message>(|message| message.org == org && message.status() == status)
    }
}

/// Somebody writes; now and then several texts to one person, so that the resolver has to tell
/// texts apart.
pub async fn write_to_somebody(scene: Scene) {
    let Some(id) = scene.some_conversation() else {
        return;
    };
    for _ in 0..if scene.chance().below(3) == 0 { 3 } else { 1 } {
        send(&scene, id).await;
    }
}

async fn send(scene: &Scene, id: ConversationId) {
    let chance = scene.chance();
    let source = if chance.below(2) == 0 {
        Source::Human
    } else {
        Source::Api
    };
    let new = NewMessage {
        body: format!("Your order {} is ready.", chance.below(4)),
        media: Vec::new(),
        template: None,
        source,
    };
    let caller = scene.tenant.caller.clone();
    let answer = scene
        .request(
            move |hum| async move { hum.sms().send(&caller, id, new, Remember::nothing()).await },
        )
        .await;
    if let Some(Ok(answer)) = answer {
        scene
            .shared()
            .monitor()
            .acknowledged(scene.tenant.organization.id, fresh(answer).id);
    }
}

/// Somebody writes to a contact who may never have written.
pub async fn start_conversation(scene: Scene) {
    let chance = scene.chance();
    let message = NewMessage {
        body: format!("Reminder {}", chance.below(1000)),
        media: Vec::new(),
        template: None,
        source: Source::Api,
    };
    let new = NewConversation {
        number: scene.tenant.number.id,
        contact: contact(chance),
        initial_message: Some(message),
    };
    let caller = scene.tenant.caller.clone();
    let answer = scene
        .request(move |hum| async move {
            hum.sms()
                .start_conversation(&caller, new, Remember::nothing())
                .await
        })
        .await;
    if let Some(Ok(answer)) = answer {
        let (org, monitor) = (scene.tenant.organization.id, scene.shared().monitor());
        fresh(answer)
            .message
            .iter()
            .for_each(|message| monitor.acknowledged(org, message.id));
    }
}

/// Somebody pauses the agent, takes a thread over, gives it back, closes or snoozes it.
pub async fn change_conversation(scene: Scene) {
    let (chance, nothing) = (scene.chance(), ConversationPatch::default());
    let patch = match chance.below(5) {
        0 => ConversationPatch {
            ai_paused: Some(true),
            ..nothing
        },
        1 => ConversationPatch {
            ai_paused: Some(false),
            assignee: Some(None),
            ..nothing
        },
        2 => ConversationPatch {
            assignee: Some(Some("sam".into())),
            ..nothing
        },
        3 => ConversationPatch {
            open: Some(chance.below(2) == 0),
            ..nothing
        },
        _ => ConversationPatch {
            snoozed_until: Some(Some(scene.shared().clock().now())),
            ..nothing
        },
    };
    let Some(id) = scene.some_conversation() else {
        return;
    };
    let caller = scene.tenant.caller.clone();
    scene
        .request(move |hum| async move { hum.sms().update_conversation(&caller, id, patch).await })
        .await;
}

/// Somebody reads a thread.
pub async fn read(scene: Scene) {
    let Some(id) = scene.some_conversation() else {
        return;
    };
    let caller = scene.tenant.caller.clone();
    scene
        .request(
            move |hum| async move { hum.sms().mark_read(&caller, id, Remember::nothing()).await },
        )
        .await;
}

/// Somebody is done with a thread, or is not.
pub async fn close_or_reopen(scene: Scene) {
    let Some(id) = scene.some_conversation() else {
        return;
    };
    let close = scene.chance().below(2) == 0;
    let caller = scene.tenant.caller.clone();
    scene
        .request(move |hum| async move {
            if close {
                hum.sms().close(&caller, id, Remember::nothing()).await
            } else {
                hum.sms().reopen(&caller, id, Remember::nothing()).await
            }
        })
        .await;
}

/// Somebody changes his mind before a text left.
pub async fn cancel(scene: Scene) {
    let Some(id) = scene.some_message(MessageStatus::Queued) else {
        return;
    };
    let caller = scene.tenant.caller.clone();
    scene
        .request(move |hum| async move { hum.sms().cancel(&caller, id, Remember::nothing()).await })
        .await;
}

/// Somebody sends a text again that may have left.
pub async fn resend(scene: Scene) {
    let Some(id) = scene.some_message(MessageStatus::InDoubt) else {
        return;
    };
    let caller = scene.tenant.caller.clone();
    scene
        .request(move |hum| async move { hum.sms().resend(&caller, id, Remember::nothing()).await })
        .await;
}
