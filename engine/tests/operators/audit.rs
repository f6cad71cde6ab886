//! The audit stream: what it says, and that no secret is in it or in anything else that is logged.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom::{ManualClock, Session, SessionManager, Timestamp};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Metadata, Subscriber};
use tracing_core::span::Current;

use crate::{Browser, engine};

/// Keeps everything that this thread logs, at every level. A line ends with the span that it was logged in.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>, Arc<Mutex<Spans>>);

/// Every span that was made, by its number less one, and those that are entered.
#[derive(Default)]
struct Spans {
    made: Vec<&'static Metadata<'static>>,
    entered: Vec<Id>,
}

struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(format!("span {}", span.metadata().name()));
        span.record(&mut line);
        self.0.lock().unwrap().push(line.0);
        let mut spans = self.1.lock().unwrap();
        spans.made.push(span.metadata());
        Id::from_u64(spans.made.len() as u64)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
        event.record(&mut line);
        if let Some(span) = self.current_span().metadata() {
            let _ = write!(line.0, " in {}", span.name());
        }
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, span: &Id) {
        self.1.lock().unwrap().entered.push(span.clone());
    }
    fn exit(&self, _: &Id) {
        self.1.lock().unwrap().entered.pop();
    }
    fn current_span(&self) -> Current {
        let spans = self.1.lock().unwrap();
        let Some(id) = spans.entered.last() else { return Current::none() };
        let place = usize::try_from(id.into_u64()).unwrap() - 1;
        Current::new(id.clone(), spans.made[place])
    }
}

impl Log {
    /// The lines of the audit stream, without its target; forgets all lines.
    fn audit(&self) -> Vec<String> {
        let lines = std::mem::take(&mut *self.0.lock().unwrap());
        let audit = lines
            .iter()
            .filter_map(|line| Some(line.replacen(" cloakroom::audit", "", 1)).filter(|it| it != line));
        audit.collect()
    }
}

fn expiring(clock: ManualClock) -> SessionManager {
    let store = cloakroom::stores::MemoryStore::builder().clock(clock.clone()).build();
    let config = cloakroom::Config::plain_http().cookie_name("sid").sweep_interval(None).clock(clock);
    SessionManager::new(store, config.absolute_timeout(Duration::from_secs(40 * 60))).unwrap()
}

#[tokio::test]
async fn it_says_who_logged_in_from_which_device_and_why_a_session_ended() {
    let log = Log::default();
    let _listening = tracing::subscriber::set_default(log.clone());
    let engine = engine(|config| config.max_sessions_per_user(1));
    let mut alice = Browser::anonymous(&engine).await;
    let anonymous = alice.visit(&engine, Session::public_id).await.unwrap();
    assert_eq!(log.audit(), [format!("DEBUG message=began session={anonymous}")]);
    let log_in = |session: &Session| {
        session.log_in("alice").unwrap();
        session.set_device("a telephone");
    };
    alice.visit(&engine, log_in).await;
    let first = alice.visit(&engine, Session::public_id).await.unwrap();
    let said = format!("INFO message=logged in session={first} user=alice device=a telephone");
    assert_eq!(log.audit(), [said]);
    let mut other = Browser::logged_in(&engine, "alice").await;
    let second = other.visit(&engine, Session::public_id).await.unwrap();
    let said = [
        format!("INFO message=logged in session={second} user=alice"),
        format!("INFO message=ended session={first} user=alice reason=cap"),
    ];
    assert_eq!(log.audit(), said);
    other.visit(&engine, Session::log_out).await;
    assert_eq!(log.audit(), [format!("INFO message=ended session={second} user=alice reason=log_out")]);
    Browser::logged_in(&engine, "bob").await;
    log.audit();
    engine.sessions().revoke_all("bob").await.unwrap();
    assert_eq!(log.audit(), ["INFO message=ended user=bob count=1 reason=revoked"]);
    let mut stranger = Browser::anonymous(&engine).await;
    let name = stranger.visit(&engine, Session::public_id).await.unwrap();
    log.audit();
    assert!(engine.sessions().revoke_by_id(&name).await.unwrap());
    assert_eq!(log.audit(), [format!("INFO message=ended session={name} reason=revoked")]);
    assert!(!stranger.is_alive(&engine).await);
    assert_eq!(log.audit(), ["DEBUG message=rejected reason=unknown"]);
}

#[tokio::test]
async fn it_speaks_within_the_span_of_the_request_also_where_another_task_commits() {
    let log = Log::default();
    let _listening = tracing::subscriber::set_default(log.clone());
    let engine = engine(|config| config);
    let request = tracing::info_span!("request");
    let alice = Browser::logged_in(&engine, "alice").instrument(request.clone()).await;
    let aborted = engine.begin(&alice.request());
    async {
        aborted.load().await.unwrap().log_out();
        aborted.unanswered();
    }
    .instrument(request)
    .await;
    while engine.all_sessions().count().await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    let said = log.audit();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("logged in") && said[1].contains("ended"), "{said:?}");
    assert!(said.iter().all(|line| line.ends_with(" in request")), "{said:?}");
}

/// Time stands still: a request waits a moment for the removal, which says so.
#[tokio::test(start_paused = true)]
async fn it_says_that_a_session_reached_its_absolute_end() {
    let log = Log::default();
    let _listening = tracing::subscriber::set_default(log.clone());
    let clock = ManualClock::at(Timestamp::from_millis(1_000_000_000));
    let engine = expiring(clock.clone());
    let mut alice = Browser::logged_in(&engine, "alice").await;
    let name = alice.visit(&engine, Session::public_id).await.unwrap();
    // The store has it longer than another configuration allows.
    let stricter =
        cloakroom::Config::plain_http().cookie_name("sid").sweep_interval(None).clock(clock.clone());
    let stricter = stricter.idle_timeout(Duration::from_secs(60)).absolute_timeout(Duration::from_secs(120));
    let stricter = SessionManager::from_arc(engine.store().clone(), stricter).unwrap();
    clock.advance(Duration::from_secs(130));
    log.audit();
    assert!(!alice.is_alive(&stricter).await);
    let said = log.audit();
    assert!(
        said.contains(&format!("INFO message=ended session={name} user=alice reason=absolute")),
        "{said:?}"
    );
}

#[tokio::test]
async fn no_id_key_or_value_is_in_anything_that_is_logged() {
    let log = Log::default();
    let _listening = tracing::subscriber::set_default(log.clone());
    let engine = engine(|config| config.max_sessions_per_user(2));
    let mut secrets = vec!["a value to keep".to_owned(), "an attack".to_owned()];
    for round in 0..4 {
        let mut browser = Browser::anonymous(&engine).await;
        secrets.extend(browser.0.clone());
        browser.visit(&engine, |session| session.insert("value", "a value to keep").unwrap()).await;
        browser.visit(&engine, |session| session.log_in("alice").unwrap()).await;
        secrets.extend(browser.0.clone());
        browser.visit(&engine, Session::cycle_id).await;
        secrets.extend(browser.0.clone());
        let token = browser.visit(&engine, |session| session.csrf_token().unwrap()).await;
        secrets.push(token);
        Browser(Some("an attack".into())).is_alive(&engine).await;
        if round % 2 == 0 {
            browser.visit(&engine, Session::log_out).await;
        }
    }
    engine.all_sessions().revoke_all().await.unwrap();
    let lines = log.0.lock().unwrap().join("\n");
    assert!(lines.matches("cloakroom::audit").count() > 15, "{lines}");
    assert!(secrets.len() > 16 && secrets.iter().all(|secret| !lines.contains(&**secret)), "{lines}");
}
