//! <https://platform.openai.com/docs/api-reference/chat-streaming>

use std::collections::BTreeMap;

use hum_core::language_model::{ModelDelta, ModelError, ModelItem, ModelRequest, ToolCall, Usage};
use serde_json::{Value, json};

use super::{Events, OpenAiConfig, error, sse, strict};

/// Calls that an answer may begin, and bytes of their arguments.
const MAX_CALLS: usize = 64;
const MAX_ARGUMENTS: usize = 64 * 1024;

/// The request. The system message holds the operator's words only; what contacts wrote is in user
/// messages.
pub(super) fn body(config: &OpenAiConfig, request: &ModelRequest) -> Value {
    let mut body = json!({
        "model": request.model.as_ref().unwrap_or(&config.model),
        "messages": messages(request),
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let mut function = json!({ "name": tool.name, "description": tool.description, "parameters": tool.parameters });
            // Not every compatible server knows `strict`, so it is not sent in vain.
            if strict(&tool.parameters) {
                function["strict"] = json!(true);
            }
            json!({ "type": "function", "function": function })
        });
        body["tools"] = tools.collect();
        body["parallel_tool_calls"] = json!(false);
    }
    if let Some(tokens) = config.max_output_tokens {
        body["max_completion_tokens"] = json!(tokens);
    }
    body
}

/// Calls that follow each other belong into one assistant message, directly before their results.
fn messages(request: &ModelRequest) -> Vec<Value> {
    let mut messages = vec![json!({ "role": "system", "content": request.instructions })];
    for item in &request.items {
        let message = match item {
            ModelItem::User(text) => json!({ "role": "user", "content": text }),
            ModelItem::Assistant(text) => json!({ "role": "assistant", "content": text }),
            ModelItem::ToolResult { call_id, output } => {
                json!({ "role": "tool", "tool_call_id": call_id, "content": output })
            }
            ModelItem::ToolCall(call) => {
                let function = json!({ "name": call.name, "arguments": call.arguments });
                let call = json!({ "id": call.id, "type": "function", "function": function });
                if let Some(calls) = messages
                    .last_mut()
                    .and_then(|last| last.get_mut("tool_calls")?.as_array_mut())
                {
                    calls.push(call);
                    continue;
                }
                json!({ "role": "assistant", "content": null, "tool_calls": [call] })
            }
        };
        messages.push(message);
    }
    messages
}

/// Reads the chunks. Calls come in pieces that are told apart by an index.
#[derive(Debug, Default)]
pub(super) struct Reader {
    calls: BTreeMap<u64, ToolCall>,
    usage: Usage,
    finished: bool,
}

impl Events for Reader {
    fn read(&mut self, event: sse::Event) -> Result<Vec<ModelDelta>, ModelError> {
        if event.data == "[DONE]" {
            // The usage comes after the reason to finish, so only now is the answer complete.
            return if self.finished {
                Ok(vec![ModelDelta::Done(self.usage)])
            } else {
                Err(broke_off())
            };
        }
        let data: Value = serde_json::from_str(&event.data).map_err(|_| unreadable())?;
        if data["error"].is_object() {
            return Err(error::from_event(&data["error"]));
        }
        if data["usage"].is_object() {
            self.usage = Usage {
                input_tokens: data["usage"]["prompt_tokens"].as_u64().unwrap_or_default(),
                output_tokens: data["usage"]["completion_tokens"]
                    .as_u64()
                    .unwrap_or_default(),
            };
        }
        let choice = &data["choices"][0];
        let delta = &choice["delta"];
        if delta["refusal"]
            .as_str()
            .is_some_and(|refusal| !refusal.is_empty())
        {
            return Err(ModelError::Rejected("the model declined to answer".into()));
        }
        let mut deltas = Vec::new();
        if let Some(text) = delta["content"].as_str().filter(|text| !text.is_empty()) {
            deltas.push(ModelDelta::Text(text.to_owned()));
        }
        for piece in delta["tool_calls"].as_array().into_iter().flatten() {
            self.piece(piece)?;
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            deltas.extend(self.finish(reason)?);
        }
        Ok(deltas)
    }
}

impl Reader {
    fn piece(&mut self, piece: &Value) -> Result<(), ModelError> {
        let index = piece["index"].as_u64().unwrap_or_default();
        let call = self.calls.entry(index).or_insert_with(|| ToolCall {
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
        });
        let function = &piece["function"];
        for (part, value) in [
            (&mut call.id, &piece["id"]),
            (&mut call.name, &function["name"]),
            (&mut call.arguments, &function["arguments"]),
        ] {
            part.push_str(value.as_str().unwrap_or_default());
        }
        let bytes: usize = self
            .calls
            .values()
            .map(|call| call.id.len() + call.name.len() + call.arguments.len())
            .sum();
        if self.calls.len() > MAX_CALLS || bytes > MAX_ARGUMENTS {
            return Err(ModelError::Unavailable(
                "the tool calls are too long".into(),
            ));
        }
        Ok(())
    }

    fn finish(&mut self, reason: &str) -> Result<Vec<ModelDelta>, ModelError> {
        match reason {
            "content_filter" => Err(ModelError::Rejected(
                "the provider's filter stopped the answer".into(),
            )),
            "length" => Err(ModelError::Unavailable("the answer was cut off".into())),
            _ => {
                self.finished = true;
                let calls = std::mem::take(&mut self.calls).into_values();
                // Some servers give no id; results must name one.
                let with_ids = calls.enumerate().map(|(index, mut call)| {
                    if call.id.is_empty() {
                        call.id = format!("call_{index}");
                    }
                    ModelDelta::ToolCall(call)
                });
                Ok(with_ids.collect())
            }
        }
    }
}

fn broke_off() -> ModelError {
    ModelError::Unavailable("the answer broke off".into())
}

fn unreadable() -> ModelError {
    ModelError::Unavailable("an event of the stream cannot be read".into())
}
