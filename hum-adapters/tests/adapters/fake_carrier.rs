//! The fake carrier behaves as Twilio does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hum_adapters::{
    clock::VirtualClock,
    telephony::{
        FakeCarrier, Twilio,
        fake::{CarrierPath, Direction, FakeConfig},
        twilio::TwilioConfig,
    },
};
use hum_core::{
    cipher::Secret,
    clock::{Clock, Timestamp},
    entropy::Entropy,
    number::E164,
    telephony::{
        CarrierCredentials, CarrierForm, CarrierStatus, CarrierWebhooks, ListQuery, OutboundSms,
        RefusedForm, SendError, Texting,
    },
};

#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self
                .0
                .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst)
                .to_be_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

fn carrier(keyword_replies: bool) -> (FakeCarrier, VirtualClock) {
    let clock = VirtualClock::default();
    let config = FakeConfig {
        public_url: "https://hum.example/".into(),
        callback_delay: Duration::from_secs(1),
        keyword_replies,
    };
    (
        FakeCarrier::new(
            Arc::new(clock.clone()),
            Arc::new(Counting::default()),
            config,
        ),
        clock,
    )
}

fn ours() -> E164 {
    "+13175550199".parse().unwrap()
}

fn theirs() -> E164 {
    "+13175550100".parse().unwrap()
}

fn sms(body: &str) -> OutboundSms {
    let status_callback = "https://hum.example/carrier/twilio/status/t0k".into();
    OutboundSms {
        from: ours(),
        to: theirs(),
        body: body.into(),
        media: Vec::new(),
        status_callback,
        validity: Duration::from_secs(60),
    }
}

#[tokio::test]
async fn a_text_from_a_handset_is_a_form_that_twilios_adapter_accepts() {
    let (carrier, clock) = carrier(true);
    let sid = carrier.text(theirs(), ours(), "Hallo & 👋 + ü");
    assert_eq!(carrier.next_due(), Some(clock.now()));
    let due = carrier.take_due(clock.now());
    assert_eq!((due.len(), &due[0].path), (1, &CarrierPath::Inbound));
    assert_eq!(due[0].form.url, "https://hum.example/carrier/twilio/sms");
    assert_eq!(
        (carrier.take_due(clock.now()).len(), carrier.next_due()),
        (0, None)
    );

    let twilio = Twilio::new(TwilioConfig::default()).unwrap();
    let account = carrier.credentials();
    for adapter in [&carrier as &dyn CarrierWebhooks, &twilio] {
        let form = &due[0].form;
        assert_eq!(
            adapter.claimed_account(form),
            Some(account.account_sid.as_str())
        );
        adapter.verify(&account, form).unwrap();
        let inbound = adapter.inbound(form).unwrap();
        assert_eq!(
            (inbound.sid, inbound.body.as_str(), inbound.from, inbound.to),
            (sid.clone(), "Hallo & 👋 + ü", theirs(), ours())
        );
        let other = CarrierCredentials {
            auth_token: Secret::new("other".into()),
            ..account.clone()
        };
        assert_eq!(adapter.verify(&other, form), Err(RefusedForm::BadSignature));
        let elsewhere = CarrierForm {
            url: "https://other.example/carrier/twilio/sms".into(),
            ..form.clone()
        };
        assert_eq!(
            adapter.verify(&account, &elsewhere),
            Err(RefusedForm::BadSignature)
        );
    }
}

#[tokio::test]
async fn an_accepted_text_is_reported_step_by_step() {
    let (carrier, clock) = carrier(true);
    let account = carrier.credentials();
    let accepted = carrier.send(&account, &sms("hi")).await.unwrap();
    assert_eq!(accepted.status, CarrierStatus::Queued);
    let mut reported = Vec::new();
    while let Some(at) = carrier.next_due() {
        assert!(carrier.take_due(at - Duration::from_micros(1)).is_empty());
        clock.advance_to(clock.elapsed() + Duration::from_secs(1));
        let now = clock.now();
        assert_eq!(now, at);
        for request in carrier.take_due(now) {
            assert_eq!(
                request.path,
                CarrierPath::Status("https://hum.example/carrier/twilio/status/t0k".into())
            );
            carrier.verify(&account, &request.form).unwrap();
            let news = carrier.status(&request.form).unwrap();
            assert_eq!(news.sid, accepted.sid);
            assert_eq!(
                carrier
                    .fetch(&account, &news.sid)
                    .await
                    .unwrap()
                    .unwrap()
                    .status,
                news.status
            );
            reported.push(news.status);
        }
    }
    assert_eq!(
        reported,
        [
            CarrierStatus::Queued,
            CarrierStatus::Sent,
            CarrierStatus::Delivered
        ]
    );
    let handset = carrier.handset(&theirs());
    assert_eq!(
        (
            handset.len(),
            handset[0].body.as_str(),
            handset[0].direction
        ),
        (1, "hi", Direction::Received)
    );
    assert!(carrier.handset(&ours()).is_empty());
}

#[tokio::test]
async fn stop_blocks_until_start() {
    let (carrier, clock) = carrier(true);
    let account = carrier.credentials();
    carrier.text(theirs(), ours(), " Stop ");
    let blocked = carrier.send(&account, &sms("hi")).await;
    assert!(
        matches!(
            blocked,
            Err(SendError::OptedOut {
                code: Some(21610),
                ..
            })
        ),
        "{blocked:?}"
    );
    let other_number = OutboundSms {
        from: "+13175550198".parse().unwrap(),
        ..sms("hi")
    };
    assert!(carrier.send(&account, &other_number).await.is_ok());
    let texts: Vec<_> = carrier
        .handset(&theirs())
        .into_iter()
        .map(|text| (text.direction, text.automatic))
        .collect();
    assert_eq!(
        texts,
        [
            (Direction::Written, false),
            (Direction::Received, true),
            (Direction::Received, false)
        ]
    );
    carrier.text(theirs(), ours(), "YES");
    assert!(carrier.send(&account, &sms("hi")).await.is_ok());
    // Keywords are delivered to hum as well.
    assert_eq!(carrier.take_due(clock.now()).len(), 2);
}

#[tokio::test]
async fn keywords_may_be_left_to_hum() {
    let (carrier, _) = carrier(false);
    carrier.text(theirs(), ours(), "STOP");
    assert!(
        carrier
            .send(&carrier.credentials(), &sms("You are unsubscribed."))
            .await
            .is_ok()
    );
    assert_eq!(
        carrier
            .handset(&theirs())
            .iter()
            .filter(|text| text.automatic)
            .count(),
        0
    );
}

#[tokio::test]
async fn lists_by_both_numbers_and_window() {
    let (carrier, clock) = carrier(true);
    let account = carrier.credentials();
    let first = carrier.send(&account, &sms("one")).await.unwrap().sid;
    let window_end = clock.now();
    clock.advance_to(Duration::from_secs(60));
    let second = carrier.send(&account, &sms("two")).await.unwrap().sid;
    carrier.text(theirs(), ours(), "the other direction");
    let query = |until| ListQuery {
        from: ours(),
        to: theirs(),
        since: Timestamp::from_micros(0),
        until,
    };
    let sids = async |query| {
        carrier
            .list(&account, &query)
            .await
            .unwrap()
            .into_iter()
            .map(|text| text.sid)
            .collect::<Vec<_>>()
    };
    assert_eq!(sids(query(window_end)).await, std::slice::from_ref(&first));
    assert_eq!(sids(query(clock.now())).await, [second, first]);
    assert_eq!(carrier.fetch(&account, "SMnone").await, Ok(None));
}

#[tokio::test]
async fn media_are_shown_on_the_handset_and_are_no_part_of_the_text() {
    let (carrier, _) = carrier(true);
    let account = carrier.credentials();
    let media = vec!["https://a.example/1.png".into()];
    let sid = carrier
        .send(&account, &OutboundSms { media, ..sms("hi") })
        .await
        .unwrap()
        .sid;
    assert_eq!(
        carrier.fetch(&account, &sid).await.unwrap().unwrap().body,
        "hi"
    );
    assert_eq!(
        carrier.handset(&theirs())[0].body,
        "hi\nhttps://a.example/1.png"
    );
}

#[tokio::test]
async fn refuses_what_twilio_refuses() {
    let (carrier, _) = carrier(true);
    let account = carrier.credentials();
    let stranger = CarrierCredentials {
        account_sid: "ACother".into(),
        ..account.clone()
    };
    assert!(matches!(
        carrier.send(&stranger, &sms("hi")).await,
        Err(SendError::Rejected {
            code: Some(20003),
            ..
        })
    ));
    assert!(carrier.fetch(&stranger, "SM1").await.is_err());
    for (text, code) in [
        (sms(""), 21619),
        (sms(&"x".repeat(1601)), 21617),
        (
            OutboundSms {
                to: ours(),
                ..sms("hi")
            },
            21266,
        ),
        (
            OutboundSms {
                media: vec!["https://a.example".into(); 11],
                ..sms("hi")
            },
            21623,
        ),
    ] {
        let refused = carrier.send(&account, &text).await;
        assert!(
            matches!(refused, Err(SendError::Rejected { code: Some(found), .. }) if found == code),
            "{refused:?}"
        );
    }
    assert!(
        carrier
            .send(&account, &sms(&"é".repeat(1600)))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn the_same_seed_is_the_same_carrier() {
    let ids = || {
        let (carrier, _) = carrier(true);
        (carrier.credentials(), carrier.text(theirs(), ours(), "x"))
    };
    assert_eq!(ids(), ids());
    let (account, sid) = ids();
    assert_eq!((account.account_sid.len(), sid.len()), (34, 34));
    let (known, _) = carrier(true);
    let known = known.with_account(account.clone());
    assert_eq!(known.credentials(), account);
}
