use hum_core::{
    access::Caller,
    flow::{Flow, FlowDefinition, FlowVersion},
};
use serde_json::json;

use crate::contract::sample::Sample;

impl Sample<'_> {
    /// A flow.
    pub fn flow(&self) -> Flow {
        let mut definition = FlowDefinition::named("Front desk");
        definition.sms.debounce_ms = 2_500;
        definition.business_hours =
            Some(json!({"mon": [["09:00", "17:00"]], "zone": "America/New_York"}));
        definition.tools = vec!["assign_to_human".into()];
        Flow::new(self.org, definition, self.moment())
    }

    /// A flow's newest version.
    pub fn flow_version(&self, flow: &Flow) -> FlowVersion {
        flow.snapshot(Caller::system(self.org).actor)
    }
}
