//! The model is asked, and what it calls is run.

use std::time::Duration;

use serde_json::Value;

use crate::{
    flow::FlowDefinition,
    language_model::{ModelError, ModelItem, ModelRequest, ToolCall, collect},
    sms::ToolCallLog,
    tool::{self, Effect, Tool},
};

use super::{
    Turns,
    reply::{clean, instructions},
};

/// What a turn came to.
#[derive(Default)]
pub(super) struct Outcome {
    pub reply: Option<String>,
    /// At most one of a kind.
    pub effects: Vec<Effect>,
    pub calls: Vec<ToolCallLog>,
}

impl Outcome {
    /// Whether the contact may be left without a reply.
    pub(super) fn allows_silence(&self) -> bool {
        self.effects.iter().any(Effect::allows_silence)
    }
}

impl Turns {
    /// Asks the model until it has no more tool calls. Tools only stage effects; they run one after
    /// the other.
    pub(super) async fn ask(
        &self,
        flow: &FlowDefinition,
        items: Vec<ModelItem>,
    ) -> Result<Outcome, ModelError> {
        let mut talk = Talk::new(flow, items);
        loop {
            let reply = collect(
                self.language_model
                    .respond(talk.request(self.model_timeout))
                    .await?,
            )
            .await?;
            talk.hear(&reply.text);
            if reply.tool_calls.is_empty() || talk.left == 0 {
                return Ok(talk.outcome);
            }
            for call in reply.tool_calls {
                let (arguments, result) = match talk.permit(&call) {
                    Ok(tool) => tool.call_with_text(&self.tools, &call.arguments).await,
                    Err((arguments, why)) => (arguments, Err(why)),
                };
                talk.note(call, arguments, result);
            }
        }
    }
}

/// The talk with the model in one turn.
struct Talk<'a> {
    flow: &'a FlowDefinition,
    /// Nothing else runs, whatever the model says.
    offered: Vec<&'static dyn Tool>,
    /// How many tool calls are left.
    left: u32,
    items: Vec<ModelItem>,
    outcome: Outcome,
}

impl<'a> Talk<'a> {
    fn new(flow: &'a FlowDefinition, items: Vec<ModelItem>) -> Self {
        let offered = flow
            .tools
            .iter()
            .filter_map(|name| tool::find(name))
            .collect();
        Self {
            flow,
            offered,
            left: flow.sms.max_tool_calls,
            items,
            outcome: Outcome::default(),
        }
    }

    fn request(&self, timeout: Duration) -> ModelRequest {
        let offered: &[&dyn Tool] = if self.left > 0 { &self.offered } else { &[] };
        ModelRequest {
            model: self.flow.sms.model.clone(),
            instructions: instructions(self.flow),
            items: self.items.clone(),
            tools: offered.iter().map(|tool| tool.spec()).collect(),
            timeout,
        }
    }

    /// The last words of the model are the reply.
    fn hear(&mut self, text: &str) {
        if let Some(text) = clean(text, self.flow.sms.max_reply_chars as usize) {
            self.outcome.reply = Some(text);
        }
    }

    /// The tool that a call may run, which then counts; or the arguments to be kept, and why it is
    /// refused.
    fn permit(&mut self, call: &ToolCall) -> Result<&'static dyn Tool, (Value, String)> {
        if self.left == 0 {
            let why = "the limit of tool calls for one turn is reached";
            return Err((call.arguments.clone().into(), why.into()));
        }
        self.left -= 1;
        let tool = self
            .offered
            .iter()
            .copied()
            .find(|tool| tool.name() == call.name);
        tool.ok_or_else(|| {
            (
                call.arguments.chars().take(1000).collect::<String>().into(),
                "there is no such tool".into(),
            )
        })
    }

    /// Stages the effect of a call, and tells the model what came of it.
    fn note(
        &mut self,
        call: ToolCall,
        arguments: Value,
        result: Result<(Option<Effect>, String), String>,
    ) {
        let ran = result.is_ok();
        let output = match result {
            Ok((effect, output)) => {
                effect.into_iter().for_each(|effect| self.stage(effect));
                output
            }
            Err(why) => format!("Error: {why}"),
        };
        let name: String = call
            .name
            .chars()
            .filter(|char| *char != '\0')
            .take(100)
            .collect();
        self.outcome.calls.push(ToolCallLog {
            name,
            arguments,
            output: output.clone(),
            ran,
        });
        self.items.push(ModelItem::ToolCall(call.clone()));
        self.items.push(ModelItem::ToolResult {
            call_id: call.id,
            output,
        });
    }

    /// The last effect of a kind counts.
    fn stage(&mut self, effect: Effect) {
        self.outcome
            .effects
            .retain(|staged| std::mem::discriminant(staged) != std::mem::discriminant(&effect));
        self.outcome.effects.push(effect);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{flow::SmsConfig, turn::fixture::flow};

    const ANY: Duration = Duration::from_secs(1);

    fn call(name: &str) -> ToolCall {
        ToolCall {
            id: "c1".into(),
            name: name.into(),
            arguments: "{}".into(),
        }
    }

    fn limited(max_tool_calls: u32) -> FlowDefinition {
        FlowDefinition {
            sms: SmsConfig {
                max_tool_calls,
                ..SmsConfig::default()
            },
            ..flow().definition
        }
    }

    #[test]
    fn only_the_tools_of_the_flow_are_offered_and_run() {
        let flow = limited(8);
        let mut talk = Talk::new(&flow, Vec::new());
        let offered: Vec<String> = talk
            .request(ANY)
            .tools
            .into_iter()
            .map(|tool| tool.name)
            .collect();
        assert_eq!(offered, flow.tools);
        for (name, refused) in [
            ("report_outcome", None),
            ("close_conversation", None),
            ("assign_to_human", Some("there is no such tool")),
            ("delete_everything", Some("there is no such tool")),
        ] {
            assert_eq!(
                talk.permit(&call(name))
                    .err()
                    .map(|(_, why)| why)
                    .as_deref(),
                refused,
                "{name}"
            );
        }
    }

    #[test]
    fn refused_calls_count_too_and_beyond_the_limit_nothing_is_offered() {
        let flow = limited(2);
        let mut talk = Talk::new(&flow, Vec::new());
        assert!(talk.permit(&call("delete_everything")).is_err());
        assert!(talk.permit(&call("report_outcome")).is_ok());
        assert_eq!((talk.left, talk.request(ANY).tools.len()), (0, 0));
        let refused = talk
            .permit(&call("report_outcome"))
            .err()
            .expect("the limit is reached");
        assert_eq!(
            refused,
            (
                json!("{}"),
                "the limit of tool calls for one turn is reached".into()
            )
        );
        assert!(
            Talk::new(&limited(0), Vec::new())
                .request(ANY)
                .tools
                .is_empty()
        );
    }

    #[test]
    fn the_last_effect_of_a_kind_counts() {
        let flow = limited(8);
        let mut talk = Talk::new(&flow, Vec::new());
        let outcome = |what: &str| Effect::Outcome(json!({ "outcome": what }));
        for effect in [outcome("confirmed"), Effect::Close, outcome("canceled")] {
            talk.note(call("any"), json!({}), Ok((Some(effect), "Done.".into())));
        }
        assert_eq!(talk.outcome.effects, [Effect::Close, outcome("canceled")]);
    }

    #[test]
    fn every_call_is_kept_and_answered_to_the_model() {
        let flow = limited(8);
        let mut talk = Talk::new(&flow, vec![ModelItem::User("Hello?".into())]);
        talk.note(
            call("report\0_outcome"),
            json!({}),
            Ok((None, "Recorded.".into())),
        );
        talk.note(
            call(&"x".repeat(200)),
            json!("{}"),
            Err("there is no such tool".into()),
        );
        let kept: Vec<_> = talk
            .outcome
            .calls
            .iter()
            .map(|call| (&*call.name, &*call.output, call.ran))
            .collect();
        assert_eq!(
            kept,
            [
                ("report_outcome", "Recorded.", true),
                (&"x".repeat(100), "Error: there is no such tool", false)
            ]
        );
        let answered = |item: &ModelItem| matches!(item, ModelItem::ToolResult { call_id, .. } if call_id == "c1");
        assert_eq!(talk.items.iter().filter(|item| answered(item)).count(), 2);
        assert_eq!(talk.request(ANY).items.len(), 5);
    }

    #[test]
    fn the_last_words_that_can_be_sent_are_the_reply() {
        let flow = limited(8);
        let mut talk = Talk::new(&flow, Vec::new());
        for (heard, reply) in [
            ("", None),
            ("One moment.", Some("One moment.")),
            (" \n", Some("One moment.")),
            ("At ten.", Some("At ten.")),
        ] {
            talk.hear(heard);
            assert_eq!(talk.outcome.reply.as_deref(), reply, "{heard:?}");
        }
    }
}
