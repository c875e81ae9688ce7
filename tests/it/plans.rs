//! Every list of the API, with every combination of its filters, has an index in its order; nothing
//! that a request reads goes through a table. Asked of the databases themselves, about the very
//! statements that the store ran: a new list, or a new filter, is asked about as soon as the API's
//! document names it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use hum_adapters::storage::{Plan, Plans, SqliteStore};
use hum_core::{
    Storage,
    id::{ConversationId, FlowId, WebhookId},
    sms::{Direction, MessageStatus, Source, Template},
};
use hum_testkit::{
    contract::{
        StoreWorld,
        sample::{Sample, e164},
    },
    postgres::TestDatabase,
};
use serde_json::Value;
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::{contract::World, support::TestApp};

/// More rows than a page looks at when it looks for what no index knows.
const MANY: usize = 520;

/// What the lists are asked with.
pub(crate) struct Known {
    conversation: ConversationId,
    flow: FlowId,
    webhook: WebhookId,
    number: String,
}

impl Known {
    /// How a filter is given.
    fn value(&self, parameter: &str) -> Vec<String> {
        match parameter {
            "status" => vec![],
            "assignee" => vec!["kim".into()],
            "twilio_number_id" => vec![self.number.clone()],
            "contact_e164" => vec!["%2B13175550101".into()],
            "unread" => vec!["true".into()],
            "conversation_id" => vec![self.conversation.to_string()],
            "campaign_id" => vec!["spring".into()],
            "after" => vec!["0".into()],
            other => panic!("say how {other} is given, and which index it has"),
        }
    }

    /// Which of the document's statuses a list knows.
    fn statuses(path: &str) -> Vec<String> {
        let names: &[&str] = match path {
            "/api/sms/conversations" => &["open", "closed"],
            _ => &MessageStatus::NAMES,
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    pub(crate) fn path(&self, template: &str) -> String {
        let id = match template {
            "/api/flows/{id}/versions" => self.flow.to_string(),
            "/api/webhooks/{id}/deliveries" => self.webhook.to_string(),
            _ => self.conversation.to_string(),
        };
        template.replace("{id}", &id)
    }
}

/// A list of the API, and its filters.
pub(crate) struct ListOf {
    pub(crate) path: String,
    filters: Vec<String>,
}

/// The lists that the document names.
pub(crate) async fn lists(app: &TestApp) -> Vec<ListOf> {
    let document = app.stranger.get("/openapi.json").await.expect(200);
    let paths = document["paths"].as_object().expect("paths");
    let lists = paths.iter().filter_map(|(path, operations)| {
        let names: Vec<String> = operations["get"]["parameters"]
            .as_array()?
            .iter()
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
            .collect();
        let is_list = names.iter().any(|name| name == "limit");
        is_list.then(|| ListOf {
            path: path.clone(),
            filters: names
                .into_iter()
                .filter(|name| name != "limit" && name != "cursor")
                .collect(),
        })
    });
    lists.collect()
}

/// Every way to use a list's filters: each one left out, or with each of its values.
pub(crate) fn ways(list: &ListOf, known: &Known) -> Vec<Vec<(String, String)>> {
    list.filters.iter().fold(vec![vec![]], |ways, filter| {
        let mut values = known.value(filter);
        if filter == "status" {
            values = Known::statuses(&list.path);
        }
        ways.into_iter()
            .flat_map(|way| {
                let with = |value: &String| {
                    let mut way = way.clone();
                    way.push((filter.clone(), value.clone()));
                    way
                };
                let with: Vec<_> = values.iter().map(with).collect();
                std::iter::once(way).chain(with)
            })
            .collect()
    })
}

/// The indexes that may have a list, where `key` is the table's primary key, and whether the rows
/// that it finds are so few that they are put in order.
fn expected(path: &str, way: &[(String, String)]) -> (BTreeSet<&'static str>, bool) {
    let has = |name: &str| way.iter().any(|(filter, _)| filter == name);
    let status = way.iter().find(|(filter, _)| filter == "status");
    let index = match path {
        "/api/sms/conversations" if has("contact_e164") => {
            return (BTreeSet::from(["conversation_pair"]), true);
        }
        "/api/sms/conversations" if has("assignee") => "conversation_assigned",
        "/api/sms/conversations" if has("unread") => "conversation_unread",
        "/api/sms/conversations" => match status {
            None => {
                return (
                    BTreeSet::from(["conversation_open", "conversation_closed"]),
                    false,
                );
            }
            Some((_, status)) if status == "open" => "conversation_open",
            Some(_) => "conversation_closed",
        },
        "/api/sms/conversations/{id}/messages" => "message_seq",
        "/api/sms/messages" if has("conversation_id") => "message_seq",
        "/api/sms/messages" if has("status") => "message_status",
        "/api/sms/opt-outs" => "consent_opted_out",
        "/api/flows" => "flow_living",
        "/api/webhooks" => "webhook_living",
        "/api/webhooks/{id}/deliveries" => "delivery_webhook",
        "/api/address-sessions" if has("campaign_id") => "address_session_campaign",
        "/api/sms/messages"
        | "/api/flows/{id}/versions"
        | "/api/numbers"
        | "/api/sms/templates"
        | "/api/events"
        | "/api/address-sessions"
        | "/api/keys" => "key",
        other => panic!("say which index has {other}"),
    };
    (BTreeSet::from([index]), false)
}

/// Which index a step goes by; `None` when it is not one that reads a table.
fn index(step: &str) -> Option<String> {
    let step = step.trim().trim_start_matches("->").trim();
    if let Some(rest) = step.strip_prefix("SEARCH ") {
        let (table, how) = rest.split_once(" USING ").expect("SQLite says how");
        if how.starts_with("PRIMARY KEY") {
            return Some("key".into());
        }
        let name = how
            .trim_start_matches("COVERING ")
            .trim_start_matches("INDEX ")
            .split_whitespace()
            .next()
            .expect("SQLite names the index");
        let automatic = format!("sqlite_autoindex_{table}_1");
        return Some(if name == automatic {
            "key".into()
        } else {
            name.to_owned()
        });
    }
    let rest = ["Index Scan", "Index Only Scan"]
        .iter()
        .find_map(|kind| step.strip_prefix(kind))?;
    let rest = rest.trim_start_matches(" Backward");
    let name = rest.strip_prefix(" using ")?.split_whitespace().next()?;
    Some(if name.ends_with("_pkey") {
        "key".into()
    } else {
        name.to_owned()
    })
}

/// Goes through no table, and puts nothing in order.
fn is_direct(plan: &Plan) -> bool {
    plan.steps.iter().all(|step| {
        let step = step.trim().trim_start_matches("->").trim();
        let scans = step.starts_with("SCAN ") || step.contains("Seq Scan");
        let sorts = step.contains("Sort  (cost") || step.contains("TEMP B-TREE");
        !scans && !sorts && !step.contains("Bitmap")
    })
}

fn check(path: &str, way: &[(String, String)], plans: Vec<Plan>) {
    let (indexes, sorts) = expected(path, way);
    let is_of_list = |plan: &&Plan| plan.statement.contains(" ORDER BY ");
    let of_list: Vec<&Plan> = plans.iter().filter(is_of_list).collect();
    assert!(!of_list.is_empty(), "{path} {way:?} reads a list");
    for plan in plans.iter().filter(|plan| !is_of_list(plan)) {
        assert!(is_direct(plan), "{path} {way:?}: {plan:#?}");
    }
    for plan in of_list {
        assert!(sorts || is_direct(plan), "{path} {way:?}: {plan:#?}");
        let used: Vec<String> = plan.steps.iter().filter_map(|step| index(step)).collect();
        let used: BTreeSet<&str> = used.iter().map(String::as_str).collect();
        assert_eq!(used, indexes, "{path} {way:?}: {plan:#?}");
    }
}

/// Asks for the first two pages of every list in every way; answers how many statements there were.
async fn ask_for_everything(app: &TestApp, plans: &Plans, known: &Known) -> usize {
    let mut count = 0;
    for list in lists(app).await {
        for way in ways(&list, known) {
            let filters: String = way
                .iter()
                .map(|(name, value)| format!("&{name}={value}"))
                .collect();
            let path = format!("{}?limit=1{filters}", known.path(&list.path));
            plans.take();
            let first = app.admin.get(&path).await.expect(200);
            if let Value::String(cursor) = &first["next_cursor"] {
                let next = format!("{path}&cursor={cursor}");
                app.admin.get(&next).await.expect(200);
            }
            let plans = plans.take();
            count += plans.len();
            check(&list.path, &way, plans);
        }
    }
    count
}

/// So much that every list has a second page, and those that look for what no index knows, a second
/// window.
pub(crate) async fn fill(app: &TestApp, world: &dyn StoreWorld) -> Known {
    let s = Sample {
        world,
        org: app.org,
    };
    let (flow, number) = (s.flow(), s.number("+13175550100", None));
    let mut webhook = None;
    for path in ["one", "two"] {
        let (id, _) = app.webhook(&format!("https://example.com/{path}")).await;
        let reads = world.store().org(app.org);
        let id = id.parse().expect("an id");
        webhook = reads.webhook(id).await.expect("the store answers");
    }
    let webhook = webhook.expect("it was made");
    let mut thread = s.conversation(&number, e164("+13175550101"));
    let mut batch = s.batch();
    for nth in 1..3 {
        let mut version = s.flow_version(&flow);
        version.number = nth;
        let mut delivery = s.delivery(&webhook, &s.event());
        delivery.event_seq = Some(nth);
        batch.insert(&version);
        batch.insert(&delivery);
        batch.insert(&s.any::<Template>([]));
        batch.insert(&s.flow());
        batch.insert(&s.consent(e164(&format!("+1317555020{nth}"))));
        batch.insert(&s.number(&format!("+1317555030{nth}"), None));
        let mut session = s.address_session();
        session.request.campaign_id = Some("spring".into());
        batch.insert(&session);
    }
    for nth in 0..2 * MANY {
        let mut one = s.conversation(&number, e164(&format!("+1317556{nth:04}")));
        one.take(Direction::Inbound, s.moment());
        one.assign(Some("kim".into()), s.moment());
        if nth % 2 == 0 {
            one.close(s.moment());
        }
        batch.insert(&one);
        batch.insert(&s.outbound(&mut thread, Source::Human, "Hello"));
    }
    batch.insert(&flow);
    batch.insert(&number);
    batch.insert(&thread);
    world
        .store()
        .commit(batch)
        .await
        .expect("everything is stored");
    Known {
        conversation: thread.id,
        flow: flow.id,
        webhook: webhook.id,
        number: number.id.to_string(),
    }
}

/// What jobs and operators read has its index too.
async fn ask_besides(app: &TestApp, store: &Arc<dyn Storage>, plans: &Plans, known: &Known) {
    let (reads, now) = (store.org(app.org), app.hum.clock().now());
    plans.take();
    reads.count_turns(known.conversation, now).await.unwrap();
    reads
        .count_ai_messages(known.conversation, now)
        .await
        .unwrap();
    reads.running_turn(known.conversation).await.unwrap();
    reads.recent_messages(known.conversation, 5).await.unwrap();
    reads.held_deliveries(known.webhook, 5).await.unwrap();
    reads.enabled_webhooks().await.unwrap();
    reads.count_webhooks().await.unwrap();
    reads.events_after(0, 5).await.unwrap();
    reads.last_event_seq().await.unwrap();
    store.system().find_organization("acme").await.unwrap();
    let plans_of_jobs = plans.take();
    for plan in &plans_of_jobs {
        assert!(is_direct(plan), "{plan:#?}");
    }
    let used = |part: &str| -> Vec<String> {
        let plan = plans_of_jobs
            .iter()
            .find(|plan| plan.statement.contains(part));
        let steps = plan.map(|plan| plan.steps.clone()).unwrap_or_default();
        steps.iter().filter_map(|step| index(step)).collect()
    };
    assert_eq!(used("source = 'ai'"), ["message_ai"]);
    assert_eq!(
        used("FROM turn WHERE org_id = $1 AND conversation_id = $2 AND started_at"),
        ["turn_conversation"]
    );
    assert_eq!(used("state = 'held'"), ["delivery_held"]);

    store.system().counts().await.unwrap();
    store.system().list_organizations().await.unwrap();
    for plan in plans.take() {
        // These may go through an index from its beginning, as far as they count.
        let tables = ["message", "delivery", "job", "organization"];
        let bare = plan.steps.iter().any(|step| {
            step.contains("Seq Scan")
                || tables
                    .iter()
                    .any(|table| step.trim() == format!("SCAN {table}"))
        });
        let sorts = plan.steps.iter().any(|step| step.contains("FOR ORDER BY"));
        assert!(!bare && !sorts, "{plan:#?}");
        let counts_all =
            plan.statement.contains("count(") && !plan.statement.contains(" LIMIT 10000)");
        assert!(!counts_all, "{plan:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_has_an_index_in_sqlite() {
    let (store, plans) = SqliteStore::in_memory().expect("a database").explained();
    let app = TestApp::on(store.clone(), Box::new(())).await;
    let world = World::new(store, ());
    let known = fill(&app, &world).await;
    assert!(ask_for_everything(&app, &plans, &known).await > 200);
    ask_besides(&app, &world.store(), &plans, &known).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_has_an_index_in_postgres() {
    let database = TestDatabase::create().await;
    let (store, plans) = database.store().await.explained();
    let app = TestApp::on(store.clone(), Box::new(())).await;
    let world = World::new(store, ());
    let known = fill(&app, &world).await;
    // A plan may be made while nothing is known of a table, and later.
    assert!(ask_for_everything(&app, &plans, &known).await > 200);
    let mut connection = PgConnection::connect(&database.url)
        .await
        .expect("a connection");
    connection.execute("ANALYZE").await.expect("statistics");
    assert!(ask_for_everything(&app, &plans, &known).await > 200);
    ask_besides(&app, &world.store(), &plans, &known).await;
}

#[tokio::test]
async fn however_many_look_at_the_metrics_the_store_counts_once() {
    let (store, plans) = SqliteStore::in_memory().expect("a database").explained();
    let app = TestApp::on(store, Box::new(())).await;
    let counted = async || {
        plans.take();
        let looks = (0..8).map(|_| app.stranger.get("/metrics"));
        for metrics in futures_util::future::join_all(looks).await {
            assert!(metrics.text.contains("\nhum_messages_in_doubt 0\n"));
        }
        let counts = |plan: &Plan| plan.statement.contains("status = 'in_doubt'");
        plans.take().iter().filter(|plan| counts(plan)).count()
    };
    assert_eq!((counted().await, counted().await), (1, 0));
    app.pass(Duration::from_secs(6)).await;
    assert_eq!((counted().await, counted().await), (1, 0));
}
