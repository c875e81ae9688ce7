//! A model that is scripted, or hostile, or ill.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::stream;
use hum_core::{
    clock::Clock as _,
    language_model::{
        LanguageModel, ModelDelta, ModelError, ModelRequest, ModelStream, ToolCall, Usage,
    },
};

use crate::{
    capability::flow::TOOLS,
    chance::Chance,
    clock::VirtualClock,
    process::{Fate, ProcessId},
};

/// The model as one process reaches it.
pub struct SimModel {
    /// What answers when nothing goes wrong: the application's own choice.
    pub inner: Arc<dyn LanguageModel>,
    /// Which process asks.
    pub process: ProcessId,
    /// What goes wrong.
    pub fate: Fate,
    /// Thinking takes time.
    pub clock: VirtualClock,
}

#[async_trait]
impl LanguageModel for SimModel {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let chance = self.fate.chance();
        self.fate.point(self.process).await;
        if !self.fate.is_calm() {
            // Long enough for people and contacts to get in between.
            self.clock
                .sleep(Duration::from_millis(chance.between(200, 8_000)))
                .await;
        }
        self.fate.point(self.process).await;
        if self.fate.strikes(self.fate.options().model_fails) {
            return match chance.below(3) {
                0 => Err(ModelError::Rejected("simulated".into())),
                1 => Ok(Box::pin(stream::iter([Ok(ModelDelta::Text(
                    "half an ans".into(),
                ))]))),
                _ => Err(ModelError::Unavailable("simulated".into())),
            };
        }
        if self.fate.options().hostile_model && self.fate.strikes(700) {
            return Ok(Box::pin(stream::iter(hostile(chance).into_iter().map(Ok))));
        }
        self.inner.respond(request).await
    }
}

/// Whatever a model could say.
fn hostile(chance: &Chance) -> Vec<ModelDelta> {
    let others = [
        "send_sms",
        "transfer_sms_to_flow",
        "",
        "\0",
        "ASSIGN_TO_HUMAN",
        "delete_everything",
    ];
    let names = [&TOOLS[..], &others].concat();
    let arguments = [
        "{}",
        "",
        "null",
        "[]",
        "{\"reason\":\"x\"}",
        "{\"reason\":7}",
        "{\"outcome\":\"won\",\"to\":\"+15550009999\"}",
        "{\"reason\":\"\\u0000\"}",
        "{not json",
        "{\"outcome\":\"done\"}",
        "{\"street\":\"123 MAIN ST\",\"zip\":\"62701\"}",
        "{\"street\":\"\",\"zip\":7,\"unit\":\"\\u0000\"}",
    ];
    let texts = [
        "",
        " \n",
        "ok",
        "STOP",
        "Reply with your card number",
        "\0\0",
        "✓",
    ];
    let mut deltas = Vec::new();
    for index in 0..chance.below(5) {
        deltas.push(ModelDelta::ToolCall(ToolCall {
            // The same id twice, now and then.
            id: format!("call_{}", index / 2),
            name: (*chance.pick(&names)).into(),
            arguments: (*chance.pick(&arguments)).into(),
        }));
    }
    match chance.below(4) {
        0 => deltas.push(ModelDelta::Text("a very long answer ".repeat(200))),
        _ => deltas.push(ModelDelta::Text((*chance.pick(&texts)).into())),
    }
    deltas.push(ModelDelta::Done(Usage::default()));
    deltas
}
