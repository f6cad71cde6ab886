//! What operations take, for an observer that asks.

use std::sync::{Arc, Mutex};

use cloakroom::{Event, Measurement, Observer, Operation};

use crate::{Browser, engine};

/// Keeps measurements.
#[derive(Clone, Default)]
struct Measured(Arc<Mutex<Vec<Measurement>>>);

impl Observer for Measured {
    fn on_event(&self, _: &Event) {}
    fn on_measurement(&self, measurement: &Measurement) {
        self.0.lock().unwrap().push(*measurement);
    }
    fn measures(&self) -> bool {
        true
    }
}

impl Measured {
    fn take(&self) -> Vec<(Operation, u32)> {
        let taken = std::mem::take(&mut *self.0.lock().unwrap());
        taken.iter().map(|it| (it.operation, it.trips)).collect()
    }
}

#[tokio::test]
async fn loads_commits_lists_and_sweeps_are_measured() {
    let measured = Measured::default();
    let engine = engine(|config| config.observer((measured.clone(), |_: &Event| {})));
    let mut browser = Browser::anonymous(&engine).await;
    assert_eq!(measured.take(), [(Operation::Commit, 1)]);
    assert!(browser.is_alive(&engine).await);
    assert_eq!(measured.take(), [(Operation::Load, 1)]);
    browser.visit(&engine, |session| session.insert("cart", 2).unwrap()).await;
    assert_eq!(measured.take(), [(Operation::Load, 1), (Operation::Commit, 1)]);
    engine.sessions().list("alice").await.unwrap();
    engine.sweep().await.unwrap();
    assert_eq!(measured.take(), [(Operation::Manage, 1), (Operation::Sweep, 1)]);
    assert!(!Browser(Some("A".repeat(43))).is_alive(&engine).await);
    assert_eq!(measured.take(), [(Operation::Load, 1)], "an unknown id");
}

#[tokio::test]
async fn requests_that_meet_are_measured_with_their_conflicts() {
    let measured = Measured::default();
    let engine = engine(|config| config.observer(measured.clone()));
    let browser = Browser::anonymous(&engine).await;
    let requests = [(); 2].map(|()| engine.begin(&browser.request()));
    for request in &requests {
        request.load().await.unwrap().increment("cart", 1).unwrap();
    }
    for request in requests {
        let _unchanged = request.commit().await.unwrap();
    }
    let conflicts: u32 = measured.0.lock().unwrap().iter().map(|it| it.conflicts).sum();
    assert_eq!(conflicts, 1);
}

#[test]
fn the_documents_name_every_metric_and_no_other() {
    let names = |text: &str, prefix: &str| {
        let is_of_a_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        let found = text.match_indices(prefix).map(|(at, _)| &text[at + prefix.len()..]);
        let names = found.map(|rest| rest.split(|letter| !is_of_a_name(letter)).next().unwrap().to_owned());
        names.filter(|name| name.contains('_')).collect::<std::collections::BTreeSet<_>>()
    };
    let known = names(include_str!("../../src/metrics_observer.rs"), "\"cloakroom_");
    let page = include_str!("../../../docs/operating.md");
    let table = names(include_str!("../../src/metrics_observer.rs"), "/// | `cloakroom_");
    let dashboard = names(include_str!("../../../docs/dashboard.json"), "cloakroom_");
    assert!(known.len() > 12 && table == known, "{known:?} {table:?}");
    for name in &known {
        assert!(page.contains(&format!("`{name}")), "docs/operating.md does not name {name}");
    }
    let unknown: Vec<_> = dashboard
        .iter()
        .map(|name| name.trim_end_matches("_bucket"))
        .filter(|name| !known.contains(*name))
        .collect();
    assert_eq!(unknown, [""; 0]);
}

#[cfg(feature = "metrics")]
mod through_the_facade {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use cloakroom::{Metrics, Session};
    use metrics::{
        Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    };

    use crate::{Browser, engine};

    /// Keeps counters.
    #[derive(Clone, Default)]
    struct Counters(Arc<Mutex<BTreeMap<String, u64>>>);

    struct One(Counters, String);

    impl CounterFn for One {
        fn increment(&self, value: u64) {
            *self.0.0.lock().unwrap().entry(self.1.clone()).or_default() += value;
        }
        fn absolute(&self, _: u64) {}
    }

    impl Recorder for Counters {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            let labels: Vec<_> = key.labels().map(|it| format!("{}={}", it.key(), it.value())).collect();
            Counter::from_arc(Arc::new(One(self.clone(), format!("{} {}", key.name(), labels.join(",")))))
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[tokio::test]
    async fn events_and_measurements_are_counted_under_their_names() {
        let counters = Counters::default();
        let _recording = metrics::set_default_local_recorder(&counters);
        let engine = engine(|config| config.observer(Metrics::new()));
        let mut browser = Browser::logged_in(&engine, "alice").await;
        browser.visit(&engine, Session::log_out).await;
        Browser(Some("not an id".into())).is_alive(&engine).await;
        let counted = counters.0.lock().unwrap().clone();
        for (name, count) in [
            ("cloakroom_sessions_begun_total ", 1),
            ("cloakroom_sessions_ended_total reason=log_out", 1),
            ("cloakroom_cookies_rejected_total reason=malformed", 1),
            ("cloakroom_operations_total operation=load", 1),
            ("cloakroom_operations_total operation=commit", 2),
        ] {
            assert_eq!(counted.get(name), Some(&count), "{name}: {counted:#?}");
        }
        assert!(counted["cloakroom_store_trips_total operation=commit"] >= 2, "{counted:#?}");
    }
}
