use async_trait::async_trait;
use futures_util::stream;
use hum_core::language_model::{
    LanguageModel, ModelDelta, ModelError, ModelItem, ModelRequest, ModelStream, ToolCall, Usage,
};
use serde_json::json;

/// A language model that follows a few rules: for trying hum without an account anywhere, for tests
/// and for simulations.
///
/// The same request always gets the same answer, in the same pieces.
///
/// | The last text of the contact | Answer |
/// |---|---|
/// | asks for a person | calls `assign_to_human` |
/// | confirms | calls `report_outcome`, then a text |
/// | gives a street and a ZIP code | calls `lookup_internet_plans`, then what that said |
/// | asks for internet | asks for street and ZIP code |
/// | says good-bye | calls `close_conversation`, then a text |
/// | greets | greets |
/// | anything else | quotes it |
///
/// A tool that is not offered is not called; a text is given instead.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scripted;

const PERSON: &[&str] = &[
    "person",
    "human",
    "agent",
    "representative",
    "operator",
    "somebody",
    "someone",
];
const GOOD_BYE: &[&str] = &["bye", "goodbye", "thanks", "thank", "done", "cheers"];
const CONFIRMS: &[&str] = &["confirm", "confirmed", "yes", "yep", "ok", "okay"];
const INTERNET: &[&str] = &[
    "internet",
    "wifi",
    "broadband",
    "fiber",
    "provider",
    "providers",
    "plan",
    "plans",
];
const GREETS: &[&str] = &["hi", "hello", "hey", "morning", "afternoon", "evening"];

#[async_trait]
impl LanguageModel for Scripted {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let deltas = answer(&request);
        Ok(Box::pin(stream::iter(deltas.into_iter().map(Ok))))
    }
}

fn answer(request: &ModelRequest) -> Vec<ModelDelta> {
    let text = last_text(&request.items);
    let words: Vec<String> = text
        .split(|char: char| !char.is_alphanumeric())
        .map(str::to_lowercase)
        .collect();
    let said = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let call = |tool: &str| {
        request.tools.iter().any(|offered| offered.name == tool)
            && last_call(&request.items).is_none()
    };
    let deltas = match last_call(&request.items) {
        Some("assign_to_human") => say("A person from our team will take it from here."),
        Some("report_outcome") => say("Great, that is confirmed. Is there anything else?"),
        Some("lookup_internet_plans") => say(last_output(&request.items)),
        Some("close_conversation") => say("You're welcome. Have a good day!"),
        Some(_) => say("That is taken care of. Is there anything else?"),
        None if said(PERSON) && call("assign_to_human") => {
            vec![tool(
                request,
                "assign_to_human",
                &json!({ "reason": format!("The contact asked for a person: {}", quote(text)) }),
            )]
        }
        None if call("lookup_internet_plans") && street_and_zip(text).is_some() => {
            let (street, zip) = street_and_zip(text).unwrap_or_default();
            vec![tool(
                request,
                "lookup_internet_plans",
                &json!({ "street": street, "zip": zip }),
            )]
        }
        None if said(INTERNET) && call("lookup_internet_plans") => {
            say("I can look that up. What is your street address, and your ZIP code?")
        }
        None if said(CONFIRMS) && call("report_outcome") => {
            let arguments = json!({ "outcome": "confirmed", "summary": format!("The contact wrote: {}", quote(text)) });
            vec![tool(request, "report_outcome", &arguments)]
        }
        None if said(GOOD_BYE) && call("close_conversation") => {
            vec![tool(request, "close_conversation", &json!({}))]
        }
        None if said(PERSON) => {
            say("I am an automated assistant, and nobody else is available here right now.")
        }
        None if said(CONFIRMS) => say("Thank you, noted. Is there anything else?"),
        None if said(GOOD_BYE) => say("You're welcome. Have a good day!"),
        None if text.trim().is_empty() => {
            say("I received your message, but there was no text in it. How can I help?")
        }
        None if said(GREETS) => say("Hi! I am the automated assistant. How can I help?"),
        None => say(&format!(
            "You wrote “{}”. I can help with that: what would you like to know?",
            quote(text)
        )),
    };
    let usage = Usage {
        input_tokens: input_tokens(request),
        output_tokens: deltas.len() as u64,
    };
    deltas
        .into_iter()
        .chain([ModelDelta::Done(usage)])
        .collect()
}

/// The contact's latest words; several texts in a row are read together.
fn last_text(items: &[ModelItem]) -> &str {
    items
        .iter()
        .rev()
        .find_map(|item| match item {
            ModelItem::User(text) => Some(text.as_str()),
            _ => None,
        })
        .unwrap_or_default()
}

/// A street that begins with a number, and the ZIP code that the text ends with:
/// `29090 Tiffany Drive E, 48034`.
fn street_and_zip(text: &str) -> Option<(&str, &str)> {
    let text = text.trim().trim_end_matches('.');
    let (street, zip) = text.rsplit_once([' ', ','])?;
    let is_zip = zip.len() == 5 && zip.bytes().all(|byte| byte.is_ascii_digit());
    let street = street.trim().trim_end_matches(',').trim_end();
    let street = &street[street.find(|char: char| char.is_ascii_digit())?..];
    (is_zip && street.contains(' ')).then_some((street, zip))
}

/// What the last tool answered.
fn last_output(items: &[ModelItem]) -> &str {
    let output = items.iter().rev().find_map(|item| match item {
        ModelItem::ToolResult { output, .. } => Some(output.as_str()),
        _ => None,
    });
    output.unwrap_or_default()
}

/// The tool that was called since the contact's latest words, if it has been answered.
fn last_call(items: &[ModelItem]) -> Option<&str> {
    let since = items
        .iter()
        .rposition(|item| matches!(item, ModelItem::User(_)))
        .map_or(0, |at| at + 1);
    let items = &items[since..];
    let answered = items.iter().rev().find_map(|item| match item {
        ModelItem::ToolResult { call_id, .. } => Some(call_id),
        _ => None,
    })?;
    let name = items.iter().find_map(|item| match item {
        ModelItem::ToolCall(call) if call.id == *answered => Some(call.name.as_str()),
        _ => None,
    });
    Some(name.unwrap_or("unknown"))
}

/// A text in pieces, as a real model makes it.
fn say(text: &str) -> Vec<ModelDelta> {
    text.split_inclusive(' ')
        .map(|word| ModelDelta::Text(word.to_owned()))
        .collect()
}

fn tool(request: &ModelRequest, name: &str, arguments: &serde_json::Value) -> ModelDelta {
    // Unlike any other id in the request, and the same for the same request.
    let id = format!("call_{}", request.items.len());
    ModelDelta::ToolCall(ToolCall {
        id,
        name: name.into(),
        arguments: arguments.to_string(),
    })
}

/// At most sixty characters in one line.
fn quote(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn input_tokens(request: &ModelRequest) -> u64 {
    let items = request.items.iter().map(|item| match item {
        ModelItem::User(text) | ModelItem::Assistant(text) => text.len(),
        ModelItem::ToolCall(call) => call.name.len() + call.arguments.len(),
        ModelItem::ToolResult { output, .. } => output.len(),
    });
    (request.instructions.len() + items.sum::<usize>()).div_ceil(4) as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hum_core::{
        language_model::{ModelReply, collect},
        tool::BUILT_IN,
    };

    use super::*;

    fn request(items: Vec<ModelItem>, tools: bool) -> ModelRequest {
        let tools = if tools {
            BUILT_IN.iter().map(|tool| tool.spec()).collect()
        } else {
            Vec::new()
        };
        ModelRequest {
            model: None,
            instructions: "Help.".into(),
            items,
            tools,
            timeout: Duration::from_secs(1),
        }
    }

    async fn reply(items: Vec<ModelItem>, tools: bool) -> ModelReply {
        collect(Scripted.respond(request(items, tools)).await.unwrap())
            .await
            .unwrap()
    }

    async fn says(text: &str, tools: bool) -> ModelReply {
        reply(vec![ModelItem::User(text.into())], tools).await
    }

    #[tokio::test]
    async fn calls_the_tool_that_the_words_ask_for() {
        for (text, tool) in [
            ("Can I talk to a HUMAN?", Some("assign_to_human")),
            ("representative!", Some("assign_to_human")),
            ("yes", Some("report_outcome")),
            ("I confirm.", Some("report_outcome")),
            ("thanks, bye", Some("close_conversation")),
            (
                "29090 Tiffany Drive E, 48034",
                Some("lookup_internet_plans"),
            ),
            ("It is 12 Main St 48034.", Some("lookup_internet_plans")),
            ("any internet plans?", None),
            ("hello", None),
            ("what about humanity", None),
        ] {
            let reply = says(text, true).await;
            assert_eq!(
                reply.tool_calls.first().map(|call| call.name.as_str()),
                tool,
                "{text}"
            );
            assert_eq!(reply.text.is_empty(), tool.is_some(), "{text}");
            let without = says(text, false).await;
            assert!(
                without.tool_calls.is_empty() && !without.text.is_empty(),
                "{text}"
            );
        }
    }

    #[tokio::test]
    async fn arguments_fit_the_tools() {
        for text in ["human", "yes", "bye", "1 Main St 48034"] {
            for call in says(&format!("{text} \"quotes\" \\ \n"), true)
                .await
                .tool_calls
            {
                let arguments: serde_json::Value = serde_json::from_str(&call.arguments).unwrap();
                let tool = hum_core::tool::find(&call.name).unwrap();
                let known = tool.arguments();
                let given = arguments.as_object().unwrap();
                assert!(
                    known
                        .iter()
                        .all(|(name, _, required)| !required || given.contains_key(*name))
                );
                assert!(given.iter().all(|(name, value)| value.is_string()
                    && known.iter().any(|(known, ..)| known == name)));
            }
        }
    }

    #[tokio::test]
    async fn a_tool_result_ends_in_a_text() {
        for tool in [
            "assign_to_human",
            "report_outcome",
            "close_conversation",
            "other",
        ] {
            let call = ToolCall {
                id: "c".into(),
                name: tool.into(),
                arguments: "{}".into(),
            };
            let result = ModelItem::ToolResult {
                call_id: "c".into(),
                output: "ok".into(),
            };
            let answered = reply(
                vec![
                    ModelItem::User("yes, a human, bye".into()),
                    ModelItem::ToolCall(call.clone()),
                    result.clone(),
                ],
                true,
            )
            .await;
            assert!(answered.tool_calls.is_empty() && !answered.text.is_empty());
            let next = vec![
                ModelItem::User("yes".into()),
                ModelItem::ToolCall(call),
                result,
                ModelItem::User("human please".into()),
            ];
            assert_eq!(
                reply(next, true).await.tool_calls[0].name,
                "assign_to_human",
                "a new text starts anew"
            );
        }
    }

    #[tokio::test]
    async fn quotes_shortly() {
        let reply = says(&"Where is my order? ".repeat(20), true).await;
        assert!(
            reply.text.starts_with("You wrote “Where is my order?")
                && reply.text.chars().count() < 160
        );
        assert_eq!(
            says("é".repeat(100).as_str(), false)
                .await
                .text
                .matches('é')
                .count(),
            60
        );
        assert!(!says("", false).await.text.is_empty());
    }
}
