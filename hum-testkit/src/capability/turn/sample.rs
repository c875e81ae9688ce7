use hum_core::{
    id::FlowId,
    record::Value,
    sms::{Conversation, Turn},
};

use crate::contract::sample::Sample;

impl Sample<'_> {
    /// A turn that runs.
    pub fn turn(&self, conversation: &Conversation, flow: FlowId) -> Turn {
        self.any([
            ("conversation_id", Value::text(conversation.id)),
            ("flow_id", Value::text(flow)),
            ("state", "running".into()),
            ("ended_at", Value::Null),
            ("reply_id", Value::Null),
            ("fallback", false.into()),
            ("reason", Value::Null),
            ("tool_calls", r#"[{"name":"report_outcome","arguments":{"b":1,"a":[null,2.5]},"output":"ok","ran":true}]"#.into()),
            ("started_at", self.world.now().as_micros().into()),
        ])
    }
}
