//! What people do in a simulated world: write texts, run an inbox, change settings, and try to cheat.

use std::{collections::BTreeSet, time::Duration};

use hum_core::{
    clock::Clock as _,
    error::Error,
    event::EventKind,
    flow::{FlowDefinition, SmsConfig},
    id::ConversationId,
    idempotency::{Answer, Remember},
    number::E164,
    organization::KeywordReplies,
    sms::{CarrierForm, Conversation, ConversationPatch, Message, MessageStatus, NewConversation, NewMessage, Received, Source},
    webhook::{NewWebhook, WebhookPatch},
};

use crate::{
    fake::{carrier::Callback, handset::Text},
    monitor::Monitor,
    world::{Shared, Tenant, World, fresh},
};

const KEYWORDS: &[&str] = &[
    "STOP",
    "stop",
    "Stop.",
    "opt out",
    "OPT-OUT",
    "Unsubscribe!",
    "quit",
    "CANCEL",
    "REVOKE",
    "END",
    "START",
    "start",
    "unstop",
    "YES",
    "yes.",
    "HELP",
    "info?",
];
const TEXTS: &[&str] = &[
    "hello",
    "what are your hours?",
    "please let me talk to a person",
    "thanks, bye",
    "yes, confirm my appointment",
    "I can't come, don't stop by before 5",
    "",
    "ok 👍",
    "can you call me",
    "which internet can I get at 123 MAIN ST, 62701?",
    "a much longer question about how things are done and whether they could be done differently",
];

/// Tenants, webhooks, and everybody who acts later.
pub(super) fn set_up(world: &mut World) -> Vec<Tenant> {
    let shared = world.shared().clone();
    let options = shared.fate().options().clone();
    let mut tenants = Vec::new();
    for index in 0..options.organizations {
        let replies = if shared.chance().below(2) == 0 { KeywordReplies::Carrier } else { KeywordReplies::Hum };
        let definition = flow(&shared);
        tenants.push(world.set_up_tenant(index, definition, replies));
    }
    for (index, tenant) in tenants.iter().enumerate() {
        let (shared, tenant) = (shared.clone(), tenant.clone());
        world.block_on(async move { add_webhook(&shared, &tenant, index).await });
    }
    let span = Duration::from_secs(options.hours * 3600);
    for number in 0..options.texts {
        let (shared, tenants) = (shared.clone(), tenants.clone());
        shared.clone().act(async move {
            shared.clock().sleep(some_time(&shared, span)).await;
            write(&shared, &tenants, number).await;
        });
    }
    for _ in 0..options.acts {
        let (shared, tenants) = (shared.clone(), tenants.clone());
        shared.clone().act(async move {
            shared.clock().sleep(some_time(&shared, span)).await;
            act(&shared, &tenants).await;
        });
    }
    tenants
}

/// Most things happen close together, as in life.
pub(super) fn some_time(shared: &Shared, span: Duration) -> Duration {
    let chance = shared.chance();
    let minutes = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    if chance.below(3) == 0 {
        Duration::from_millis(chance.below(minutes))
    } else {
        Duration::from_millis(chance.below(minutes.min(3 * 3_600_000)))
    }
}

fn flow(shared: &Shared) -> FlowDefinition {
    let chance = shared.chance();
    let mut tools = vec!["assign_to_human", "close_conversation", "report_outcome", "lookup_internet_plans"];
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

async fn add_webhook(shared: &Shared, tenant: &Tenant, index: usize) {
    let Some((_, hum)) = shared.any_process() else { return };
    let url = format!("https://hook-{index}.example.test/in");
    let events: BTreeSet<EventKind> =
        EventKind::ALL.iter().copied().filter(|_| shared.chance().below(4) > 0).chain([EventKind::SmsReceived]).collect();
    let new = NewWebhook {
        url: url.clone(),
        description: String::new(),
        events,
        headers: [("x-team".to_owned(), "sim".to_owned())].into(),
    };
    if let Ok(created) = hum.create_webhook(&tenant.caller, new, Remember::nothing()).await {
        let secret = fresh(created).secret.reveal().to_owned();
        let now = shared.clock().now();
        shared.monitor().log(|log| log.secrets.entry(url).or_default().push((secret, now)));
    }
}

fn contact(shared: &Shared) -> E164 {
    // Few people, so that they meet every tenant.
    format!("+1555999{:04}", shared.chance().below(4)).parse().unwrap_or_else(|_| unreachable!("a well-formed number"))
}

async fn write(shared: &Shared, tenants: &[Tenant], number: u64) {
    let chance = shared.chance();
    let (tenant, from) = (chance.pick(tenants).clone(), contact(shared));
    let burst = if chance.below(4) == 0 { chance.between(2, 4) } else { 1 };
    for part in 0..burst {
        let body = if chance.below(5) == 0 {
            (*chance.pick(KEYWORDS)).to_owned()
        } else {
            format!("{} #{number}.{part}", chance.pick(TEXTS))
        };
        let text = Text { from: from.clone(), to: tenant.number.e164.clone(), body };
        let form = shared.carrier().text_in(&tenant.account, &text, chance);
        if shared.fate().strikes(shared.fate().options().forgery) {
            forge(shared, tenants, &form).await;
        }
        shared.carrier().again(Callback { at: shared.clock().elapsed(), token: None, form });
        shared.clock().sleep(Duration::from_millis(chance.below(4_000))).await;
    }
}

/// Somebody alters a webhook: nothing may happen.
async fn forge(shared: &Shared, tenants: &[Tenant], genuine: &CarrierForm) {
    let chance = shared.chance();
    let mut form = genuine.clone();
    match chance.below(5) {
        0 => form.signature = None,
        1 => form.signature = Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA=".into()),
        2 => set(&mut form, "Body", "forged"),
        3 => set(&mut form, "AccountSid", &chance.pick(tenants).account),
        _ => form.url.push('x'),
    }
    set(&mut form, "MessageSid", &format!("SM{}", (chance as &dyn hum_core::entropy::Entropy).token()));
    let answer = shared.request(move |hum| async move { hum.receive_sms(&form).await }).await;
    if let Some(Ok(received)) = answer
        && received != Received::Refused
    {
        shared.monitor().violate("INV-51", format!("a forged webhook was answered with {received:?}"));
    }
}

fn set(form: &mut CarrierForm, name: &str, value: &str) {
    form.params.iter_mut().filter(|(key, _)| key == name).for_each(|(_, old)| value.clone_into(old));
}

/// Something that an operator does.
async fn act(shared: &Shared, tenants: &[Tenant]) {
    let chance = shared.chance();
    let tenant = chance.pick(tenants).clone();
    let caller = tenant.caller.clone();
    match chance.below(16) {
        0..=2 => {
            let Some(id) = some_conversation(shared, &tenant) else { return };
            // Now and then several to one person, so that the resolver has to tell texts apart.
            for _ in 0..if chance.below(3) == 0 { 3 } else { 1 } {
                send(shared, &tenant, id).await;
            }
        }
        3 => start_conversation(shared, &tenant).await,
        4 | 5 => {
            let patch = match chance.below(5) {
                0 => ConversationPatch { ai_paused: Some(true), ..ConversationPatch::default() },
                1 => ConversationPatch { ai_paused: Some(false), assignee: Some(None), ..ConversationPatch::default() },
                2 => ConversationPatch { assignee: Some(Some("sam".into())), ..ConversationPatch::default() },
                3 => ConversationPatch { open: Some(chance.below(2) == 0), ..ConversationPatch::default() },
                _ => ConversationPatch { snoozed_until: Some(Some(shared.clock().now())), ..ConversationPatch::default() },
            };
            let Some(id) = some_conversation(shared, &tenant) else { return };
            shared.request(move |hum| async move { hum.update_conversation(&caller, id, patch).await }).await;
        }
        6 => {
            let Some(id) = some_conversation(shared, &tenant) else { return };
            shared.request(move |hum| async move { hum.mark_conversation_read(&caller, id, Remember::nothing()).await }).await;
        }
        7 => {
            let Some(id) = some_conversation(shared, &tenant) else { return };
            let close = chance.below(2) == 0;
            shared
                .request(move |hum| async move {
                    if close {
                        hum.close_conversation(&caller, id, Remember::nothing()).await
                    } else {
                        hum.reopen_conversation(&caller, id, Remember::nothing()).await
                    }
                })
                .await;
        }
        8 => {
            let queued = |message: &Message| message.status == MessageStatus::Queued;
            let Some(id) = some_message(shared.monitor(), shared, &tenant, queued) else { return };
            shared.request(move |hum| async move { hum.cancel_message(&caller, id, Remember::nothing()).await }).await;
        }
        9 => {
            let doubtful = |message: &Message| message.status == MessageStatus::InDoubt;
            let Some(id) = some_message(shared.monitor(), shared, &tenant, doubtful) else { return };
            shared.request(move |hum| async move { hum.resend_message(&caller, id, Remember::nothing()).await }).await;
        }
        10 => {
            let (who, out) = (contact(shared), chance.below(2) == 0);
            shared
                .request(move |hum| async move {
                    if out {
                        let _ = hum.add_opt_out(&caller, who, Remember::nothing()).await;
                    } else {
                        let _ = hum.remove_opt_out(&caller, &who).await;
                    }
                })
                .await;
        }
        11 => webhooks(shared, &tenant).await,
        12 => {
            let next = flow(shared);
            let id = tenant.flow;
            shared.request(move |hum| async move { hum.update_flow(&caller, id, &|_| Ok(next.clone())).await }).await;
        }
        _ => trespass(shared, tenants, &tenant).await,
    }
}

async fn send(shared: &Shared, tenant: &Tenant, id: ConversationId) {
    let chance = shared.chance();
    let source = if chance.below(2) == 0 { Source::Human } else { Source::Api };
    let new = NewMessage { body: format!("Your order {} is ready.", chance.below(4)), media: Vec::new(), source };
    let caller = tenant.caller.clone();
    let answer = shared.request(move |hum| async move { hum.send_message(&caller, id, new, Remember::nothing()).await }).await;
    if let Some(Ok(answer)) = answer {
        shared.monitor().acknowledged(tenant.organization.id, fresh(answer).id);
    }
}

async fn start_conversation(shared: &Shared, tenant: &Tenant) {
    let message =
        NewMessage { body: format!("Reminder {}", shared.chance().below(1000)), media: Vec::new(), source: Source::Api };
    let new = NewConversation { number: tenant.number.id, contact: contact(shared), initial_message: Some(message) };
    let caller = tenant.caller.clone();
    let answer = shared.request(move |hum| async move { hum.create_conversation(&caller, new, Remember::nothing()).await }).await;
    if let Some(Ok(answer)) = answer {
        fresh(answer).message.iter().for_each(|message| shared.monitor().acknowledged(tenant.organization.id, message.id));
    }
}

async fn webhooks(shared: &Shared, tenant: &Tenant) {
    let chance = shared.chance();
    let mine = |mirror: &crate::invariant::Mirror| {
        let webhook = mirror.webhooks.values().find(|webhook| webhook.org == tenant.organization.id)?;
        let settled = |delivery: &&hum_core::webhook::Delivery| delivery.webhook == webhook.id && !delivery.attempts.is_empty();
        Some((webhook.id, webhook.url.clone(), mirror.deliveries.values().find(settled).map(|delivery| delivery.id)))
    };
    let Some((id, url, delivery)) = shared.monitor().mirror(mine) else { return };
    let caller = tenant.caller.clone();
    match chance.below(5) {
        0 => {
            let patch = WebhookPatch { enabled: Some(false), ..WebhookPatch::default() };
            shared.request(move |hum| async move { hum.update_webhook(&caller, id, patch).await }).await;
        }
        1 => {
            let patch = WebhookPatch { enabled: Some(true), ..WebhookPatch::default() };
            shared.request(move |hum| async move { hum.update_webhook(&caller, id, patch).await }).await;
        }
        2 => {
            let answer =
                shared.request(move |hum| async move { hum.rotate_webhook_secret(&caller, id, Remember::nothing()).await }).await;
            let now = shared.clock().now();
            shared.monitor().log(|log| match answer {
                Some(Ok(Answer::Fresh(created))) => {
                    let secret = (created.secret.reveal().to_owned(), now);
                    if let Some(known) = log.secrets.get_mut(&url) {
                        known.push(secret);
                    }
                }
                // It may have been rotated, to a secret that nobody saw.
                _ => {
                    log.secrets.remove(&url);
                }
            });
        }
        3 => {
            shared.request(move |hum| async move { hum.test_webhook(&caller, id, Remember::nothing()).await }).await;
        }
        _ => {
            let Some(delivery) = delivery else { return };
            shared.request(move |hum| async move { hum.redeliver(&caller, id, delivery, Remember::nothing()).await }).await;
        }
    }
}

/// Somebody uses another tenant's ids: they do not exist.
async fn trespass(shared: &Shared, tenants: &[Tenant], tenant: &Tenant) {
    let Some(victim) = tenants.iter().find(|other| other.organization.id != tenant.organization.id) else { return };
    let Some(id) = some_conversation(shared, victim) else { return };
    let caller = tenant.caller.clone();
    let new = NewMessage { body: "not yours".into(), media: Vec::new(), source: Source::Api };
    let answer = shared.request(move |hum| async move { hum.send_message(&caller, id, new, Remember::nothing()).await }).await;
    match answer {
        None | Some(Err(Error::NotFound(_) | Error::Store(hum_core::store::StoreError::Unavailable(_)))) => {}
        Some(other) => shared
            .monitor()
            .violate("INV-46", format!("a foreign conversation was answered with {:?}", other.map(|_| "a message"))),
    }
}

fn some_conversation(shared: &Shared, tenant: &Tenant) -> Option<hum_core::id::ConversationId> {
    let ids: Vec<_> = shared.monitor().mirror(|mirror| {
        mirror
            .conversations
            .values()
            .filter(|conversation: &&Conversation| conversation.org == tenant.organization.id)
            .map(|conversation| conversation.id)
            .collect()
    });
    if ids.is_empty() { None } else { Some(*shared.chance().pick(&ids)) }
}

fn some_message(
    monitor: &Monitor,
    shared: &Shared,
    tenant: &Tenant,
    fits: impl Fn(&Message) -> bool,
) -> Option<hum_core::id::MessageId> {
    let ids: Vec<_> = monitor.mirror(|mirror| {
        mirror
            .messages
            .values()
            .filter(|message| message.org == tenant.organization.id && fits(message))
            .map(|message| message.id)
            .collect()
    });
    if ids.is_empty() { None } else { Some(*shared.chance().pick(&ids)) }
}
