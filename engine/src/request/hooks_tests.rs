//! Functions of the application that do what they should not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::stores::MemoryStore;
use crate::{Config, Error, ErrorKind, Event, Operation, PlainRequest, Session, SessionManager};

/// An engine whose deadline is a second, and what it told.
fn engine(change: impl FnOnce(Config) -> Config) -> (SessionManager, Arc<Mutex<Vec<Event>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = events.clone();
    let config = Config::plain_http()
        .sweep_interval(None)
        .deadline(Duration::from_secs(1))
        .observer(move |event: &Event| heard.lock().unwrap().push(event.clone()));
    (SessionManager::new(MemoryStore::new(), change(config)).unwrap(), events)
}

/// Carries out a request, and returns the cookie that the client has afterwards.
async fn run(
    engine: &SessionManager,
    cookie: Option<&str>,
    change: impl AsyncFnOnce(&Session) -> Result<(), Error>,
) -> Result<Option<String>, Error> {
    let request = engine.begin(&cookie.map_or_else(PlainRequest::default, PlainRequest::with_cookie));
    change(&request.load().await?).await?;
    let update = match request.try_finish() {
        Some(update) => update,
        None => request.commit().await?,
    };
    let set = update.set_cookie.map(|line| line.split(';').next().unwrap().to_owned());
    Ok(set.or(cookie.map(str::to_owned)))
}

async fn with_coat(engine: &SessionManager) -> String {
    run(engine, None, async |session| session.insert("coat", "red")).await.unwrap().unwrap()
}

async fn coat(engine: &SessionManager, cookie: &str) -> Result<Option<String>, Error> {
    let request = engine.begin(&PlainRequest::with_cookie(cookie));
    request.load().await?.get("coat")
}

/// The ways of a function of the application to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Panics,
    PanicsLater,
    Fails,
    Hangs,
    Nothing,
}

const WAYS: [Wrong; 4] = [Wrong::Panics, Wrong::PanicsLater, Wrong::Fails, Wrong::Hangs];

impl Wrong {
    async fn go(self) -> Result<(), std::io::Error> {
        match self {
            Self::Panics | Self::Nothing => {}
            Self::PanicsLater => {
                tokio::task::yield_now().await;
                panic!("as the test wants it");
            }
            Self::Fails => return Err(std::io::Error::other("the database is away")),
            Self::Hangs => std::future::pending().await,
        }
        Ok(())
    }

    fn at_once(self) {
        assert_ne!(self, Self::Panics, "as the test wants it");
    }
}

#[tokio::test(start_paused = true)]
async fn b20_a_check_that_goes_wrong_is_a_typed_error_and_the_session_stays_as_it_is() {
    for wrong in WAYS {
        let way = Arc::new(Mutex::new(Wrong::Nothing));
        let asked = way.clone();
        let (engine, events) = engine(|config| {
            config.validate_async(move |_, _| {
                let wrong = *asked.lock().unwrap();
                wrong.at_once();
                async move { wrong.go().await.map(|()| true) }
            })
        });
        let cookie = with_coat(&engine).await;
        *way.lock().unwrap() = wrong;
        let error = coat(&engine, &cookie).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Hook, "{wrong:?}");
        assert!(!format!("{error} {}", error.kind().client_text()).contains("database"), "{error}");
        let failed = Event::Failed { operation: Operation::Load, kind: ErrorKind::Hook };
        assert_eq!(events.lock().unwrap().iter().filter(|event| **event == failed).count(), 1);
        *way.lock().unwrap() = Wrong::Nothing;
        assert_eq!(coat(&engine, &cookie).await.unwrap().as_deref(), Some("red"));
    }
}

#[tokio::test]
async fn b20_a_check_reads_the_session_and_uses_others_without_waiting_for_itself() {
    let engine_of_check = Arc::new(Mutex::new(None::<SessionManager>));
    let inner = engine_of_check.clone();
    let (engine, _) = engine(|config| {
        config.validate_async(move |request, session| {
            let engine = inner.lock().unwrap().clone();
            async move {
                assert_eq!(request.path(), None);
                let other = engine.unwrap().begin(&PlainRequest::default());
                other.load().await?.insert("audit", session.get::<String>("coat")?)?;
                other.commit().await.map(|_| session.contains("coat"))
            }
        })
    });
    *engine_of_check.lock().unwrap() = Some(engine.clone());
    let cookie = with_coat(&engine).await;
    assert_eq!(coat(&engine, &cookie).await.unwrap().as_deref(), Some("red"));
}

#[tokio::test]
async fn b20_of_several_cookies_the_first_that_is_not_refused_counts_and_a_log_in_ends_all() {
    let (engine, _) = engine(|config| config.validate(|_, session| session.contains("good")));
    let mut cookies = Vec::new();
    for _ in 0..6 {
        cookies.push(with_coat(&engine).await);
    }
    let good = run(&engine, None, async |session| session.insert("good", 1)).await.unwrap().unwrap();
    let all = |cookies: &[String]| PlainRequest::with_cookie(cookies.join("; "));
    let found = [cookies[0].clone(), good.clone(), cookies[1].clone()];
    let session = engine.begin(&all(&found)).load().await.unwrap();
    assert!(session.contains("good") && !session.is_new());

    cookies.push(good.clone());
    let request = engine.begin(&all(&cookies));
    let session = request.load().await.unwrap();
    assert!(session.is_new(), "three are asked about, whatever a client sends");
    session.log_in("alice").unwrap();
    let _ = request.commit().await.unwrap();
    for cookie in &cookies {
        let session = engine.begin(&PlainRequest::with_cookie(cookie)).load().await.unwrap();
        assert!(session.is_new(), "none that the client brought is left");
    }
}

#[tokio::test(start_paused = true)]
async fn b21_a_preparation_that_goes_wrong_writes_nothing_and_loses_nothing() {
    for wrong in WAYS {
        let way = Arc::new(Mutex::new(Wrong::Nothing));
        let asked = way.clone();
        let (engine, events) = engine(|config| {
            config.before_save_async(move |_, _| {
                let wrong = *asked.lock().unwrap();
                wrong.at_once();
                wrong.go()
            })
        });
        let cookie = with_coat(&engine).await;
        let request = engine.begin(&PlainRequest::with_cookie(&cookie));
        let session = request.load().await.unwrap();
        session.insert("coat", "green").unwrap();
        *way.lock().unwrap() = wrong;
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Hook, "{wrong:?}");
        let failed = Event::Failed { operation: Operation::Commit, kind: ErrorKind::Hook };
        assert_eq!(events.lock().unwrap().iter().filter(|event| **event == failed).count(), 1);
        assert_eq!(coat(&engine, &cookie).await.unwrap().as_deref(), Some("red"));
        *way.lock().unwrap() = Wrong::Nothing;
        session.save().await.unwrap();
        assert_eq!(coat(&engine, &cookie).await.unwrap().as_deref(), Some("green"));
    }
}

#[tokio::test]
async fn b21_a_log_out_is_carried_out_although_what_follows_it_cannot_be_prepared() {
    let (engine, _) = engine(|config| {
        config.before_save(|_, session| if session.contains("goodbye") { Err("no") } else { Ok(()) })
    });
    let cookie = with_coat(&engine).await;
    let request = engine.begin(&PlainRequest::with_cookie(&cookie));
    let session = request.load().await.unwrap();
    session.log_out();
    session.flash("goodbye", "see you").unwrap();
    assert!(request.try_finish().is_none());
    assert_eq!(request.commit().await.unwrap_err().kind(), ErrorKind::Hook);
    assert!(request.outcome_on_error().set_cookie.unwrap().contains("Max-Age=0"));
    assert_eq!(coat(&engine, &cookie).await.unwrap(), None);
}

#[tokio::test]
async fn b21_a_save_within_a_preparation_does_not_call_it_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let (engine, _) = engine(|config| {
        config.before_save_async(move |_, session: Session| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                session.increment("prepared", 1)?;
                session.save().await
            }
        })
    });
    let cookie = with_coat(&engine).await;
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let request = engine.begin(&PlainRequest::with_cookie(&cookie));
    assert_eq!(request.load().await.unwrap().get::<u32>("prepared").unwrap(), Some(1));
}

/// An id of 256 bits, unless the number is small.
fn id_of(number: usize) -> String {
    format!("eu1.{number:08}.Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf")
}

#[tokio::test]
async fn b6_the_application_makes_every_id_and_may_look_at_the_request() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = made.clone();
    let (engine, _) = engine(|config| {
        config.id_generator_async(move |request| {
            assert_eq!(request.path(), None);
            let number = count.fetch_add(1, Ordering::Relaxed);
            async move { Ok::<_, Error>(id_of(number)) }
        })
    });
    let cookie = with_coat(&engine).await;
    assert_eq!(cookie, format!("session={}", id_of(0)));
    assert_eq!(coat(&engine, &cookie).await.unwrap().as_deref(), Some("red"));
    let renewed = run(&engine, Some(&cookie), async |session| {
        session.cycle_id();
        Ok(())
    });
    let renewed = renewed.await.unwrap().unwrap();
    assert_eq!(renewed, format!("session={}", id_of(1)));
    let logged_in = run(&engine, Some(&renewed), async |session| session.log_in("alice")).await.unwrap();
    assert_eq!(logged_in.as_deref(), Some(&*format!("session={}", id_of(2))));
    assert_eq!(coat(&engine, &logged_in.unwrap()).await.unwrap().as_deref(), Some("red"));
    assert_eq!(made.load(Ordering::Relaxed), 3, "one for each id, and none for reads");
}

#[tokio::test]
async fn b6_ids_of_the_application_are_signed_and_their_signatures_checked() {
    let keys = crate::KeyRing::new(["a secret of the test, long enough"]).unwrap();
    let (engine, _) = engine(|config| config.signed(keys).id_generator(|_| id_of(1)));
    let cookie = with_coat(&engine).await;
    assert_eq!(cookie.len(), "session=".len() + id_of(1).len() + 1 + crate::KeyRing::SIGNATURE_LEN);
    assert_eq!(coat(&engine, &cookie).await.unwrap().as_deref(), Some("red"));
    let forged = cookie.replace("eu1.00000001", "eu1.00000002");
    for other in [forged, format!("session={}", id_of(1)), cookie[..cookie.len() - 1].to_owned()] {
        assert_eq!(coat(&engine, &other).await.unwrap(), None, "{other}");
    }
}

#[tokio::test(start_paused = true)]
async fn b6_an_id_that_is_weak_odd_or_taken_is_a_typed_error_and_nothing_is_stored() {
    let made = Arc::new(Mutex::new(id_of(0)));
    let next = made.clone();
    let (engine, _) = engine(|config| config.id_generator(move |_| next.lock().unwrap().clone()));
    let cookie = with_coat(&engine).await;
    let odd = [";", "\u{e4}", " ", "\n", "\"", "\\", "\0"].map(|odd| id_of(1) + odd);
    let weak = [String::new(), "1".into(), "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".into()];
    for id in odd.into_iter().chain(weak).chain(["x1y2z3".repeat(43), id_of(0)]) {
        made.lock().unwrap().clone_from(&id);
        let request = engine.begin(&PlainRequest::default());
        let session = request.load().await.unwrap();
        session.insert("coat", "blue").unwrap();
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Hook, "{id:?}");
        assert_eq!(engine.store().capabilities().scan.unwrap().count().await.unwrap(), 1);
        *made.lock().unwrap() = id_of(2);
        session.save().await.unwrap();
        assert_eq!(session.get::<String>("coat").unwrap().as_deref(), Some("blue"), "nothing is lost");
        session.destroy();
        session.save().await.unwrap();
    }
    assert_eq!(coat(&engine, &cookie).await.unwrap().as_deref(), Some("red"));
}

#[tokio::test(start_paused = true)]
async fn b6_a_generator_that_goes_wrong_is_a_typed_error() {
    for wrong in WAYS {
        let (engine, _) = engine(|config| {
            config.id_generator_async(move |_| {
                wrong.at_once();
                async move { wrong.go().await.map(|()| id_of(0)) }
            })
        });
        let put = run(&engine, None, async |session| session.insert("coat", "red")).await;
        assert_eq!(put.unwrap_err().kind(), ErrorKind::Hook, "{wrong:?}");
    }
}

#[tokio::test]
async fn b6_weak_ids_are_taken_where_the_application_says_so_and_a_contradiction_does_not_build() {
    let (engine, _) = engine(|config| config.id_generator(|_| "apple".to_owned()).allow_weak_ids(true));
    assert_eq!(with_coat(&engine).await, "session=apple");
    let config = Config::plain_http().sweep_interval(None).allow_weak_ids(true);
    let error = SessionManager::new(MemoryStore::new(), config).unwrap_err();
    assert_eq!(error.options(), ["allow_weak_ids", "id_generator"]);
}

#[tokio::test]
async fn b11_the_record_lives_as_long_as_a_function_of_the_session_says_apart_from_the_cookie() {
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    let clock = crate::ManualClock::at(crate::Timestamp::from_millis(1_800_000_000_000));
    let config = Config::plain_http()
        .sweep_interval(None)
        .clock(clock.clone())
        .cookie_max_age(2 * hour)
        .record_lifetime(move |session| match session.get_or("member", 0) {
            Ok(0) => None,
            Ok(minutes) => Some(minutes * minute),
            Err(_) => Some(Duration::ZERO),
        });
    let engine = SessionManager::new(MemoryStore::builder().clock(clock.clone()).build(), config).unwrap();
    let request = engine.begin(&PlainRequest::default());
    request.load().await.unwrap().insert("coat", "red").unwrap();
    let line = request.commit().await.unwrap().set_cookie.unwrap();
    assert!(line.contains("; Max-Age=7200;"), "{line}");
    let cookie = line.split(';').next().unwrap().to_owned();
    let left = async || engine.begin(&PlainRequest::with_cookie(&cookie)).load().await.unwrap().expires_in();
    assert_eq!(left().await, 30 * minute, "as configured");
    for minutes in [5, 90] {
        run(&engine, Some(&cookie), async |session| session.insert("member", minutes)).await.unwrap();
        assert_eq!(left().await, minutes * minute);
    }
    clock.advance(89 * minute);
    assert_eq!(coat(&engine, &cookie).await.unwrap().as_deref(), Some("red"));
    run(&engine, Some(&cookie), async |session| session.insert("member", 0)).await.unwrap();
    assert_eq!(left().await, 30 * minute);
    let odd = run(&engine, Some(&cookie), async |session| session.insert("member", "odd")).await;
    assert_eq!(odd.unwrap_err().kind(), ErrorKind::Hook);
}

#[test]
fn b11_contradictions_do_not_build_and_name_their_options() {
    let of = |config: Config| {
        let error = SessionManager::new(MemoryStore::new(), config.sweep_interval(None)).unwrap_err();
        error.options().to_vec()
    };
    let hour = Duration::from_secs(3600);
    assert_eq!(
        of(Config::default().cookie_max_age(hour).persistent(false)),
        ["cookie_max_age", "persistent"]
    );
    assert_eq!(of(Config::default().cookie_max_age(Duration::ZERO)), ["cookie_max_age"]);
}

#[test]
fn b19_a_transport_contradicts_the_cookies_of_another_package() {
    let config = Config::plain_http().sweep_interval(None).transport(crate::BearerTransport);
    let error = SessionManager::new(MemoryStore::new(), config.cookie_format(NoCookies)).unwrap_err();
    assert_eq!(error.options(), ["transport", "cookie_format"]);
}

/// A package that reads and writes nothing.
#[derive(Debug)]
struct NoCookies;

impl crate::format::CookieFormat for NoCookies {
    fn cookie_name(&self) -> &'static str {
        "none"
    }
    fn read(&self, _: &mut dyn Iterator<Item = &[u8]>, _: &mut crate::format::FoundIds<'_>) {}
    fn new_id(&self, _: &[u8; 32]) -> String {
        String::new()
    }
    fn issue(&self, _: &crate::format::IssuedCookie<'_>) -> Vec<String> {
        Vec::new()
    }
    fn remove(&self, _: bool) -> Vec<String> {
        Vec::new()
    }
}

/// A transport that panics brings no id, and its answers have none.
#[derive(Debug)]
struct Panics;

impl crate::Transport for Panics {
    fn read(&self, _: &crate::RequestInfo) -> Vec<String> {
        panic!("as the test wants it")
    }
    fn write(&self, _: Option<&str>) -> Vec<(String, String)> {
        panic!("as the test wants it")
    }
}

#[tokio::test]
async fn b19_a_transport_that_panics_makes_its_requests_anonymous() {
    let (engine, _) = engine(|config| config.transport(Panics));
    let request = engine.begin(&PlainRequest::with_cookie("session=x"));
    request.load().await.unwrap().insert("coat", "red").unwrap();
    let update = request.commit().await.unwrap();
    assert_eq!((update.set_cookie, update.id_headers), (None, Vec::new()));
}
