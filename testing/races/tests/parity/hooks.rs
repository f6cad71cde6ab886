//! Rows b20 and b21: what the application checks before a session is used, and does before it is written.

use cloakroom::{Config, Event, RejectReason};
use cloakroom_races::{Browser, Kind, Op, Stand, races};
use cloakroom_tower::Session;

races! {
    b20_a_session_that_the_application_refuses_is_an_anonymous_one_with_another_id,
    b21_what_the_application_does_before_a_write_is_part_of_the_write,
}

/// A session is good for the browser that it began in.
fn of_one_browser(config: Config) -> Config {
    config.validate(|request, session| {
        let agent = request.header("user-agent").map(|agent| String::from_utf8_lossy(agent).into_owned());
        Ok::<_, cloakroom::Error>(session.get::<String>("agent")? == agent)
    })
}

async fn look_as(browser: &Browser, agent: &str) -> String {
    browser.send(browser.request("/look").header("user-agent", agent)).await.ok().body
}

async fn b20_a_session_that_the_application_refuses_is_an_anonymous_one_with_another_id(kind: Kind) {
    let stand = Stand::with(kind, of_one_browser).await;
    let mut guest = stand.browser();
    guest.run(async |session: Session| Ok(session.insert("agent", "firefox")?)).await.ok();
    assert_eq!(look_as(&guest, "firefox").await, "known");
    assert_eq!(look_as(&guest, "curl").await, "new");
    let refused = |event: &Event| matches!(event, Event::Rejected { reason: RejectReason::Refused, .. });
    assert_eq!(stand.events.count(refused), 1);

    let answer = guest.send(guest.request("/visit").header("user-agent", "curl")).await.ok();
    assert_eq!(answer.body, "1", "a new session");
    let other = answer.new_cookie().unwrap();
    assert_ne!(Some(other.as_str()), guest.cookie());
    assert_eq!(look_as(&guest, "firefox").await, "known", "the refused one is as it was");
    assert_eq!(stand.records().await, 2);
}

async fn b21_what_the_application_does_before_a_write_is_part_of_the_write(kind: Kind) {
    let stand = Stand::with(kind, |config| {
        config.before_save(|request, session| {
            session.insert("path", request.path())?;
            session.increment("writes", 1).map(drop)
        })
    })
    .await;
    let mut guest = stand.browser();
    guest.run(async |session: Session| Ok(session.insert("coat", "red")?)).await.ok();
    assert_eq!(guest.read::<String>("path").await.as_deref(), Some("/"));
    let writes = stand.store.trips(Op::Update);
    assert_eq!(guest.read::<u32>("writes").await, Some(1), "a read is not a write");
    assert_eq!(stand.store.trips(Op::Update), writes);
    let twice = async |session: Session| {
        session.insert("coat", "green")?;
        session.save().await?;
        session.cycle_id();
        Ok(session.get::<u32>("writes")?.unwrap_or_default().to_string())
    };
    assert_eq!(guest.run(twice).await.ok().body, "2");
    assert_eq!(guest.read::<u32>("writes").await, Some(3), "a new id is a write");
    let old = guest.clone();
    guest
        .run(async |session: Session| {
            session.log_out();
            Ok(())
        })
        .await
        .ok();
    assert!(!old.is_known().await);
    assert_eq!(stand.records().await, 1, "what the renewal left under the first id");
}
