//! Counters and histograms through the facade `metrics`.

use crate::ErrorKind;
use crate::observe::{Event, Measurement, Observer, Operation};

/// An observer that counts events and measures operations, for the recorder that the application has installed for the
/// facade [`metrics`]. Needs the cargo feature `metrics`.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `cloakroom_sessions_begun_total` | counter | |
/// | `cloakroom_sessions_ended_total` | counter | `reason`: `log_out`, `destroyed`, `revoked`, `cap`, `idle`, `absolute` |
/// | `cloakroom_ids_renewed_total` | counter | `reason`: `log_in`, `same_privilege` |
/// | `cloakroom_cookies_rejected_total` | counter | `reason`: `malformed`, `forged`, `unknown`, `superseded`, `unreadable` |
/// | `cloakroom_operations_total` | counter | `operation`: `load`, `commit`, `touch`, `manage`, `sweep` |
/// | `cloakroom_operation_seconds` | histogram | `operation` |
/// | `cloakroom_store_trips_total` | counter | `operation` |
/// | `cloakroom_store_retries_total` | counter | `operation` |
/// | `cloakroom_conflicts_total` | counter | `operation` |
/// | `cloakroom_commits_merged_total` | counter | |
/// | `cloakroom_failures_total` | counter | `operation`, `kind`: an [`ErrorKind`] |
/// | `cloakroom_store_outages_total` | counter | |
/// | `cloakroom_store_up` | gauge | 1, or 0 during an outage; set at the first outage |
/// | `cloakroom_swept_records_total` | counter | |
/// | `cloakroom_losses_total` | counter | `what`: `write`, `end`, `unsaved`, `unanswered` |
/// | `cloakroom_misuses_total` | counter | `what`: `shared_cache`, `layer_ignored` |
///
/// No label holds an id, a user or a value. An observer of the application's own goes beside it, in a tuple:
///
/// ```
/// use cloakroom::{Config, Event, Metrics};
///
/// let config = Config::default().observer((Metrics::new(), |event: &Event| println!("{event:?}")));
/// # let _ = config;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Metrics(());

impl Metrics {
    /// Makes the observer. The recorder of the facade may be installed before or after.
    pub const fn new() -> Self {
        Self(())
    }

    /// Describes every metric to the recorder that is installed now: for the help that an exporter shows.
    pub fn describe(&self) {
        for (name, help) in HELP {
            metrics::describe_counter!(*name, *help);
        }
        let seconds = metrics::Unit::Seconds;
        metrics::describe_histogram!(SECONDS, seconds, "how long an operation took, with all waiting");
        metrics::describe_gauge!(UP, "whether the session store answers");
    }
}

const SECONDS: &str = "cloakroom_operation_seconds";
const UP: &str = "cloakroom_store_up";

/// The counters, and what they count.
const HELP: &[(&str, &str)] = &[
    ("cloakroom_sessions_begun_total", "sessions stored for the first time"),
    ("cloakroom_sessions_ended_total", "sessions that ended, by reason"),
    ("cloakroom_ids_renewed_total", "ids renewed, by reason"),
    ("cloakroom_cookies_rejected_total", "cookies that were not accepted, by reason"),
    ("cloakroom_operations_total", "loads, commits, touches, sweeps and revocations"),
    ("cloakroom_store_trips_total", "questions to the store"),
    ("cloakroom_store_retries_total", "questions asked again after a failure"),
    ("cloakroom_conflicts_total", "writes that another request came before"),
    ("cloakroom_commits_merged_total", "commits that merged the changes of two requests"),
    ("cloakroom_failures_total", "operations that failed, by kind"),
    ("cloakroom_store_outages_total", "times that the store stopped answering"),
    ("cloakroom_swept_records_total", "expired records that sweeps removed"),
    ("cloakroom_losses_total", "changes and ends that were not carried out"),
    ("cloakroom_misuses_total", "mistakes of the application's that were noticed"),
];

impl Observer for Metrics {
    fn on_event(&self, event: &Event) {
        match event {
            Event::Created { .. } => count("cloakroom_sessions_begun_total"),
            Event::Renewed { reason, .. } => count_of("cloakroom_ids_renewed_total", "reason", reason.name()),
            Event::Ended { reason, count } => ended(reason.name(), *count),
            Event::Expired { reason, count } => ended(reason.name(), *count),
            Event::Rejected { reason } => {
                count_of("cloakroom_cookies_rejected_total", "reason", reason.name());
            }
            Event::Merged { .. } => count("cloakroom_commits_merged_total"),
            Event::Failed { operation, kind } => failed(*operation, *kind),
            Event::StoreUnavailable => {
                metrics::gauge!(UP).set(0);
                count("cloakroom_store_outages_total");
            }
            Event::StoreRecovered => metrics::gauge!(UP).set(1),
            Event::WriteDropped => count_of("cloakroom_losses_total", "what", "write"),
            Event::EndIgnored { .. } => count_of("cloakroom_losses_total", "what", "end"),
            Event::UnsavedChanges => count_of("cloakroom_losses_total", "what", "unsaved"),
            Event::Unanswered => count_of("cloakroom_losses_total", "what", "unanswered"),
            Event::SharedCache => count_of("cloakroom_misuses_total", "what", "shared_cache"),
            Event::LayerIgnored => count_of("cloakroom_misuses_total", "what", "layer_ignored"),
        }
    }

    fn on_measurement(&self, measurement: &Measurement) {
        let operation = measurement.operation.name();
        let add = |name: &'static str, count: u64| {
            if count > 0 {
                metrics::counter!(name, "operation" => operation).increment(count);
            }
        };
        add("cloakroom_operations_total", 1);
        add("cloakroom_store_trips_total", measurement.trips.into());
        add("cloakroom_store_retries_total", measurement.retries.into());
        add("cloakroom_conflicts_total", measurement.conflicts.into());
        metrics::histogram!(SECONDS, "operation" => operation).record(measurement.took);
        if measurement.removed > 0 {
            metrics::counter!("cloakroom_swept_records_total").increment(measurement.removed);
        }
    }

    fn measures(&self) -> bool {
        true
    }
}

fn count(name: &'static str) {
    metrics::counter!(name).increment(1);
}

fn count_of(name: &'static str, label: &'static str, value: &'static str) {
    metrics::counter!(name, label => value).increment(1);
}

fn ended(reason: &'static str, count: u64) {
    metrics::counter!("cloakroom_sessions_ended_total", "reason" => reason).increment(count);
}

fn failed(operation: Operation, kind: ErrorKind) {
    let (operation, kind) = (operation.name(), kind.name());
    metrics::counter!("cloakroom_failures_total", "operation" => operation, "kind" => kind).increment(1);
}
