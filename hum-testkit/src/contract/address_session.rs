//! Sentences about address sessions.

use std::time::Duration;

use hum_core::{
    address_session::{Found, Geocoded, Internet},
    id::AddressSessionId,
    page::{Cursor, Page},
    record::Value,
    store::{Conflict, StoreError},
};

use super::{
    StoreWorld, commit, refused,
    sample::{Sample, with},
};

/// Every part of a session comes back, in each of the states of what was found.
pub async fn an_address_session_comes_back_whole(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let mut session = s.address_session();
    let mut batch = s.batch();
    batch.insert(&session);
    commit(world, batch).await;
    session.version = 1;
    let reads = world.store().org(s.org);
    assert_eq!(
        reads.address_session(session.id).await.unwrap().as_ref(),
        Some(&session)
    );
    assert_eq!(
        reads
            .find_address_session(&session.token_hash)
            .await
            .unwrap()
            .as_ref(),
        Some(&session)
    );

    let Geocoded::Matched(place) = session.found().geocoding.clone() else {
        panic!("the sample is matched")
    };
    let states = [
        Found::default(),
        Found {
            geocoding: Geocoded::Matched(place.clone()),
            ..Found::default()
        },
        Found {
            geocoding: Geocoded::Multiple(vec![*place.clone(), *place.clone()]),
            internet: Internet::Failed { data_set: None },
            problems: vec!["ambiguous".into()],
        },
        Found {
            geocoding: Geocoded::Matched(place),
            internet: Internet::Failed {
                data_set: Some("sample-1".into()),
            },
            problems: Vec::new(),
        },
        Found::cleared(),
    ];
    for found in states {
        let updated_at = session.updated_at() + Duration::from_micros(1);
        let expires_at = session.expires_at() + Duration::from_secs(1);
        session = session
            .learn(&found, updated_at)
            .expect("something else is found")
            .use_until(expires_at);
        session = with(&session, [("closed_at", updated_at.as_micros().into())]);
        let mut batch = s.batch();
        batch.put(&session);
        commit(world, batch).await;
        session.version += 1;
        assert_eq!(
            reads.address_session(session.id).await.unwrap().as_ref(),
            Some(&session)
        );
    }
    session.version -= 1;
    let mut batch = s.batch();
    batch.put(&session);
    assert_eq!(refused(world, batch).await, Conflict::Changed);
}

/// A session with nothing in it but what must be comes back too.
pub async fn a_bare_address_session_comes_back(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let mut session = s.address_session();
    session.request.street2 = None;
    session.request.city = None;
    session.request.state = None;
    session.request.latitude = None;
    session.request.longitude = None;
    session.request.campaign_id = None;
    session = with(
        &session
            .learn(&Found::default(), world.now())
            .expect("nothing is found"),
        [("closed_at", Value::Null)],
    );
    let mut batch = s.batch();
    batch.insert(&session);
    commit(world, batch).await;
    session.version = 1;
    assert_eq!(
        world
            .store()
            .org(s.org)
            .address_session(session.id)
            .await
            .unwrap(),
        Some(session)
    );
}

/// A token is taken once in an organization, and whoever comes second leaves no trace.
pub async fn a_taken_session_token_leaves_nothing(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let session = s.address_session();
    let mut batch = s.batch();
    batch.insert(&session);
    commit(world, batch).await;
    let mut same_token = s.address_session();
    same_token.token_hash = session.token_hash;
    for record in [&same_token, &session] {
        let mut batch = s.batch();
        batch.insert(&s.webhook());
        batch.insert(record);
        assert_eq!(refused(world, batch).await, Conflict::Exists);
    }
    let reads = world.store().org(s.org);
    assert_eq!(reads.count_webhooks().await.unwrap(), 0);
    assert_eq!(reads.address_session(same_token.id).await.unwrap(), None);
}

/// Neither its token nor its id finds a session in another organization, and no list has it.
pub async fn an_address_session_is_found_in_its_organization_only(world: &dyn StoreWorld) {
    let (s, other) = (Sample::new(world), Sample::new(world));
    let session = s.address_session();
    let mut batch = s.batch();
    batch.insert(&session);
    commit(world, batch).await;
    let mut batch = other.batch();
    batch.insert(&other.address_session());
    commit(world, batch).await;
    let reads = world.store().org(other.org);
    assert_eq!(
        reads
            .find_address_session(&session.token_hash)
            .await
            .unwrap(),
        None
    );
    assert_eq!(reads.address_session(session.id).await.unwrap(), None);
    let listed = reads
        .list_address_sessions(None, &Page::first(50))
        .await
        .unwrap()
        .items;
    assert!(listed.iter().all(|one| one.org == other.org) && listed.len() == 1);
    let campaign = session.request.campaign_id.as_deref();
    let listed = reads
        .list_address_sessions(campaign, &Page::first(50))
        .await
        .unwrap()
        .items;
    assert!(listed.iter().all(|one| one.id != session.id));
}

/// Pages of all sessions, and of a campaign's, meet each once, the newest first.
pub async fn address_sessions_are_listed_newest_first(world: &dyn StoreWorld) {
    let s = Sample::new(world);
    let mut all = Vec::new();
    let mut batch = s.batch();
    for nth in 0_u64..11 {
        let mut session = s.address_session();
        // Ids bear the time: two of the same millisecond each, so that chance decides between them.
        session.id = AddressSessionId::new(
            world.now() + Duration::from_millis(nth / 2),
            world.entropy(),
        );
        session.request.campaign_id = (nth % 3 > 0).then(|| format!("campaign {}", nth % 3));
        all.push((session.id, session.request.campaign_id.clone()));
        batch.insert(&session);
    }
    commit(world, batch).await;
    all.sort();
    all.reverse();
    let reads = world.store().org(s.org);
    for campaign in [
        None,
        Some("campaign 1"),
        Some("campaign 2"),
        Some("campaign"),
        Some(""),
    ] {
        let wanted = |one: &&(AddressSessionId, Option<String>)| {
            campaign.is_none() || one.1.as_deref() == campaign
        };
        let expected: Vec<_> = all.iter().filter(wanted).map(|(id, _)| *id).collect();
        let (mut listed, mut page) = (Vec::new(), Page::first(3));
        loop {
            let next = reads.list_address_sessions(campaign, &page).await.unwrap();
            assert!(next.items.len() <= 3);
            listed.extend(next.items.iter().map(|session| session.id));
            let Some(cursor) = next.next else { break };
            page = Page {
                limit: 3,
                after: Some(cursor),
            };
        }
        assert_eq!(listed, expected, "{campaign:?}");
    }
    for text in ["", "x", "\0", "ses_0", "1.", "'; --"] {
        let page = Page {
            limit: 3,
            after: Some(Cursor(text.into())),
        };
        assert!(
            matches!(
                reads.list_address_sessions(None, &page).await,
                Err(StoreError::BadCursor)
            ),
            "{text:?}"
        );
    }
}
