//! S17: the store hangs: it takes what it is asked, and does not answer.

use std::time::{Duration, Instant};

use cloakroom::{OutageFallback, StoreOutage};
use cloakroom_races::{Answer, Browser, Exchange, Gate, Kind, Op, Stand, When, races, until};
use cloakroom_tower::{Config, Event, Session};

races! {
    s17_a_load_from_a_store_that_hangs_costs_its_deadline,
    s17_a_commit_to_a_store_that_hangs_costs_its_deadline_and_is_not_acknowledged,
    s17_a_request_pays_its_deadline_once,
    s17_a_log_out_from_a_store_that_hangs_is_an_error,
    s17_while_a_store_is_known_to_be_down_requests_fail_at_once_and_one_asks,
    s17_while_a_store_is_known_to_be_down_readers_are_anonymous_at_once_where_that_is_wished,
    s17_a_store_that_answers_again_is_used_again_and_writes_count_once,
}

const DEADLINE: Duration = Duration::from_secs(1);

/// What a request of that deadline takes at most on a machine that is busy with other tests.
const AT_MOST: Duration = Duration::from_secs(3);

/// What a request takes that asks no store.
const AT_ONCE: Duration = Duration::from_millis(100);

fn quick(config: Config) -> Config {
    config.deadline(DEADLINE)
}

/// The answer, and how long it took.
async fn timed(exchange: Exchange) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = exchange.answer().await;
    (answer, begun.elapsed())
}

fn read(browser: &Browser) -> Exchange {
    browser.start(async |session: Session| Ok(session.is_new().to_string()))
}

fn count(browser: &Browser) -> Exchange {
    browser.start(async |session: Session| Ok(session.increment("n", 1).map(drop)?))
}

#[track_caller]
fn assert_timely(took: Duration) {
    assert!(took >= DEADLINE / 2, "{took:?}: it did not ask");
    assert!(took <= AT_MOST, "{took:?}");
}

/// The store hangs; requests that asked it have given up, and the engine knows.
async fn go_down(stand: &Stand, browser: &Browser) -> Gate {
    let hanging = stand.store.hang();
    let (_answer, took) = timed(read(browser)).await;
    assert_timely(took);
    hanging.reached().await;
    hanging
}

async fn s17_a_load_from_a_store_that_hangs_costs_its_deadline(kind: Kind) {
    let stand = Stand::with(kind, quick).await;
    let guest = stand.guest().await;
    let _hanging = stand.store.hang();
    let (answer, took) = timed(read(&guest)).await;
    assert_eq!(answer.status, 503);
    assert!(answer.leaves_cookie(), "the session is not lost, it could not be asked for");
    assert_timely(took);
}

async fn s17_a_commit_to_a_store_that_hangs_costs_its_deadline_and_is_not_acknowledged(kind: Kind) {
    let stand = Stand::with(kind, quick).await;
    let changes: [fn(&Session) -> cloakroom::Result<()>; 4] = [
        |session| session.insert("a", 1),
        |session| session.log_in("alice"),
        |session| {
            session.cycle_id();
            Ok(())
        },
        |session| {
            session.reset();
            Ok(())
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let guest = stand.guest().await;
        let held = guest.hold(change).await;
        let hanging = stand.store.hang();
        let (answer, took) = timed(held.let_go()).await;
        assert_eq!(answer.status, 503, "change {number}");
        assert!(answer.leaves_cookie(), "change {number}");
        assert_timely(took);
        stand.store.answer();
        hanging.open_for_all();
        assert!(comes_back(&guest).await, "change {number}");
    }
}

/// Returns whether requests are answered again soon. What was given up may have been carried out, or may not.
async fn comes_back(browser: &Browser) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < AT_MOST {
        if read(browser).answer().await.status.is_success() {
            return true;
        }
    }
    false
}

/// A load that is answered late, and a commit that is not answered: together they have one deadline.
async fn s17_a_request_pays_its_deadline_once(kind: Kind) {
    let deadline = Duration::from_secs(2);
    let stand = Stand::with(kind, |config| config.deadline(deadline)).await;
    let guest = stand.guest().await;
    let load = stand.store.stop(Op::Load, When::Before, "the load");
    let _update = stand.store.stop(Op::Update, When::Before, "the commit");
    let begun = Instant::now();
    let writer = count(&guest);
    load.reached().await;
    let most_has_passed = async || !stand.browser().is_known().await && begun.elapsed() > deadline * 3 / 4;
    until("most of the deadline has passed", most_has_passed).await;
    load.open();
    assert_eq!(writer.answer().await.status, 503);
    let took = begun.elapsed();
    assert!(took >= deadline * 3 / 4 && took <= deadline + deadline / 2, "{took:?}");
}

async fn s17_a_log_out_from_a_store_that_hangs_is_an_error(kind: Kind) {
    let stand = Stand::with(kind, quick).await;
    let alice = stand.user("alice").await;
    let log_out = |session: &Session| {
        session.log_out();
        Ok(())
    };
    let held = alice.hold(log_out).await;
    let hanging = stand.store.hang();
    let (answer, took) = timed(held.let_go()).await;
    assert_eq!(answer.status, 503);
    assert!(answer.leaves_cookie(), "the user must not believe to be logged out");
    assert_timely(took);
    assert_eq!(stand.events.count(|event| matches!(event, Event::Ended { .. })), 0);
    stand.store.answer();
    hanging.open_for_all();
    let again = async || alice.start(async move |session: Session| Ok(log_out(&session)?)).answer().await;
    until("the log-out works", async || again().await.removes_cookie()).await;
    assert!(!alice.is_known().await);
}

/// Sends so many requests at once; how long each took, in order.
async fn at_once(browser: &Browser, many: usize, status: u16) -> Vec<Duration> {
    let requests: Vec<_> = (0..many).map(|_| tokio::spawn(timed(read(browser)))).collect();
    let mut took = Vec::new();
    for request in requests {
        let (answer, span) = request.await.unwrap();
        assert_eq!(answer.status, status);
        took.push(span);
    }
    took.sort_unstable();
    took
}

/// One request in a quarter of a second may ask; of the others half can be late because this machine is, and all of them
/// while it does something else: one round of ten has to be quick.
async fn fail_at_once(stand: &Stand, browser: &Browser, status: u16) {
    let hanging = go_down(stand, browser).await;
    let (begun, before) = (Instant::now(), stand.store.all_trips());
    let probe = read(browser);
    hanging.reached().await;
    let mut took = at_once(browser, 40, status).await;
    for _ in 1..10 {
        if took[20] > AT_ONCE {
            took = at_once(browser, 40, status).await;
        }
    }
    assert!(took[20] <= AT_ONCE, "{took:?}");
    assert_eq!(probe.answer().await.status, status);
    let quarters = begun.elapsed().as_millis() / 250;
    let trips = stand.store.all_trips() - before;
    assert!(u128::from(trips) <= quarters + 2, "{trips} trips to a store that hangs, in {quarters} quarters");
}

async fn s17_while_a_store_is_known_to_be_down_requests_fail_at_once_and_one_asks(kind: Kind) {
    let stand = Stand::with(kind, quick).await;
    let guest = stand.guest().await;
    fail_at_once(&stand, &guest, 503).await;
    assert_eq!(stand.events.count(|event| *event == Event::StoreUnavailable), 1);
    let still = guest.get("/still").await;
    assert!(still.status.is_success(), "who does not ask for a session is served");
}

async fn s17_while_a_store_is_known_to_be_down_readers_are_anonymous_at_once_where_that_is_wished(
    kind: Kind,
) {
    let outage = StoreOutage::default().fallback(OutageFallback::AnonymousReadOnly);
    let stand = Stand::with(kind, |config| quick(config).outage(outage)).await;
    let guest = stand.guest().await;
    fail_at_once(&stand, &guest, 200).await;
}

async fn s17_a_store_that_answers_again_is_used_again_and_writes_count_once(kind: Kind) {
    let stand = Stand::with(kind, quick).await;
    let guest = stand.guest().await;
    let held = guest.hold(|session| session.increment("n", 1).map(drop)).await;
    let hanging = stand.store.hang();
    let (answer, took) = timed(held.let_go()).await;
    assert_eq!(answer.status, 503);
    assert_timely(took);
    stand.store.answer();
    hanging.open_for_all();
    assert!(comes_back(&guest).await);
    count(&guest).answer().await.ok();
    let n: u32 = guest.read("n").await.unwrap();
    assert!((1..=2).contains(&n), "{n}: what was not acknowledged counts once or not at all");
    assert_eq!(stand.events.count(|event| *event == Event::StoreRecovered), 1);
}
