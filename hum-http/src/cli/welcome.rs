//! The first start: something to try.

use hum_core::{
    Hum,
    access::{Caller, KeyMode, NewApiKey, Role},
    error::Error,
    flow::{Channel, FlowDefinition, TriggerType},
    id::FlowId,
    idempotency::{Answer, Remember},
    number::{E164, NewNumber},
    organization::NewOrganization,
    tool::BUILT_IN,
};

/// What a caller of the demo organization texts to.
pub const NUMBER: &str = "+15550001000";

/// On an empty database: an organization with an agent on a number, and a key, printed once.
pub async fn first_start(hum: &Hum, url: &str) {
    match make(hum).await {
        Ok(Some(key)) => println!("{}", instructions(url, &key)),
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "could not make the demo organization"),
    }
}

/// On an empty database with a real carrier: what to do next. Nothing is made that somebody would
/// have to remove.
pub async fn hint(hum: &Hum) {
    if let Ok(organizations) = hum.system().list_organizations().await
        && organizations.is_empty()
    {
        println!(
            "There is no organization yet: hum organizations create acme, then hum keys create --org acme --role admin"
        );
    }
}

/// The key of the demo organization; `None` when there is an organization already.
pub async fn make(hum: &Hum) -> Result<Option<String>, Error> {
    if !hum.system().list_organizations().await?.is_empty() {
        return Ok(None);
    }
    let organization = hum
        .organizations()
        .create(NewOrganization {
            slug: "demo".into(),
            name: "Demo".into(),
        })
        .await?;
    let caller = Caller::system(organization.id);
    let flow = texting_agent(hum, &caller).await?;
    let number = NewNumber {
        e164: demo_number()?,
        friendly_name: "Demo".into(),
        sms_flow_id: Some(flow),
        sms_enabled: true,
    };
    hum.numbers()
        .register(&caller, number, Remember::nothing())
        .await?;
    let key = NewApiKey {
        name: "first key".into(),
        role: Role::Admin,
        scopes: vec!["*".into()],
        mode: KeyMode::Live,
    };
    match hum
        .api_keys()
        .create(&caller, key, Remember::nothing())
        .await?
    {
        Answer::Fresh(created) => Ok(Some(created.secret.reveal().to_owned())),
        Answer::Replayed { .. } => Ok(None),
    }
}

/// An agent that answers texts with every tool there is.
pub async fn texting_agent(hum: &Hum, caller: &Caller) -> Result<FlowId, Error> {
    let mut definition = FlowDefinition::named("Front desk");
    definition.channel = Channel::Sms;
    definition.trigger_type = TriggerType::Message;
    definition.system_prompt =
        "You are the front desk of a small internet provider. Be short and friendly.".into();
    definition.tools = BUILT_IN.iter().map(|tool| tool.name().to_owned()).collect();
    match hum
        .flows()
        .create(caller, definition, Remember::nothing())
        .await?
    {
        Answer::Fresh(flow) => Ok(flow.id),
        Answer::Replayed { .. } => Err(Error::Conflict("the agent was made before".into())),
    }
}

/// See [`NUMBER`].
pub fn demo_number() -> Result<E164, Error> {
    NUMBER
        .parse()
        .map_err(|_| Error::invalid("/e164", "is no number"))
}

fn instructions(url: &str, key: &str) -> String {
    format!(
        r#"
A demo organization was made, with an agent on {NUMBER}. Its API key is shown this once:

    {key}

Text the agent from a handset of the fake carrier, look at the conversation, read the events:

    curl -s {url}/dev/handset/+13175550100/messages -H 'content-type: application/json' -d '{{"to": "{NUMBER}", "body": "Hello!"}}'
    curl -s {url}/api/sms/conversations -H 'authorization: Bearer {key}'
    curl -s '{url}/api/events?after=0' -H 'authorization: Bearer {key}'

Look an address up, in sample data with invented providers:

    curl -s {url}/sessions -H 'authorization: Bearer {key}' -H 'content-type: application/json' -d '{{"street1": "29090 Tiffany Drive E", "zip": "48034"}}'

{url}/docs describes the API."#
    )
}
