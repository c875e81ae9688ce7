use std::{sync::Arc, time::Duration};

use crate::{
    flow::FlowReads,
    kernel::{Kernel, Reads},
    language_model::LanguageModel,
    sms::SmsReads,
    tool::Tools,
};

/// What turns are taken by.
pub trait TurnTakingReads: SmsReads + FlowReads {}
impl<T: SmsReads + FlowReads> TurnTakingReads for T {}

/// Agents that answer texts.
#[derive(Clone)]
pub struct Turns {
    pub(super) kernel: Kernel,
    pub(super) reads: Reads<dyn TurnTakingReads>,
    pub(super) language_model: Arc<dyn LanguageModel>,
    pub(super) tools: Tools,
    /// How long one answer of the model may take.
    pub(super) model_timeout: Duration,
}

/// What [`Turns`] is made of besides the kernel.
pub(crate) struct Parts {
    pub reads: Reads<dyn TurnTakingReads>,
    pub language_model: Arc<dyn LanguageModel>,
    pub tools: Tools,
    pub model_timeout: Duration,
}

impl Turns {
    pub(crate) fn new(kernel: Kernel, parts: Parts) -> Self {
        let Parts {
            reads,
            language_model,
            tools,
            model_timeout,
        } = parts;
        Self {
            kernel,
            reads,
            language_model,
            tools,
            model_timeout,
        }
    }
}
