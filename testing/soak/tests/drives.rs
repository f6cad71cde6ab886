//! Drives: nothing is found in a store that keeps the contract, and every fault is found in one that does not.
//!
//! The numbers are small, so that this runs on any machine. The full drive is
//! `cargo run -p cloakroom-soak --bin history -- run --store sqlite:x.db`, or `--service postgres --server-kills 5`.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use cloakroom_services::Service;
use cloakroom_soak::history::Op;
use cloakroom_soak::{
    Fault, Result, Violation, check,
    check::Rule,
    run::{Place, Settings, run},
};

fn settings(store: Place) -> Settings {
    Settings {
        program: PathBuf::from(env!("CARGO_BIN_EXE_history")),
        store,
        operations: 1200,
        sessions: 20,
        workers: 4,
        client_kills: 4,
        server_kills: 0,
        waits: true,
        skew: 0,
        fault: None,
        seed: 1,
    }
}

/// Half as much, where a server has to start first, or others of its kind are driven too.
fn fewer(store: Place) -> Settings {
    Settings { operations: 600, sessions: 12, client_kills: 2, ..settings(store) }
}

fn sqlite(folder: &Path) -> Place {
    Place::Url(format!("sqlite:{}", folder.join("sessions.db").display()))
}

/// Drives a store that keeps the contract, and sees that nothing is found and that a lot was done.
async fn holds(settings: Settings) -> Result {
    let (operations, clients, servers) = (settings.operations, settings.client_kills, settings.server_kills);
    let ran = run(settings).await?;
    assert!(ran.history.len() >= operations, "only {} operations", ran.history.len());
    assert_eq!((ran.client_kills, ran.server_kills), (clients, servers));
    let done = ran.history.iter().filter(|op| op.met_the_session()).count();
    assert!(done > operations / 4, "only {done} of {operations} operations met their session");
    let violations = check(&ran.history);
    assert!(violations.is_empty(), "{}{}", listed(&violations), all_of(&ran.history, &violations));
    Ok(())
}

/// Lists all operations on the sessions of the violations, in the order in which they were asked: a drive is not the same twice.
fn all_of(history: &[Op], violations: &[Violation]) -> String {
    let mut ops: Vec<&Op> = history
        .iter()
        .filter(|op| violations.iter().any(|violation| violation.session == op.session))
        .collect();
    ops.sort_by_key(|op| (op.session, op.asked));
    ops.iter().fold(String::new(), |mut text, op| {
        let _ = writeln!(text, "{op:?}");
        text
    })
}

fn listed(violations: &[Violation]) -> String {
    violations.iter().fold(String::new(), |mut text, violation| {
        // Writing to a text never fails.
        let _ = writeln!(text, "{violation}");
        text
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_loses_nothing_and_revives_nothing() {
    let folder = tempfile::tempdir().unwrap();
    holds(settings(sqlite(folder.path()))).await.unwrap();
}

/// How far clocks may be wrong, in seconds.
const HOUR: u32 = 3_600;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_loses_nothing_and_revives_nothing_where_clocks_are_an_hour_off() {
    let folder = tempfile::tempdir().unwrap();
    holds(Settings { skew: HOUR, ..settings(sqlite(folder.path())) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_loses_nothing_and_revives_nothing_where_clocks_are_an_hour_off() {
    holds(Settings { skew: HOUR, ..settings(Place::Service(Service::Redis)) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_lose_nothing_and_revive_nothing() {
    let folder = tempfile::tempdir().unwrap();
    holds(settings(Place::Url(format!("file:{}", folder.path().display())))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_are_not_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { fault: Some(Fault::AnswersLost), ..settings(sqlite(folder.path())) };
    holds(settings).await.unwrap();
}

/// A write whose answer was lost is found again by what its record remembers, whatever clock has written to it since.
#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_are_not_a_fault_where_clocks_are_an_hour_off() {
    for seed in 1..=4 {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(sqlite(folder.path()));
        let (fault, skew) = (Some(Fault::AnswersLost), HOUR);
        holds(Settings { fault, skew, seed, operations: 2400, ..settings }).await.unwrap();
    }
}

/// Its file is for one process at a time.
#[tokio::test(flavor = "multi_thread")]
async fn redb_loses_nothing_and_revives_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Url(format!("redb:{}", folder.path().join("sessions.redb").display()));
    holds(Settings { workers: 1, ..fewer(place) }).await.unwrap();
}

/// Drives a server that is killed under way, too.
async fn holds_through_kills(service: Service) -> Result {
    holds(Settings { server_kills: 2, ..settings(Place::Service(service)) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_loses_nothing_and_revives_nothing_when_it_is_killed() {
    holds_through_kills(Service::Redis).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn valkey_loses_nothing_and_revives_nothing_when_it_is_killed() {
    holds_through_kills(Service::Valkey).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_loses_nothing_and_revives_nothing_when_it_is_killed() {
    holds_through_kills(Service::Postgres).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_loses_nothing_and_revives_nothing_when_it_is_killed() {
    holds_through_kills(Service::Etcd).await.unwrap();
}

/// One member after the other is killed: most of them live at any moment.
#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_cluster_loses_nothing_and_revives_nothing_when_its_members_are_killed() {
    holds_through_kills(Service::EtcdCluster).await.unwrap();
}

/// Its server stays, as an emulator keeps nothing on a disk; and it is slow.
#[tokio::test(flavor = "multi_thread")]
async fn dynamodb_loses_nothing_and_revives_nothing() {
    holds(Settings { operations: 400, ..settings(Place::Service(Service::Dynamodb)) }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_loses_nothing_and_revives_nothing_when_it_is_killed() {
    holds(Settings { server_kills: 1, ..fewer(Place::Service(Service::Mariadb)) }).await.unwrap();
}

/// A server by itself shows writes before they are on its disk, so it stays.
#[tokio::test(flavor = "multi_thread")]
async fn mongodb_loses_nothing_and_revives_nothing() {
    holds(fewer(Place::Service(Service::Mongodb))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_set_of_mongodb_loses_nothing_and_revives_nothing_when_it_is_killed() {
    let settings = fewer(Place::Service(Service::MongodbReplicas));
    holds(Settings { server_kills: 1, ..settings }).await.unwrap();
}

/// What it holds does not outlive it.
#[tokio::test(flavor = "multi_thread")]
async fn memcached_loses_nothing_and_revives_nothing() {
    holds(fewer(Place::Service(Service::Memcached))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_that_processes_share_lose_nothing_and_revive_nothing() {
    let place = Place::Tiers { fast: Service::Redis, durable: Service::Postgres };
    holds(Settings { server_kills: 1, ..fewer(place) }).await.unwrap();
}

/// The servers of a sentinel stay, as those of a cluster.
#[tokio::test(flavor = "multi_thread")]
async fn redis_under_sentinel_loses_nothing_and_revives_nothing() {
    holds(fewer(Place::Service(Service::RedisSentinel))).await.unwrap();
}

/// The servers of a cluster stay: what a failover may lose is another question.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_cluster_loses_nothing_and_revives_nothing() {
    holds(settings(Place::Service(Service::RedisCluster))).await.unwrap();
}

/// Drives a store with a fault, and sees that it is found. Chance decides which operations meet: twelve drives may try.
async fn is_found(fault: Fault, rule: Rule) -> Result {
    let mut found = Vec::new();
    for seed in 1..=12 {
        let folder = tempfile::tempdir()?;
        let (waits, skew) = (rule == Rule::Overdue, if fault == Fault::FutureDistrusted { HOUR } else { 0 });
        let settings = Settings { fault: Some(fault), waits, skew, seed, ..settings(sqlite(folder.path())) };
        let settings = Settings { operations: 800, client_kills: 1, ..settings };
        found.extend(check(&run(settings).await?.history).iter().map(|violation| violation.rule));
        if found.contains(&rule) {
            return Ok(());
        }
    }
    Err(format!("{fault:?} shows as {found:?}, not as {rule:?}").into())
}

macro_rules! faults {
    ($($name:ident: $fault:ident, $rule:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                is_found(Fault::$fault, Rule::$rule).await.unwrap();
            }
        )*
    };
}

faults! {
    an_update_that_creates_is_found: UpdateCreates, Resurrected;
    a_version_that_is_ignored_is_found: VersionIgnored, LostWrite;
    a_create_that_overwrites_is_found: CreateOverwrites, IdGivenTwice;
    a_touch_that_creates_is_found: TouchCreates, Resurrected;
    an_expired_record_that_is_visible_is_found: ExpiredVisible, Overdue;
    an_owner_that_is_forgotten_is_found: OwnerForgotten, Resurrected;
    an_end_that_is_not_final_is_found: EndNotFinal, Resurrected;
    an_update_that_is_forgotten_is_found: UpdateForgotten, LostWrite;
    a_create_that_is_forgotten_is_found: CreateForgotten, LostSession;
    a_stale_read_is_found: StaleReads, Resurrected;
    a_revocation_that_is_forgotten_is_found: RevokeForgotten, Resurrected;
    an_update_that_is_forgotten_is_found_in_what_was_taken: UpdateForgotten, TakenAndThere;
    a_version_that_is_ignored_is_found_in_what_was_claimed: VersionIgnored, ClaimedTwice;
    a_claim_that_is_only_taken_is_found: ClaimsTake, ClaimedTwice;
    a_take_that_removes_what_was_pushed_meanwhile_is_found: TakesRemoveAll, LostWrite;
    a_removal_of_an_index_whatever_is_there_is_found: IndexIsBlind, TakenAndThere;
    a_request_that_is_carried_out_twice_is_found: RequestsTwice, DoubleWrite;
    a_record_of_a_clock_that_is_ahead_and_is_not_believed_is_found: FutureDistrusted, LostSession;
}
