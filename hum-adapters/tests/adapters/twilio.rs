//! The Twilio adapter against good and bad servers. Above all: one send is one request.

use std::time::Duration;

use hum_adapters::{
    clock::SystemClock,
    telephony::{Twilio, twilio::TwilioConfig},
};
use hum_core::{
    cipher::Secret,
    clock::{Clock as _, Timestamp},
    telephony::{CarrierCredentials, CarrierStatus, ListQuery, OutboundSms, SendError, Texting},
};
use serde_json::{Value, json};

use super::server::{Do, Rude, Server, json as answer};

pub const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const SID: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

pub fn twilio(url: String) -> Twilio {
    Twilio::new(TwilioConfig {
        api_url: url,
        timeout: Duration::from_millis(900),
    })
    .unwrap()
}

pub fn account() -> CarrierCredentials {
    CarrierCredentials {
        account_sid: ACCOUNT.into(),
        auth_token: Secret::new("secret".into()),
        secondary_auth_token: None,
    }
}

pub fn sms() -> OutboundSms {
    OutboundSms {
        from: "+13175550199".parse().unwrap(),
        to: "+13175550100".parse().unwrap(),
        body: "Grüße & 1+1=2 👋".into(),
        media: vec![
            "https://a.example/1.jpg".into(),
            "https://a.example/2.jpg".into(),
        ],
        status_callback: "https://hum.example/carrier/twilio/status/t0k".into(),
        validity: Duration::from_secs(600),
    }
}

fn message(sid: &str, created: &str) -> Value {
    json!({
        "sid": sid, "from": "+13175550199", "to": "+13175550100", "body": "hi", "status": "delivered", "error_code": null,
        "date_created": created, "date_sent": null, "num_segments": "1",
    })
}

#[tokio::test]
async fn sends_one_form_with_basic_auth() {
    let server = Server::start(|_| {
        answer(
            201,
            json!({ "sid": SID, "status": "queued", "num_segments": "2" }),
        )
    })
    .await;
    let accepted = twilio(server.url()).send(&account(), &sms()).await.unwrap();
    assert_eq!(
        (accepted.sid.as_str(), accepted.status, accepted.segments),
        (SID, CarrierStatus::Queued, Some(2))
    );
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].uri.path()),
        (
            "POST",
            format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json").as_str()
        )
    );
    assert_eq!(
        seen[0].headers["authorization"],
        "Basic QUNhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYTpzZWNyZXQ="
    );
    assert_eq!(
        seen[0].headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    let expected = [
        ("To", "+13175550100"),
        ("From", "+13175550199"),
        ("Body", "Grüße & 1+1=2 👋"),
        ("MediaUrl", "https://a.example/1.jpg"),
        ("MediaUrl", "https://a.example/2.jpg"),
        (
            "StatusCallback",
            "https://hum.example/carrier/twilio/status/t0k",
        ),
        ("ValidityPeriod", "600"),
    ];
    assert_eq!(
        seen[0].form(),
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[tokio::test]
async fn what_an_answer_says_about_the_text() {
    let rejected = |code, detail: &str| SendError::Rejected {
        code,
        detail: detail.into(),
    };
    let cases: Vec<(u16, &str, SendError)> = vec![
        (
            400,
            r#"{"code":21211,"message":"Invalid 'To' Phone Number: +13175550100","status":400}"#,
            rejected(Some(21211), "Invalid 'To' Phone Number: +…"),
        ),
        (
            400,
            r#"{"code":"21610","message":"unsubscribed"}"#,
            SendError::OptedOut {
                code: Some(21610),
                detail: "unsubscribed".into(),
            },
        ),
        (
            401,
            r#"{"code":20003,"message":"Authenticate"}"#,
            rejected(Some(20003), "Authenticate"),
        ),
        (403, "<html>", rejected(None, "HTTP 403")),
        (404, "", rejected(None, "HTTP 404")),
        (408, "", SendError::Unknown("HTTP 408".into())),
        (
            429,
            r#"{"code":20429}"#,
            SendError::Busy { retry_after: None },
        ),
        (
            500,
            r#"{"code":20500,"message":"Internal"}"#,
            SendError::Unknown("HTTP 500".into()),
        ),
        (502, "", SendError::Unknown("HTTP 502".into())),
        (
            503,
            r#"{"code":20503}"#,
            SendError::Unknown("HTTP 503".into()),
        ),
        (
            200,
            "",
            SendError::Unknown("HTTP 200 without a message".into()),
        ),
        (
            201,
            "{}",
            SendError::Unknown("HTTP 201 without a message".into()),
        ),
        (
            201,
            "<html>",
            SendError::Unknown("HTTP 201 without a message".into()),
        ),
        (
            204,
            "",
            SendError::Unknown("HTTP 204 without a message".into()),
        ),
    ];
    for (status, body, expected) in cases {
        let server =
            Server::start(move |_| (axum::http::StatusCode::from_u16(status).unwrap(), body)).await;
        assert_eq!(
            twilio(server.url()).send(&account(), &sms()).await,
            Err(expected),
            "{status} {body}"
        );
        assert_eq!(server.seen().len(), 1, "{status} {body}");
    }
    let server = Server::start(|_| {
        (
            [("retry-after", "7")],
            axum::http::StatusCode::TOO_MANY_REQUESTS,
        )
    })
    .await;
    let busy = SendError::Busy {
        retry_after: Some(Duration::from_secs(7)),
    };
    assert_eq!(
        twilio(server.url()).send(&account(), &sms()).await,
        Err(busy)
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::start(|_| "").await;
    for status in [301, 302, 303, 307, 308] {
        let target = elsewhere.url();
        let server = Server::start(move |_| {
            (
                axum::http::StatusCode::from_u16(status).unwrap(),
                [("location", target.clone())],
            )
        })
        .await;
        let sent = twilio(server.url()).send(&account(), &sms()).await;
        assert_eq!(sent, Err(SendError::Unknown(format!("HTTP {status}"))));
        assert_eq!(server.seen().len(), 1);
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    for url in [
        format!("http://{closed}"),
        format!("https://{closed}"),
        "http://no-such-host.invalid".into(),
    ] {
        let sent = twilio(url.clone()).send(&account(), &sms()).await;
        assert!(
            matches!(sent, Err(SendError::NotSent(_))),
            "{url}: {sent:?}"
        );
    }
}

/// The carrier, or something before it, accepts connections and closes them at once.
#[tokio::test]
async fn a_failed_handshake_sends_nothing_and_a_closed_connection_is_doubt() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let over_tls = twilio(format!("https://{address}"))
        .send(&account(), &sms())
        .await;
    assert!(
        matches!(over_tls, Err(SendError::NotSent(_))),
        "{over_tls:?}"
    );
    let plain = twilio(format!("http://{address}"))
        .send(&account(), &sms())
        .await;
    assert!(matches!(plain, Err(SendError::Unknown(_))), "{plain:?}");
}

#[tokio::test]
async fn after_the_request_was_read_every_failure_is_doubt() {
    let whole = format!("HTTP/1.1 201 Created\r\ncontent-length: 60\r\n\r\n{{\"sid\":\"{SID}\"");
    let scripts = [
        vec![Do::Reset],
        vec![Do::Close],
        vec![Do::Hang],
        vec![Do::Write(b"HTTP/1.1 201 Created\r\n".to_vec()), Do::Reset],
        vec![Do::Write(b"HTTP/1.1 201 Created\r\n".to_vec()), Do::Hang],
        vec![Do::Write(whole.clone().into_bytes()), Do::Reset],
        vec![Do::Write(whole.clone().into_bytes()), Do::Close],
        vec![Do::Write(whole.into_bytes()), Do::Hang],
        vec![Do::Write(b"SMTP ready\r\n".to_vec()), Do::Close],
        vec![
            Do::Write(b"HTTP/1.1 201 Created\r\nx: ".to_vec()),
            Do::Repeat(vec![b'x'; 4096]),
        ],
        vec![
            Do::Write(b"HTTP/1.1 201 Created\r\n\r\n".to_vec()),
            Do::Repeat(vec![b' '; 65536]),
        ],
    ];
    for script in scripts {
        let name = format!("{script:.60?}");
        let server = Rude::start(vec![script]).await;
        let clock = SystemClock::new();
        let sent = twilio(server.url()).send(&account(), &sms()).await;
        assert!(
            matches!(sent, Err(SendError::Unknown(_))),
            "{name}: {sent:?}"
        );
        assert!(clock.monotonic() < Duration::from_secs(5), "{name}");
        // A second request would come at once.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!((server.requests(), server.connections()), (1, 1), "{name}");
    }
}

/// hyper may take a request back from a connection that turns out to be closed. It must do so only
/// before the first byte.
#[tokio::test]
async fn a_connection_from_the_pool_never_sends_twice() {
    let accepted = format!("{{\"sid\":\"{SID}\",\"status\":\"queued\"}}");
    let good = format!(
        "HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{accepted}",
        accepted.len()
    )
    .into_bytes();
    for end in [Do::Reset, Do::Close] {
        let server = Rude::start(vec![vec![Do::Write(good.clone())], vec![end.clone()]]).await;
        let twilio = twilio(server.url());
        assert!(twilio.send(&account(), &sms()).await.is_ok());
        let second = twilio.send(&account(), &sms()).await;
        assert!(
            matches!(second, Err(SendError::Unknown(_))),
            "{end:?}: {second:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(server.connections(), 1, "the connection was used again");
        assert_eq!(server.requests(), 2, "two sends, two requests");
    }
}

/// The server closes right after its answer: a race between the next request and the end of the
/// connection.
#[tokio::test]
async fn racing_with_the_end_of_a_connection_never_sends_twice() {
    let accepted = format!("{{\"sid\":\"{SID}\",\"status\":\"queued\"}}");
    let good = format!(
        "HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{accepted}",
        accepted.len()
    )
    .into_bytes();
    for end in [Do::Close, Do::Reset] {
        let server = Rude::start(vec![vec![Do::Write(good.clone()), end]]).await;
        let twilio = twilio(server.url());
        let mut sends = 0;
        for _ in 0..300 {
            // Whatever each one answers: never more requests than sends.
            let _ = twilio.send(&account(), &sms()).await;
            sends += 1;
            assert!(server.requests() <= sends);
        }
    }
}

#[tokio::test]
async fn fetches_one_text() {
    let server =
        Server::start(
            |seen| match seen.uri.path().ends_with(&format!("/Messages/{SID}.json")) {
                true => answer(200, message(SID, "Fri, 24 May 2019 17:18:27 +0000")),
                false => answer(404, json!({ "code": 20404 })),
            },
        )
        .await;
    let twilio = twilio(server.url());
    let found = twilio.fetch(&account(), SID).await.unwrap().unwrap();
    assert_eq!(
        (found.status, found.created_at.to_string().as_str()),
        (CarrierStatus::Delivered, "2019-05-24T17:18:27.000Z")
    );
    assert_eq!(twilio.fetch(&account(), "SMb").await, Ok(None));
    let before = server.seen().len();
    assert_eq!(twilio.fetch(&account(), "../../Accounts").await, Ok(None));
    assert_eq!(server.seen().len(), before, "nothing was asked");
}

fn query(since: &str, until: &str) -> ListQuery {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    ListQuery {
        from: sms().from,
        to: sms().to,
        since: at(since),
        until: at(until),
    }
}

#[tokio::test]
async fn lists_every_page_within_the_window() {
    let server = Server::start(|seen| {
        let page = seen.query().iter().find(|(name, _)| name == "Page").map_or(0, |(_, page)| page.parse::<usize>().unwrap());
        let created = [
            "Fri, 24 May 2019 18:00:01 +0000",
            "Fri, 24 May 2019 18:00:00 +0000",
            "Fri, 24 May 2019 17:00:00 +0000",
            "Fri, 24 May 2019 16:59:59 +0000",
        ];
        let next = (page < 3).then(|| format!("{}?Page={}&PageToken=x", seen.uri.path(), page + 1));
        answer(200, json!({ "messages": [message(&format!("SM{page}"), created[page])], "next_page_uri": next }))
    })
    .await;
    let found = twilio(server.url())
        .list(
            &account(),
            &query("2019-05-24T17:00:00.900Z", "2019-05-24T18:00:00.100Z"),
        )
        .await
        .unwrap();
    assert_eq!(
        found
            .iter()
            .map(|message| message.sid.as_str())
            .collect::<Vec<_>>(),
        ["SM1", "SM2"]
    );
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    let first = seen[0].query();
    assert_eq!(
        first[..2],
        [
            ("To".into(), "+13175550100".into()),
            ("From".into(), "+13175550199".into())
        ]
    );
    assert!(
        seen.iter()
            .all(|seen| seen.headers.contains_key("authorization"))
    );
}

#[tokio::test]
async fn half_a_list_is_an_error() {
    let window = query("2019-05-24T17:00:00Z", "2019-05-24T18:00:00Z");
    let elsewhere = Server::start(|_| answer(200, json!({ "messages": [] }))).await;
    let elsewhere_url = elsewhere.url();
    let endless = |seen: &super::server::Seen| {
        answer(
            200,
            json!({ "messages": [], "next_page_uri": seen.uri.to_string() }),
        )
    };
    for server in [
        Server::start(endless).await,
        Server::start(move |_| {
            answer(
                200,
                json!({ "messages": [], "next_page_uri": format!("{elsewhere_url}/x") }),
            )
        })
        .await,
        Server::start(|_| answer(200, json!({ "messages": [{ "sid": SID }] }))).await,
        Server::start(|_| answer(200, json!({}))).await,
        Server::start(|_| answer(500, json!({}))).await,
        Server::start(|_| answer(404, json!({}))).await,
    ] {
        assert!(
            twilio(server.url())
                .list(&account(), &window)
                .await
                .is_err()
        );
        assert!(server.seen().len() <= 50);
    }
    assert!(
        elsewhere.seen().is_empty(),
        "credentials stay with the origin they are for"
    );
}

#[tokio::test]
async fn refuses_a_malformed_account_and_api_url() {
    let server = Server::start(|_| "").await;
    let account = CarrierCredentials {
        account_sid: "AC1/../AC2".into(),
        ..account()
    };
    assert!(matches!(
        twilio(server.url()).send(&account, &sms()).await,
        Err(SendError::Rejected { code: None, .. })
    ));
    assert!(server.seen().is_empty());
    for url in [
        "",
        "api.twilio.com",
        "ftp://a.example",
        "https://a.example/path",
        "https://a.example?x",
    ] {
        assert!(
            Twilio::new(TwilioConfig {
                api_url: url.into(),
                ..TwilioConfig::default()
            })
            .is_err(),
            "{url}"
        );
    }
}
