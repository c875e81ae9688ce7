//! <https://platform.openai.com/docs/api-reference/responses-streaming>

use hum_core::language_model::{ModelDelta, ModelError, ModelItem, ModelRequest, ToolCall, Usage};
use serde_json::{Value, json};

use super::{Events, OpenAiConfig, error, sse, strict};

/// The request. What contacts wrote is only ever in user items: `instructions` has the rank of a
/// developer message.
pub(super) fn body(config: &OpenAiConfig, request: &ModelRequest) -> Value {
    let mut body = json!({
        "model": request.model.as_ref().unwrap_or(&config.model),
        "instructions": request.instructions,
        "input": request.items.iter().map(item).collect::<Vec<_>>(),
        "stream": true,
        "store": false,
    });
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                "strict": strict(&tool.parameters),
            })
        });
        body["tools"] = tools.collect();
        body["parallel_tool_calls"] = json!(false);
    }
    if let Some(tokens) = config.max_output_tokens {
        body["max_output_tokens"] = json!(tokens);
    }
    body
}

fn item(item: &ModelItem) -> Value {
    match item {
        ModelItem::User(text) => json!({ "type": "message", "role": "user", "content": text }),
        ModelItem::Assistant(text) => {
            json!({ "type": "message", "role": "assistant", "content": text })
        }
        ModelItem::ToolCall(call) => {
            json!({ "type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments })
        }
        ModelItem::ToolResult { call_id, output } => {
            json!({ "type": "function_call_output", "call_id": call_id, "output": output })
        }
    }
}

/// Reads the events. A tool call is taken when its item is done, whole; its deltas are not needed.
#[derive(Debug, Default)]
pub(super) struct Reader;

impl Events for Reader {
    fn read(&mut self, event: sse::Event) -> Result<Vec<ModelDelta>, ModelError> {
        let Ok(data) = serde_json::from_str::<Value>(&event.data) else {
            // Some gateways end the stream with `[DONE]`, as the chat endpoint does.
            return if event.data == "[DONE]" {
                Ok(Vec::new())
            } else {
                Err(unreadable())
            };
        };
        match data["type"].as_str().unwrap_or(&event.name) {
            "response.output_text.delta" => Ok(vec![ModelDelta::Text(text(&data["delta"])?)]),
            "response.output_item.done" if data["item"]["type"] == "function_call" => {
                let item = &data["item"];
                let call = ToolCall {
                    id: text(&item["call_id"])?,
                    name: text(&item["name"])?,
                    arguments: text(&item["arguments"])?,
                };
                Ok(vec![ModelDelta::ToolCall(call)])
            }
            "response.completed" => Ok(vec![ModelDelta::Done(usage(&data["response"]["usage"]))]),
            "response.refusal.delta" | "response.refusal.done" => {
                Err(ModelError::Rejected("the model declined to answer".into()))
            }
            "response.incomplete" => Err(
                match data["response"]["incomplete_details"]["reason"].as_str() {
                    Some("content_filter") => {
                        ModelError::Rejected("the provider's filter stopped the answer".into())
                    }
                    _ => ModelError::Unavailable("the answer was cut off".into()),
                },
            ),
            "response.failed" => Err(error::from_event(&data["response"]["error"])),
            // The error is the event itself; some versions nest it.
            "error" => Err(error::from_event(if data["error"].is_object() {
                &data["error"]
            } else {
                &data
            })),
            // Events may be added at any time.
            _ => Ok(Vec::new()),
        }
    }
}

fn usage(usage: &Value) -> Usage {
    Usage {
        input_tokens: usage["input_tokens"].as_u64().unwrap_or_default(),
        output_tokens: usage["output_tokens"].as_u64().unwrap_or_default(),
    }
}

fn text(value: &Value) -> Result<String, ModelError> {
    value.as_str().map(str::to_owned).ok_or_else(unreadable)
}

fn unreadable() -> ModelError {
    ModelError::Unavailable("an event of the stream cannot be read".into())
}
