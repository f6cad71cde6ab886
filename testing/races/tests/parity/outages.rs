//! Rows b16, b18 and c2: when the store is asked, and a store that goes away and comes back.

use std::time::Duration;

use cloakroom::store::ErrorKind;
use cloakroom::{Event, OutageFallback, StoreOutage};
use cloakroom_races::{Kind, Op, Stand, When, races};
use cloakroom_tower::{LazySession, Session};

races! {
    b16_a_session_is_loaded_when_a_handler_asks_for_it_and_not_before,
    b18_a_request_waits_for_the_store_to_come_back,
    c2_an_outage_of_the_store_is_an_event_when_it_begins_and_one_when_it_ends,
}

async fn c2_an_outage_of_the_store_is_an_event_when_it_begins_and_one_when_it_ends(kind: Kind) {
    let outage = StoreOutage::default().retry_for(Duration::ZERO).fallback(OutageFallback::FailClosed);
    let stand = Stand::with(kind, |config| config.outage(outage)).await;
    let mut guest = stand.guest().await;
    let seen = || {
        [Event::StoreUnavailable, Event::StoreRecovered].map(|it| stand.events.count(|event| *event == it))
    };
    assert_eq!(seen(), [0, 0]);
    for _ in 0..3 {
        stand.store.fail(Op::Load, When::Before);
        let answer = guest.start(async |session: Session| Ok(session.insert("a", 1)?)).answer().await;
        assert_eq!((answer.status.as_u16(), seen()), (503, [1, 0]));
    }
    assert!(guest.is_known().await);
    assert_eq!(seen(), [1, 1]);
    stand.store.fail(Op::Update, When::Before);
    let answer = guest.start(async |session: Session| Ok(session.insert("a", 1)?)).answer().await;
    assert_eq!((answer.status.as_u16(), seen()), (503, [2, 1]));
    guest.run(async |session: Session| Ok(session.insert("a", 1)?)).await.ok();
    assert_eq!(seen(), [2, 2]);
    stand.store.fail_with(Op::Load, When::Before, ErrorKind::Corrupt);
    guest.start(async |session: Session| Ok(session.insert("a", 1)?)).answer().await;
    assert_eq!(seen(), [2, 2], "a store that answers with an error is there");
}

async fn b16_a_session_is_loaded_when_a_handler_asks_for_it_and_not_before(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let before = stand.store.trips(Op::Load);
    guest.start_lazily(async |_| Ok("never looked")).answer().await.ok();
    assert_eq!(stand.store.trips(Op::Load), before);
    let looks = async |lazy: LazySession| Ok(lazy.load().await?.get_or("coat", String::new())?);
    assert_eq!(guest.start_lazily(looks).answer().await.ok().body, "red");
    assert_eq!(stand.store.trips(Op::Load), before + 1);
}

async fn b18_a_request_waits_for_the_store_to_come_back(kind: Kind) {
    let outage =
        StoreOutage::default().retry_for(Duration::from_secs(5)).fallback(OutageFallback::FailClosed);
    let stand = Stand::with(kind, |config| config.outage(outage)).await;
    let mut guest = stand.guest().await;
    stand.store.fail(Op::Load, When::Before);
    stand.store.fail(Op::Update, When::Before);
    guest.run(async |session: Session| Ok(session.insert("coat", "green")?)).await.ok();
    assert_eq!(guest.read::<String>("coat").await.as_deref(), Some("green"));
}
