use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Effect, Tool, Tools};

/// Reports what came of the conversation.
pub(super) struct ReportOutcome;

#[async_trait]
impl Tool for ReportOutcome {
    fn name(&self) -> &'static str {
        "report_outcome"
    }

    fn description(&self) -> &'static str {
        "Record what came of this conversation, for the organization's own systems."
    }

    fn arguments(&self) -> &'static [(&'static str, &'static str, bool)] {
        &[
            (
                "outcome",
                "A short name, such as appointment_confirmed.",
                true,
            ),
            ("summary", "What happened, in one or two sentences.", true),
        ]
    }

    async fn call(&self, _: &Tools, arguments: &Value) -> Result<(Option<Effect>, String), String> {
        let outcome = json!({ "outcome": arguments["outcome"], "summary": arguments["summary"] });
        Ok((Some(Effect::Outcome(outcome)), "Recorded.".into()))
    }
}
