//! Test an agent the way hum tests itself: the real application, a virtual clock, no network, the
//! same run every time.
//!
//! `cargo run -p hum-examples --example test_your_agent`

#![forbid(unsafe_code)]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hum_core::{
    flow::FlowDefinition,
    language_model::{
        LanguageModel, ModelDelta, ModelError, ModelItem, ModelRequest, ModelStream, ToolCall,
        Usage,
    },
    number::E164,
    organization::KeywordReplies,
    sms::Conversation,
};
use hum_testkit::World;

/// A model that hands every complaint over, and calls a tool that its flow does not allow.
struct Complaints;

#[async_trait]
impl LanguageModel for Complaints {
    async fn respond(&self, request: ModelRequest) -> Result<ModelStream, ModelError> {
        let call = |name: &str, arguments: &str| {
            ModelDelta::ToolCall(ToolCall {
                id: name.into(),
                name: name.into(),
                arguments: arguments.into(),
            })
        };
        let deltas = match request.items.last() {
            Some(ModelItem::User(text)) if text.contains("broken") => {
                vec![
                    call("close_conversation", "{}"),
                    call("assign_to_human", "{\"reason\": \"a complaint\"}"),
                ]
            }
            Some(ModelItem::ToolResult { .. }) => vec![ModelDelta::Text(
                "I am sorry. Somebody will write to you.".into(),
            )],
            _ => vec![ModelDelta::Text("How can I help?".into())],
        };
        let stream = deltas
            .into_iter()
            .chain([ModelDelta::Done(Usage::default())])
            .map(Ok);
        Ok(Box::pin(futures_util::stream::iter(stream)))
    }
}

fn main() {
    let mut world = World::calm(7, Arc::new(Complaints));
    let agent = FlowDefinition {
        tools: vec!["assign_to_human".into()],
        ..FlowDefinition::named("Shop")
    };
    let shop = world.set_up_tenant(1, agent, KeywordReplies::Carrier);
    let sam: E164 = "+15559990001".parse().expect("a number");

    world.text(&shop, &sam, "hello");
    assert!(
        world.settle(Duration::from_secs(60)),
        "the world becomes quiet"
    );
    world.text(&shop, &sam, "my kettle is broken!");
    assert!(
        world.settle(Duration::from_secs(60)),
        "the world becomes quiet"
    );
    assert_eq!(
        world.received(&sam),
        ["How can I help?", "I am sorry. Somebody will write to you."]
    );

    // The tool that the flow does not allow was refused, so the conversation is open, and waits for
    // a person.
    let monitor = world.shared().monitor().clone();
    let open = monitor.mirror(|mirror| mirror.all::<Conversation>().all(Conversation::is_open));
    assert!(open, "the conversation is still open");

    // STOP is obeyed before any model sees it.
    world.text(&shop, &sam, "STOP");
    assert!(
        world.settle(Duration::from_secs(60)),
        "the world becomes quiet"
    );
    assert!(
        monitor.violations().is_empty(),
        "{:?}",
        monitor.violations()
    );
    println!("the agent passed; the run was {}", monitor.trace_hash());
}
