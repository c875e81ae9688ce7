//! Sentences about what a text that comes in finds, before anybody knows whose it is.

use std::time::Duration;

use hum_core::organization::KeywordReplies;

use super::{
    StoreWorld, commit,
    sample::{ACCOUNT, Sample, contact, e164},
};

/// One read has whatever deciding about a text needs.
pub async fn an_inbound_text_finds_everything_at_once(world: &dyn StoreWorld) {
    let (s, _, number, mut conversation) = Sample::stored(world, "+13175550100").await;
    let store = world.store();
    let load = async |account: &str, to: &str, from: &str, sid: &str| {
        store
            .system()
            .load_inbound(account, &e164(to), &e164(from), sid)
            .await
            .unwrap()
    };
    assert!(
        load("AC-else", "+13175550100", "+13175550199", "SM1")
            .await
            .is_none()
    );
    assert!(
        load(ACCOUNT, "+13175550109", "+13175550199", "SM1")
            .await
            .is_none()
    );
    let bare = load(ACCOUNT, "+13175550100", "+13175550111", "SM1")
        .await
        .unwrap();
    assert_eq!(
        (bare.number, bare.keyword_replies),
        (number.clone(), KeywordReplies::Hum)
    );
    assert_eq!(
        (bare.account, bare.conversation, bare.consent, bare.seen),
        (None, None, None, false)
    );
    assert_eq!(bare.debounce, Some(Duration::from_millis(2_500)));

    let mut account = s.carrier_account();
    let mut consent = s.consent(contact());
    let message = s.inbound(&mut conversation, "SM1");
    let mut batch = s.batch();
    batch.insert(&account);
    batch.insert(&consent);
    batch.insert(&message);
    batch.put(&conversation);
    commit(world, batch).await;
    (account.version, consent.version, conversation.version) = (1, 1, 2);
    let full = load(ACCOUNT, "+13175550100", contact().as_str(), "SM1")
        .await
        .unwrap();
    assert_eq!(
        (
            full.number,
            full.account,
            full.conversation,
            full.consent,
            full.seen
        ),
        (
            number,
            Some(account),
            Some(conversation),
            Some(consent),
            true
        )
    );
    assert!(
        !load(ACCOUNT, "+13175550100", contact().as_str(), "SM2")
            .await
            .unwrap()
            .seen
    );
}

/// Without an agent that exists and may text, nobody waits for more texts.
pub async fn a_number_without_a_living_agent_has_no_debounce(world: &dyn StoreWorld) {
    let (s, mut flow, mut number, _) = Sample::stored(world, "+13175550100").await;
    let store = world.store();
    let debounce = async || {
        let state = store
            .system()
            .load_inbound(ACCOUNT, &e164("+13175550100"), &contact(), "SM1")
            .await
            .unwrap();
        state.unwrap().debounce
    };
    assert_eq!(debounce().await, Some(Duration::from_millis(2_500)));
    number.sms_enabled = false;
    let mut batch = s.batch();
    batch.put(&number);
    commit(world, batch).await;
    assert_eq!(debounce().await, None);
    (number.sms_enabled, number.version) = (true, 2);
    let mut definition = flow.definition().clone();
    definition.sms.debounce_ms = 0;
    flow = flow.next(definition, world.now());
    let mut batch = s.batch();
    batch.put(&number);
    batch.put(&flow);
    commit(world, batch).await;
    assert_eq!(debounce().await, Some(Duration::ZERO));
    flow = flow.delete(world.now());
    flow.version = 2;
    let mut batch = s.batch();
    batch.put(&flow);
    commit(world, batch).await;
    assert_eq!(debounce().await, None);
    (number.sms_flow_id, number.version) = (None, 3);
    let mut batch = s.batch();
    batch.put(&number);
    commit(world, batch).await;
    assert_eq!(debounce().await, None);
}
