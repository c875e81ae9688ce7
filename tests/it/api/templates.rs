use serde_json::{Value, json};

use crate::support::{TestApp, on_both_stores};

on_both_stores!(
    makes_changes_and_removes,
    says_what_is_wrong,
    sends_with_variables,
    another_organization_has_its_own
);

const PATH: &str = "/api/sms/templates";

async fn makes_changes_and_removes(app: TestApp) {
    let body = "Hi {{first_name}}, see you at {{ time }}. {{first_name}}!";
    let made = app
        .operator
        .post(PATH, json!({ "name": "Reminder", "body": body }))
        .await
        .expect(201);
    assert_eq!(made["variables"], json!(["first_name", "time"]));
    assert_eq!(made["body"], body);
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    assert_eq!(app.viewer.get(&path).await.expect(200), made);

    app.pass(std::time::Duration::from_secs(1)).await;
    let changed = app
        .operator
        .patch(&path, json!({ "body": "See you." }))
        .await
        .expect(200);
    assert_eq!(
        (&changed["name"], &changed["body"], &changed["variables"]),
        (&made["name"], &json!("See you."), &json!([]))
    );
    assert_ne!(changed["updated_at"], made["updated_at"]);

    let second = app
        .operator
        .post(PATH, json!({ "name": "Thanks", "body": "Thank you!" }))
        .await
        .expect(201);
    let listed = app.viewer.get(&format!("{PATH}?limit=1")).await.expect(200);
    assert_eq!(listed["data"], json!([second]));
    let next = listed["next_cursor"].as_str().unwrap();
    let listed = app
        .viewer
        .get(&format!("{PATH}?limit=1&cursor={next}"))
        .await
        .expect(200);
    assert_eq!(
        (&listed["data"], &listed["next_cursor"]),
        (&json!([changed]), &Value::Null)
    );

    app.operator.delete(&path).await.expect(204);
    app.viewer.get(&path).await.problem(404, "not_found");
    app.operator.delete(&path).await.problem(404, "not_found");
    app.operator
        .post(PATH, json!({ "name": "Reminder", "body": "Again." }))
        .await
        .expect(201);
}

async fn says_what_is_wrong(app: TestApp) {
    app.operator
        .post(PATH, json!({ "name": "Reminder", "body": "Hi" }))
        .await
        .expect(201);
    app.operator
        .post(PATH, json!({ "name": "Reminder", "body": "Ho" }))
        .await
        .problem(409, "conflict");
    let other = app
        .operator
        .post(PATH, json!({ "name": "Other", "body": "Ho" }))
        .await
        .expect(201);
    let path = format!("{PATH}/{}", other["id"].as_str().unwrap());
    app.operator
        .patch(&path, json!({ "name": "Reminder" }))
        .await
        .problem(409, "conflict");
    for (body, pointer) in [
        (json!({ "name": "", "body": "Hi" }), "/name"),
        (json!({ "name": "x".repeat(101), "body": "Hi" }), "/name"),
        (json!({ "name": "A", "body": "" }), "/body"),
        (json!({ "name": "A", "body": "x".repeat(1601) }), "/body"),
        (json!({ "name": "A", "body": "Hi {{first name}}" }), "/body"),
        (json!({ "name": "A", "body": "Hi {{first_name" }), "/body"),
        (json!({ "name": "A", "body": "nul \u{0}" }), "/body"),
    ] {
        let problem = app
            .operator
            .post(PATH, body.clone())
            .await
            .problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
}

async fn sends_with_variables(app: TestApp) {
    let fixture = app.fixture().await;
    let body = "Hi {{first_name}}, see you at {{time}}.";
    let made = app
        .operator
        .post(PATH, json!({ "name": "Reminder", "body": body }))
        .await
        .expect(201);
    let messages = format!("/api/sms/conversations/{}/messages", fixture.conversation);
    let variables = json!({ "first_name": "Kim", "time": "3 pm" });
    let sent = app
        .operator
        .post(
            &messages,
            json!({ "template_id": made["id"], "variables": variables }),
        )
        .await
        .expect(201);
    assert_eq!(sent["body"], "Hi Kim, see you at 3 pm.");

    let ask = async |message: Value| {
        app.operator
            .post(&messages, message)
            .await
            .problem(422, "invalid")["errors"]
            .clone()
    };
    let pointers = |errors: &Value| -> Vec<String> {
        errors
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap().to_owned())
            .collect()
    };
    let errors = ask(
        json!({ "template_id": made["id"], "variables": { "first_name": "Kim", "tome": "3 pm" } }),
    )
    .await;
    assert_eq!(
        pointers(&errors),
        ["/variables/time", "/variables/tome"],
        "{errors}"
    );
    let errors =
        ask(json!({ "template_id": made["id"], "variables": variables, "body": "Hi" })).await;
    assert_eq!(pointers(&errors), ["/body"], "{errors}");
    let errors = ask(json!({ "body": "Hi", "variables": variables })).await;
    assert_eq!(pointers(&errors), ["/variables"], "{errors}");
    let errors = ask(json!({ "template_id": "tpl_01KB4Z0Q4F9GJ2S3XWQK8V7R5T" })).await;
    assert_eq!(pointers(&errors), ["/template_id"], "{errors}");
    let long = json!({ "first_name": "x".repeat(1600), "time": "3 pm" });
    let errors = ask(json!({ "template_id": made["id"], "variables": long })).await;
    assert_eq!(
        pointers(&errors),
        ["/body"],
        "what it comes to is too long: {errors}"
    );

    let start = json!({
        "twilio_number_id": fixture.number,
        "contact_e164": "+13175550188",
        "initial_message": { "template_id": made["id"], "variables": { "first_name": "Kim" } },
    });
    let problem = app
        .operator
        .post("/api/sms/conversations", start)
        .await
        .problem(422, "invalid");
    assert_eq!(
        pointers(&problem["errors"]),
        ["/initial_message/variables/time"]
    );
}

async fn another_organization_has_its_own(app: TestApp) {
    let fixture = app.fixture().await;
    let made = app
        .operator
        .post(PATH, json!({ "name": "Reminder", "body": "Hi" }))
        .await
        .expect(201);
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    app.foreigner.get(&path).await.problem(404, "not_found");
    app.foreigner
        .patch(&path, json!({ "name": "Mine" }))
        .await
        .problem(404, "not_found");
    app.foreigner.delete(&path).await.problem(404, "not_found");
    assert_eq!(app.foreigner.get(PATH).await.expect(200)["data"], json!([]));
    let foreign = app
        .foreigner
        .post(PATH, json!({ "name": "Reminder", "body": "Ho" }))
        .await
        .expect(201);
    let messages = format!("/api/sms/conversations/{}/messages", fixture.conversation);
    let problem = app
        .operator
        .post(&messages, json!({ "template_id": foreign["id"] }))
        .await
        .problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/template_id");
}
