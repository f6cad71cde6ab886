//! Row a16: values for the next request.

use cloakroom_races::{Browser, Kind, Stand, races};
use cloakroom_tower::Session;

races! {
    a16_a_flash_value_lasts_for_the_next_request_that_looks,
    a16_all_flash_values_or_some_are_kept_for_one_more,
    a16_a_flash_value_for_this_request_only_is_never_stored,
}

/// The keys that are there, in a request that does nothing else.
async fn keys(browser: &Browser) -> String {
    browser.start(listed).answer().await.ok().body
}

async fn listed(session: Session) -> Result<String, cloakroom_tower::SessionError> {
    let entries = session.entries::<String>()?;
    Ok(entries.into_iter().map(|(key, _)| key).collect::<Vec<_>>().join(" "))
}

/// A browser whose last request has set two flash values beside an ordinary one.
async fn flashed(stand: &Stand) -> Browser {
    let guest = stand.guest().await;
    let script = async |session: Session| {
        session.flash("saved", "yes")?;
        session.flash("hint", "look here")?;
        listed(session).await
    };
    assert_eq!(guest.start(script).answer().await.ok().body, "coat saved hint");
    guest
}

async fn a16_a_flash_value_lasts_for_the_next_request_that_looks(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = flashed(&stand).await;
    guest.get("/still").await.ok();
    guest.start_lazily(async |_| Ok("an image")).answer().await.ok();
    assert_eq!(keys(&guest).await, "coat saved hint");
    assert_eq!(keys(&guest).await, "coat", "read or not");
}

async fn a16_all_flash_values_or_some_are_kept_for_one_more(kind: Kind) {
    let stand = Stand::new(kind).await;
    let all: fn(&Session) = |session| session.reflash();
    let some: fn(&Session) = |session| session.keep_flash(["hint"]);
    for (keep, expected) in [(all, "coat saved hint"), (some, "coat hint")] {
        let guest = flashed(&stand).await;
        let script = async move |session: Session| {
            keep(&session);
            listed(session).await
        };
        assert_eq!(guest.start(script).answer().await.ok().body, "coat saved hint");
        assert_eq!(keys(&guest).await, expected);
        assert_eq!(keys(&guest).await, "coat");
    }
}

async fn a16_a_flash_value_for_this_request_only_is_never_stored(kind: Kind) {
    let stand = Stand::new(kind).await;
    let guest = stand.guest().await;
    let before = stand.store.records().await;
    let script = async |session: Session| {
        session.flash_now("warning", "now")?;
        listed(session).await
    };
    assert_eq!(guest.start(script).answer().await.ok().body, "coat warning");
    assert_eq!(stand.store.records().await, before);
    assert_eq!(keys(&guest).await, "coat");
}
