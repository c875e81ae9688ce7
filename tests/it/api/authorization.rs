//! Every operation of the document, with each role, without a key, and from another organization.

use std::collections::BTreeSet;

use axum::http::Method;
use hum_core::access::{OPERATIONS, Operation, Role};
use serde_json::{Value, json};

use crate::support::{Actor, Fixture, TestApp, fresh_number, on_both_stores};

on_both_stores!(
    every_operation_asks_for_its_role,
    another_organization_sees_nothing,
    every_operation_asks_for_its_scope
);

/// One of everything: what other tests need too, and what only this one does.
struct Targets {
    fixture: Fixture,
    template: String,
}

impl std::ops::Deref for Targets {
    type Target = Fixture;
    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

async fn targets(app: &TestApp) -> Targets {
    let template = json!({ "name": fresh_number(), "body": "Hi {{name}}" });
    let template = app
        .operator
        .post("/api/sms/templates", template)
        .await
        .expect(201);
    Targets {
        fixture: app.fixture().await,
        template: template["id"].as_str().expect("an id").to_owned(),
    }
}

/// A request that succeeds, for somebody who may.
fn request(operation: &Operation, fixture: &Targets) -> (String, Value) {
    let of = |id: &str| operation.path.replace("{id}", id);
    let plain = || operation.path.to_owned();
    match operation.id {
        "getMe"
        | "getOrganization"
        | "listFlows"
        | "listNumbers"
        | "listConversations"
        | "listMessages"
        | "listOptOuts"
        | "listTemplates"
        | "listWebhooks"
        | "listEvents"
        | "streamEvents"
        | "listUsage"
        | "listApiKeys"
        | "getCarrierAccount"
        | "listAddressSessions"
        | "ping" => (plain(), Value::Null),
        "getAddressSession" => (of(&fixture.session), Value::Null),
        "createSession" => (plain(), json!({ "street1": "1 Main St", "zip": "48034" })),
        "getSession" | "closeSession" | "getInternetServices" => (
            operation.path.replace("{token}", &fixture.session_token),
            Value::Null,
        ),
        "updateOrganization" => (plain(), json!({ "name": "Acme" })),
        "setCarrierAccount" => (
            plain(),
            json!({ "account_sid": "AC00000000000000000000000000000002", "auth_token": "t" }),
        ),
        "createFlow" => (plain(), json!({ "name": "New" })),
        "getFlow" | "deleteFlow" | "duplicateFlow" | "listFlowVersions" => {
            (of(&fixture.flow), Value::Null)
        }
        "updateFlow" => (of(&fixture.flow), json!({ "greeting": "Hi" })),
        "registerNumber" => (plain(), json!({ "e164": fresh_number() })),
        "getNumber" => (of(&fixture.number), Value::Null),
        "updateNumber" => (of(&fixture.number), json!({ "friendly_name": "x" })),
        "createConversation" => (
            plain(),
            json!({ "twilio_number_id": fixture.number, "contact_e164": fresh_number() }),
        ),
        "getConversation"
        | "listConversationMessages"
        | "markConversationRead"
        | "closeConversation"
        | "reopenConversation" => (of(&fixture.conversation), Value::Null),
        "updateConversation" => (of(&fixture.conversation), json!({ "assignee": "ann" })),
        "sendMessage" => (of(&fixture.conversation), json!({ "body": "Hello" })),
        "getMessage" | "cancelMessage" => (of(&fixture.queued), Value::Null),
        "resendMessage" => (of(&fixture.failed), Value::Null),
        "createTemplate" => (
            plain(),
            json!({ "name": fresh_number(), "body": "Hi {{name}}" }),
        ),
        "getTemplate" | "deleteTemplate" => (of(&fixture.template), Value::Null),
        "updateTemplate" => (of(&fixture.template), json!({ "body": "Ho" })),
        "addOptOut" => (plain(), json!({ "contact_e164": fresh_number() })),
        "removeOptOut" => (
            operation.path.replace("{e164}", &fixture.opted_out),
            Value::Null,
        ),
        "createWebhook" => (
            plain(),
            json!({ "url": fixture.receiver.url, "events": ["sms.received"] }),
        ),
        "getWebhook"
        | "deleteWebhook"
        | "testWebhook"
        | "rotateWebhookSecret"
        | "listWebhookDeliveries" => (of(&fixture.webhook), Value::Null),
        "updateWebhook" => (of(&fixture.webhook), json!({ "description": "x" })),
        "redeliverWebhook" => (
            of(&fixture.webhook).replace("{delivery_id}", &fixture.delivery),
            Value::Null,
        ),
        "createApiKey" => (plain(), json!({ "name": "x", "role": "viewer" })),
        "revokeApiKey" => (of(&fixture.key), Value::Null),
        other => panic!("write down how {other} is called, so that its authorization is tested"),
    }
}

async fn call(actor: &Actor, operation: &Operation, fixture: &Targets) -> crate::support::Reply {
    let (path, body) = request(operation, fixture);
    let method: Method = operation.method.parse().unwrap();
    match body {
        Value::Null => actor.call(method, &path, &[], Default::default()).await,
        body => actor.json(method, &path, &[], body).await,
    }
}

/// The operations that the served documents describe; each is in the table, and the other way
/// round.
async fn described(app: &TestApp) -> Vec<&'static Operation> {
    let mut ids = BTreeSet::new();
    for path in ["/openapi.json", "/sessions/openapi.json"] {
        let document = app.stranger.get(path).await.expect(200);
        let items = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|item| item.as_object().unwrap().values());
        ids.extend(items.map(|operation| operation["operationId"].as_str().unwrap().to_owned()));
    }
    let operations: Vec<_> = OPERATIONS
        .iter()
        .filter(|operation| ids.contains(operation.id))
        .collect();
    assert_eq!(operations.len(), ids.len());
    assert_eq!(operations.len(), OPERATIONS.len());
    operations
}

async fn every_operation_asks_for_its_role(app: TestApp) {
    let account = json!({ "account_sid": "AC00000000000000000000000000000002", "auth_token": "t" });
    let mut fixture = targets(&app).await;
    for operation in described(&app).await {
        if operation.id == "getCarrierAccount" {
            app.admin
                .put("/api/organization/carrier", account.clone())
                .await
                .expect(200);
        }
        call(&app.stranger, operation, &fixture)
            .await
            .refused(401, "api_key_required");
        for (role, actor) in [
            (Role::Viewer, &app.viewer),
            (Role::Operator, &app.operator),
            (Role::Admin, &app.admin),
        ] {
            let reply = call(actor, operation, &fixture).await;
            if role < operation.role {
                reply.refused(403, "forbidden");
            } else if role == operation.role {
                assert!(
                    reply.status.is_success(),
                    "{} as {role:?}: {}",
                    operation.id,
                    reply.text
                );
            } else {
                assert!(
                    ![401, 403].contains(&reply.status.as_u16()),
                    "{} as {role:?}: {}",
                    operation.id,
                    reply.text
                );
            }
        }
        let gone = [
            "cancelMessage",
            "closeSession",
            "deleteFlow",
            "deleteTemplate",
            "deleteWebhook",
            "removeOptOut",
            "revokeApiKey",
        ];
        if gone.contains(&operation.id) {
            // It is gone.
            fixture = targets(&app).await;
        }
        if operation.id == "setCarrierAccount" || operation.id == "getCarrierAccount" {
            // Back to the account that the handsets are on.
            let fake = app.fake.credentials();
            let ours =
                json!({ "account_sid": fake.account_sid, "auth_token": fake.auth_token.reveal() });
            app.admin
                .put("/api/organization/carrier", ours)
                .await
                .expect(200);
        }
    }
}

async fn another_organization_sees_nothing(app: TestApp) {
    let fixture = targets(&app).await;
    let ours = [
        &fixture.flow,
        &fixture.number,
        &fixture.conversation,
        &fixture.queued,
        &fixture.template,
        &fixture.failed,
        &fixture.webhook,
        &fixture.delivery,
        &fixture.key,
        &fixture.contact,
        &fixture.opted_out,
        &fixture.session,
    ];
    for operation in described(&app).await {
        let reply = call(&app.foreigner, operation, &fixture).await;
        if operation.path.contains("{token}") {
            // A token that is not of this organization is like one that expired.
            reply.refused(410, "gone");
        } else if operation.path.contains('{') {
            let foreign = reply.problem(404, "not_found");
            let nowhere = nowhere(&app, operation).await;
            assert_eq!(
                foreign, nowhere,
                "{}: a foreign id looks like one that does not exist",
                operation.id
            );
        } else {
            for id in ours {
                assert!(
                    !reply.text.contains(id.as_str()),
                    "{} shows {id}: {}",
                    operation.id,
                    reply.text
                );
            }
        }
    }
    let intact = app
        .admin
        .get(&format!("/api/flows/{}", fixture.flow))
        .await
        .expect(200);
    assert_eq!(intact["version"], 1);
}

/// What is answered for ids that do not exist, and for what cannot be an id.
async fn nowhere(app: &TestApp, operation: &Operation) -> Value {
    let none = |prefix: &str| format!("{prefix}01ARZ3NDEKTSV4RRFFQ69G5FAV");
    let prefix = match operation.path {
        path if path.starts_with("/api/flows") => "flow_",
        path if path.starts_with("/api/numbers") => "num_",
        path if path.starts_with("/api/sms/conversations") => "cnv_",
        path if path.starts_with("/api/sms/messages") => "msg_",
        path if path.starts_with("/api/sms/templates") => "tpl_",
        path if path.starts_with("/api/webhooks") => "whk_",
        path if path.starts_with("/api/address-sessions") => "ses_",
        _ => "key_",
    };
    let fill = |id: &str, e164: &str| {
        operation
            .path
            .replace("{id}", id)
            .replace("{e164}", e164)
            .replace("{delivery_id}", &none("dlv_"))
    };
    let body = match operation.method {
        "PATCH" => json!({}),
        _ if operation.id == "sendMessage" => json!({ "body": "Hello" }),
        _ => Value::Null,
    };
    let mut answers = Vec::new();
    for path in [
        fill(&none(prefix), "+13175559998"),
        fill("nonsense", "nonsense"),
        fill("%00", "%00"),
        fill("%ff", "%ff"),
    ] {
        let reply = match &body {
            Value::Null => {
                app.admin
                    .call(
                        operation.method.parse().unwrap(),
                        &path,
                        &[],
                        Default::default(),
                    )
                    .await
            }
            body => {
                app.admin
                    .json(operation.method.parse().unwrap(), &path, &[], body.clone())
                    .await
            }
        };
        answers.push(reply.problem(404, "not_found"));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.remove(0)
}

async fn every_operation_asks_for_its_scope(app: TestApp) {
    let fixture = targets(&app).await;
    let [knows_itself, reads_flows] = [
        app.actor(Role::Admin, &["me:read"]).await,
        app.actor(Role::Admin, &["flows:read"]).await,
    ];
    for operation in described(&app).await {
        let strange = if operation.scope == "me:read" {
            &reads_flows
        } else {
            &knows_itself
        };
        call(strange, operation, &fixture)
            .await
            .refused(403, "insufficient_scope");
    }
    for operation in described(&app)
        .await
        .into_iter()
        .filter(|operation| operation.method == "GET")
    {
        let actor = app.actor(operation.role, &[operation.scope]).await;
        let reply = call(&actor, operation, &fixture).await;
        assert!(
            reply.status.is_success() || operation.id == "getCarrierAccount",
            "{}: {}",
            operation.id,
            reply.text
        );
    }
}
