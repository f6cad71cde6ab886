//! Code of the application runs without a lock of ours: it may look at its own session.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use cloakroom::{ErrorKind, Session};
use serde::{Serialize, Serializer};

use super::Site;

/// Runs `f` on a thread of its own: what waits for itself fails instead of keeping the test up for ever.
fn ends(f: impl AsyncFnOnce() + Send + 'static) {
    let (done, wait) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(f());
        done.send(()).unwrap();
    });
    wait.recv_timeout(Duration::from_secs(20)).expect("it panicked, or waits for itself");
}

async fn shop() -> Site {
    Site::new(|session| {
        session.insert("price", 3).unwrap();
        session.flash("note", "hello").unwrap();
    })
    .await
}

#[test]
fn f01_a_closure_reads_and_changes_its_own_session_when_it_first_runs() {
    ends(async || {
        let (_, session) = shop().await.request().await;
        let inner = session.clone();
        session
            .update("total", move |old: Option<i64>| {
                inner.insert("seen", true).unwrap();
                old.unwrap_or(0) + inner.get::<i64>("price").unwrap().unwrap()
            })
            .unwrap();
        assert_eq!(session.get("total").unwrap(), Some(3));
        assert_eq!(session.get("seen").unwrap(), Some(true));
    });
}

#[test]
fn f01_a_closure_reads_its_own_session_when_a_commit_runs_it_again() {
    ends(async || {
        let site = shop().await;
        let (pending, session) = site.request().await;
        let inner = session.clone();
        session
            .update("total", move |old: Option<i64>| {
                old.unwrap_or(0) + inner.get::<i64>("price").unwrap().unwrap()
            })
            .unwrap();
        let (other, theirs) = site.request().await;
        theirs.insert("total", 10).unwrap();
        let _ = other.commit().await.unwrap();
        let _ = pending.commit().await.unwrap();
        assert_eq!(site.stored("total").await.as_deref(), Some("13"));
    });
}

#[test]
fn f01_a_closure_that_changes_its_own_value_is_an_error_and_not_a_wait() {
    ends(async || {
        let (_, session) = shop().await.request().await;
        let inner = session.clone();
        let error = session
            .update("price", move |old: Option<i64>| inner.increment("price", 1).unwrap() + old.unwrap())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Contended);
        assert!(session.get::<i64>("price").unwrap().is_some());
    });
}

#[test]
fn f01_a_closure_that_panics_leaves_the_session_usable() {
    ends(async || {
        let site = shop().await;
        let (pending, session) = site.request().await;
        let inner = session.clone();
        let task = tokio::spawn(async move {
            let _ = inner.update("total", |_: Option<i64>| -> i64 { panic!("the application's mistake") });
        });
        assert!(task.await.unwrap_err().is_panic());
        session.insert("total", 1).unwrap();
        let _ = pending.commit().await.unwrap();
        assert_eq!(site.stored("total").await.as_deref(), Some("1"));
    });
}

#[test]
fn f01_an_iterator_given_to_keep_flash_reads_its_own_session() {
    ends(async || {
        let site = shop().await;
        let (pending, session) = site.request().await;
        session.keep_flash(["note"].into_iter().filter(|key| session.contains(key)));
        let _ = pending.commit().await.unwrap();
        assert_eq!(site.stored("note").await.as_deref(), Some("\"hello\""));
    });
}

/// Reads its session when it is written as JSON, and when it is dropped.
struct Reader(Session);

impl Serialize for Reader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.get::<i64>("price").unwrap().unwrap())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.0.contains("price");
    }
}

#[test]
fn f01_a_value_that_reads_its_own_session_is_written_and_dropped() {
    ends(async || {
        let (_, session) = shop().await.request().await;
        let reader = || Reader(session.clone());
        session.insert("a", reader()).unwrap();
        session.push("list", reader()).unwrap();
        session.flash("b", reader()).unwrap();
        session.flash_now("c", reader()).unwrap();
        session.path("d.e").insert(reader()).unwrap();
        session.path("d.f").push(reader()).unwrap();
        assert_eq!(session.get("list").unwrap(), Some([3]));
    });
}

#[test]
fn f01_a_closure_that_reads_its_own_session_when_dropped_is_dropped() {
    ends(async || {
        let site = shop().await;
        let (pending, session) = site.request().await;
        for number in 0..3 {
            let reader = Reader(session.clone());
            session
                .update("total", move |_: Option<i64>| {
                    let _ = &reader;
                    number
                })
                .unwrap();
            session.save().await.unwrap();
        }
        let reader = Arc::new(Reader(session.clone()));
        let update = move |_: Option<i64>| i64::from(reader.0.contains("price"));
        assert!(session.path("total.inside").update(update).is_err(), "a refused closure is dropped too");
        let _ = pending.commit().await.unwrap();
        assert_eq!(site.stored("total").await.as_deref(), Some("2"));
    });
}

#[test]
fn f01_a_closure_that_reads_its_own_session_when_discarded_is_discarded() {
    ends(async || {
        let (_, session) = shop().await.request().await;
        for _ in 0..2 {
            let reader = Reader(session.clone());
            let update = move |_: Option<i64>| i64::from(reader.0.contains("price"));
            session.update("total", update).unwrap();
            session.discard_changes();
            assert!(!session.contains("total"));
        }
    });
}
