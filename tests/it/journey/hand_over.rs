//! A contact asks for a person: the agent says so, and then keeps silent.

use std::{sync::Arc, time::Duration};

use hum_adapters::language_model::Scripted;
use hum_core::{flow::FlowDefinition, number::E164, organization::KeywordReplies};
use hum_testkit::World;

#[test]
fn the_agents_last_words_are_said_and_nothing_after_them() {
    let mut world = World::calm(1, Arc::new(Scripted));
    let definition = FlowDefinition {
        tools: vec!["assign_to_human".into()],
        ..FlowDefinition::named("Shop")
    };
    let tenant = world.set_up_tenant(1, definition, KeywordReplies::Carrier);
    let sam: E164 = "+15559990001".parse().expect("a number");
    world.text(&tenant, &sam, "Can I talk to a person?");
    assert!(world.settle(Duration::from_secs(3600)));
    let received = world.received(&sam);
    assert_eq!(received.len(), 1, "{received:?}");
    world.text(&tenant, &sam, "Hello? Anybody?");
    assert!(world.settle(Duration::from_secs(3600)));
    assert_eq!(world.received(&sam), received);
}
