//! Texts: conversations, messages, and how they come in and go out.

mod actor;
mod invariant;
mod log;
mod sample;

use std::{sync::Arc, time::Duration};

use hum_core::{
    clock::Clock as _,
    id::{AttemptId, ConversationId, MessageId},
    sms::{Conversation, Message, SendAttempt},
};

use super::{Act, Capability, by_id};
use crate::{
    invariant::{Invariant, Shelf},
    simulator::Stage,
};

pub use actor::contact;
pub use log::{AnswerKind, Effect, SmsLog, Written};

/// Conversations and texts.
pub struct Sms;

impl Capability for Sms {
    fn mirrored(&self) -> Vec<Shelf> {
        vec![
            Shelf::of::<Conversation>(),
            Shelf::of::<Message>(),
            Shelf::of::<SendAttempt>(),
        ]
    }

    fn invariants(&self) -> Vec<Arc<dyn Invariant>> {
        vec![
            Arc::new(invariant::Sending),
            Arc::new(invariant::Statuses),
            Arc::new(invariant::Acknowledged),
            Arc::new(invariant::Threads),
        ]
    }

    fn acts(&self) -> Vec<Act> {
        vec![
            Act {
                weight: 3,
                run: |scene| Box::pin(actor::write_to_somebody(scene)),
            },
            Act {
                weight: 1,
                run: |scene| Box::pin(actor::start_conversation(scene)),
            },
            Act {
                weight: 2,
                run: |scene| Box::pin(actor::change_conversation(scene)),
            },
            Act {
                weight: 1,
                run: |scene| Box::pin(actor::read(scene)),
            },
            Act {
                weight: 1,
                run: |scene| Box::pin(actor::close_or_reopen(scene)),
            },
            Act {
                weight: 1,
                run: |scene| Box::pin(actor::cancel(scene)),
            },
            Act {
                weight: 1,
                run: |scene| Box::pin(actor::resend(scene)),
            },
        ]
    }

    /// Contacts with handsets.
    fn enter(&self, stage: &Stage) {
        let options = stage.shared.fate().options();
        let span = Duration::from_secs(options.hours * 3600);
        for number in 0..options.texts {
            let stage = stage.clone();
            stage.shared.clone().act(async move {
                stage.shared.clock().sleep(stage.some_time(span)).await;
                actor::text(&stage, number).await;
            });
        }
    }
}

by_id!(Conversation => ConversationId, Message => MessageId, SendAttempt => AttemptId);
