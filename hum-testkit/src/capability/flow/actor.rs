use hum_core::flow::{FlowDefinition, SmsConfig};

use crate::{capability::Scene, chance::Chance};

/// Every tool. Agents have some of them, and the hostile model names all. A seed draws from this
/// order.
pub const TOOLS: [&str; 4] = [
    "assign_to_human",
    "close_conversation",
    "report_outcome",
    "lookup_internet_plans",
];

/// An agent with any settings.
pub fn any_definition(chance: &Chance) -> FlowDefinition {
    let mut tools = TOOLS.to_vec();
    tools.retain(|_| chance.below(3) > 0);
    FlowDefinition {
        system_prompt: "You help the customers of a shop.".into(),
        tools: tools.into_iter().map(String::from).collect(),
        sms: SmsConfig {
            debounce_ms: u32::try_from(chance.below(5_000)).unwrap_or(0),
            max_turns_per_window: u32::try_from(chance.between(1, 10)).unwrap_or(1),
            max_turns_per_day: u32::try_from(chance.between(5, 60)).unwrap_or(5),
            max_reply_chars: u32::try_from(chance.between(20, 1600)).unwrap_or(160),
            fallback_message: (chance.below(2) == 0).then(|| "We will get back to you.".into()),
            ..SmsConfig::default()
        },
        ..FlowDefinition::named("Shop")
    }
}

/// Somebody changes the agent.
pub async fn change(scene: Scene) {
    let next = any_definition(scene.chance());
    let (caller, id) = (scene.tenant.caller.clone(), scene.tenant.flow);
    scene
        .request(
            move |hum| async move { hum.flows().update(&caller, id, &|_| Ok(next.clone())).await },
        )
        .await;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hum_core::tool::BUILT_IN;

    use super::TOOLS;

    #[test]
    fn every_tool_is_in_the_simulated_world() {
        let names: BTreeSet<&str> = BUILT_IN.iter().map(|tool| tool.name()).collect();
        assert_eq!(BTreeSet::from(TOOLS), names);
    }
}
