//! The carrier's webhooks: signed by an account that we know, or nothing happens.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request},
};
use hum_adapters::telephony::fake::CarrierRequest;
use serde_json::json;

use crate::support::{Reply, TestApp, on_both_stores};

on_both_stores!(
    twenty_copies_are_one_text,
    forwarded_headers_change_nothing,
    what_is_not_genuine_is_refused_and_not_stored,
    other_methods_and_types_are_refused,
    callbacks_need_their_token_and_signature,
);

const PATH: &str = "/carrier/twilio/sms";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn encoded(request: &CarrierRequest) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&request.form.params)
        .finish()
}

/// Somebody texts; the carrier's webhook is taken from it before it is delivered.
async fn webhook(app: &TestApp, to: &str, body: &str) -> CarrierRequest {
    app.fake
        .text("+13175550100".parse().unwrap(), to.parse().unwrap(), body);
    app.fake
        .take_due(app.hum.clock().now())
        .pop()
        .expect("a webhook")
}

async fn deliver(app: &TestApp, request: &CarrierRequest, headers: &[(&str, &str)]) -> Reply {
    let signature = request.form.signature.clone().unwrap_or_default();
    let headers: Vec<_> = headers
        .iter()
        .copied()
        .chain([FORM, ("x-twilio-signature", signature.as_str())])
        .collect();
    app.stranger
        .call(Method::POST, PATH, &headers, Body::from(encoded(request)))
        .await
}

async fn twenty_copies_are_one_text(app: TestApp) {
    let flow = app.flow().await;
    let (_, number) = app.number(&flow).await;
    let request = webhook(&app, &number, "Hello").await;
    let replies =
        futures_util::future::join_all((0..20).map(|_| deliver(&app, &request, &[]))).await;
    for reply in replies {
        assert_eq!(reply.header("content-type"), Some("text/xml"));
        assert_eq!(
            (reply.status.as_u16(), reply.text.as_str()),
            (200, r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#)
        );
    }
    app.pass(Duration::from_secs(30)).await;
    deliver(&app, &request, &[]).await;
    app.pass(Duration::from_secs(30)).await;
    let messages = app.viewer.get("/api/sms/messages").await.expect(200);
    let directions: Vec<_> = messages["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["direction"])
        .collect();
    assert_eq!(directions, ["outbound", "inbound"], "one text, one reply");
    let texts = app
        .stranger
        .get("/dev/handset/+13175550100")
        .await
        .expect(200);
    assert_eq!(texts["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        app.viewer.get("/api/sms/conversations").await.expect(200)["data"][0]["unread_count"],
        1
    );
}

async fn forwarded_headers_change_nothing(app: TestApp) {
    let flow = app.flow().await;
    let (_, number) = app.number(&flow).await;
    let spoofed = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-port", "81"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-original-url", "/evil"),
    ];
    let request = webhook(&app, &number, "One").await;
    deliver(&app, &request, &spoofed).await.expect_taken();
    let request = webhook(&app, &number, "Two").await;
    // The absolute form of a request names an authority too.
    let absolute = Request::post(format!("http://evil.example{PATH}"))
        .header(FORM.0, FORM.1)
        .header(
            "x-twilio-signature",
            request.form.signature.clone().unwrap(),
        )
        .body(Body::from(encoded(&request)));
    app.stranger.send(absolute.unwrap()).await.expect_taken();
    assert_eq!(
        app.viewer.get("/api/sms/messages").await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    // What is received after the path was signed, or it is not genuine.
    let request = webhook(&app, &number, "Three").await;
    let query = format!("{PATH}?more=1");
    let headers = [
        FORM,
        (
            "x-twilio-signature",
            request.form.signature.as_deref().unwrap(),
        ),
    ];
    app.stranger
        .call(
            Method::POST,
            &query,
            &headers,
            Body::from(encoded(&request)),
        )
        .await
        .problem(403, "forbidden");
}

impl Reply {
    #[track_caller]
    fn expect_taken(self) {
        assert_eq!(self.status.as_u16(), 200, "{}", self.text);
    }
}

async fn what_is_not_genuine_is_refused_and_not_stored(app: TestApp) {
    let flow = app.flow().await;
    let (_, number) = app.number(&flow).await;
    let genuine = webhook(&app, &number, "Hello").await;
    let before = app.everything().await;
    type Forge = fn(&mut CarrierRequest);
    let forgeries: [(&str, Forge); 7] = [
        ("no signature", |request| request.form.signature = None),
        ("an empty signature", |request| {
            request.form.signature = Some(String::new())
        }),
        ("a wrong signature", |request| {
            request.form.signature = Some("c2lnbmF0dXJl".into())
        }),
        ("another body", |request| set(request, "Body", "Goodbye")),
        ("one more parameter", |request| {
            request.form.params.push(("Extra".into(), "1".into()))
        }),
        ("an unknown account", |request| {
            set(request, "AccountSid", "AC00000000000000000000000000000009")
        }),
        ("a number that nobody has", |request| {
            set(request, "To", "+13175559999")
        }),
    ];
    for (what, forge) in forgeries {
        let mut request = genuine.clone();
        forge(&mut request);
        let reply = deliver(&app, &request, &[]).await;
        assert!(
            !reply.text.contains("3175550100"),
            "{what}: nothing of the parameters is repeated"
        );
        reply.problem(403, "forbidden");
    }
    assert_eq!(app.everything().await, before);
    deliver(&app, &genuine, &[]).await.expect_taken();
}

fn set(request: &mut CarrierRequest, name: &str, value: &str) {
    request
        .form
        .params
        .iter_mut()
        .filter(|(key, _)| key == name)
        .for_each(|(_, old)| *old = value.into());
}

async fn other_methods_and_types_are_refused(app: TestApp) {
    let before = app.everything().await;
    app.stranger
        .get(PATH)
        .await
        .problem(405, "method_not_allowed");
    app.stranger
        .post(PATH, json!({}))
        .await
        .problem(415, "unsupported_media_type");
    let long = Body::from(format!("Body={}", "a".repeat(70 * 1024)));
    app.stranger
        .call(Method::POST, PATH, &[FORM], long)
        .await
        .problem(413, "body_too_large");
    app.stranger
        .call(Method::POST, PATH, &[FORM], Body::from("%ff%00&&=;"))
        .await
        .problem(403, "forbidden");
    app.stranger
        .call(Method::POST, PATH, &[FORM], Body::empty())
        .await
        .problem(403, "forbidden");
    assert_eq!(app.everything().await, before);
}

async fn callbacks_need_their_token_and_signature(app: TestApp) {
    let fixture = app.fixture().await;
    while app.hum.workers().run_one().await.unwrap() {}
    let due = app.fake.next_due().expect("the carrier reports");
    let callback = app.fake.take_due(due).pop().expect("a callback");
    let path = callback
        .form
        .url
        .strip_prefix("https://hum.test")
        .unwrap()
        .to_owned();
    let signature = callback.form.signature.clone().unwrap();
    let status = async || {
        app.viewer
            .get(&format!("/api/sms/messages/{}", fixture.queued))
            .await
            .expect(200)["status"]
            .clone()
    };
    let before = status().await;
    let call = async |path: &str, signature: &str| {
        app.stranger
            .call(
                Method::POST,
                path,
                &[FORM, ("x-twilio-signature", signature)],
                Body::from(encoded(&callback)),
            )
            .await
    };
    call(
        "/carrier/twilio/status/0123456789abcdef0123456789abcdef",
        &signature,
    )
    .await
    .problem(403, "forbidden");
    call(&path, "c2lnbmF0dXJl").await.problem(403, "forbidden");
    assert_eq!(status().await, before);
    call(&path, &signature).await.expect_taken();
    call(&path, &signature).await.expect_taken();
}
