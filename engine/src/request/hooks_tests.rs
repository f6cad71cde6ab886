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
