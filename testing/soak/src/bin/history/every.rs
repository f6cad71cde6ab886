//! The drive in full, on one store after the other.

use std::path::{Path, PathBuf};

use cloakroom_services::Service;
use cloakroom_soak::{
    Result, Violation, check,
    run::{Place, Ran, Settings, run},
};

/// How many times a durable server is killed.
const SERVER_KILLS: usize = 5;

/// By how many seconds clocks may be wrong, ahead or behind.
const MOST_SKEW: u32 = 3_600;

/// A store, and how it is driven.
#[derive(Clone)]
struct Case {
    name: &'static str,
    store: Place,
    /// How many processes may share it.
    workers: usize,
    server_kills: usize,
}

impl Case {
    /// A server that is killed.
    fn killed(name: &'static str, service: Service) -> Self {
        Self { server_kills: SERVER_KILLS, ..Self::kept(name, Place::Service(service)) }
    }

    /// A store without a server, or with one that stays: its writes do not outlive it, or not all of them.
    fn kept(name: &'static str, store: Place) -> Self {
        Self { name, store, workers: 4, server_kills: 0 }
    }

    fn tiers(name: &'static str, fast: Service, durable: Service) -> Self {
        Self { server_kills: SERVER_KILLS, ..Self::kept(name, Place::Tiers { fast, durable }) }
    }
}

fn cases(folder: &Path) -> Vec<Case> {
    let at = |scheme: &str, name: &str| Place::Url(format!("{scheme}:{}", folder.join(name).display()));
    let mut cases = vec![
        Case::kept("files", at("file", "records")),
        Case::kept("SQLite", at("sqlite", "records.sqlite")),
        Case { workers: 1, ..Case::kept("redb, one process", at("redb", "records.redb")) },
        Case::killed("Redis", Service::Redis),
        Case::killed("Valkey", Service::Valkey),
        Case::kept("Redis Sentinel", Place::Service(Service::RedisSentinel)),
        Case::kept("Redis Cluster", Place::Service(Service::RedisCluster)),
        Case::killed("PostgreSQL", Service::Postgres),
        Case::killed("MariaDB", Service::Mariadb),
        Case::kept("MongoDB", Place::Service(Service::Mongodb)),
        Case::killed("MongoDB, replica set", Service::MongodbReplicas),
        Case::killed("etcd", Service::Etcd),
        Case::killed("etcd, three members", Service::EtcdCluster),
        Case::kept("memcached", Place::Service(Service::Memcached)),
        Case::kept("an emulator of DynamoDB", Place::Service(Service::Dynamodb)),
        Case::tiers("Redis before PostgreSQL", Service::Redis, Service::Postgres),
        Case::tiers("memcached before MariaDB", Service::Memcached, Service::Mariadb),
        Case::tiers("Redis before MongoDB, replica set", Service::Redis, Service::MongodbReplicas),
    ];
    if Service::here().contains(&Service::Mysql) {
        cases.push(Case::killed("MySQL", Service::Mysql));
    }
    cases
}

/// Drives every store, and prints a row of a table for each; whether nothing was found.
pub(crate) async fn drive(program: PathBuf, operations: usize, seed: u64) -> Result<bool> {
    let folder = tempfile::tempdir()?;
    let mut is_well = true;
    println!("| store | operations | seconds | processes killed | servers killed | found |");
    println!("|---|---|---|---|---|---|");
    let skews = [0, MOST_SKEW];
    let cases = cases(folder.path()).into_iter().flat_map(|case| skews.map(|skew| (case.clone(), skew)));
    for (Case { name, store, workers, server_kills }, skew) in cases {
        let settings = Settings {
            program: program.clone(),
            store,
            operations: operations / skews.len(),
            sessions: 50,
            workers,
            client_kills: 20,
            server_kills,
            waits: true,
            skew,
            fault: None,
            seed,
        };
        let ran = run(settings).await.map_err(|error| format!("{name}: {error}"))?;
        let found = check(&ran.history);
        let clocks = if skew > 0 { ", clocks an hour off" } else { "" };
        println!("{}", row(&format!("{name}{clocks}"), &ran, found.len()));
        tell(&found);
        is_well &= found.is_empty();
    }
    Ok(is_well)
}

fn row(name: &str, ran: &Ran, found: usize) -> String {
    let (operations, seconds) = (ran.history.len(), ran.took.as_secs());
    let (clients, servers) = (ran.client_kills, ran.server_kills);
    format!("| {name} | {operations} | {seconds} | {clients} | {servers} | {found} |")
}

/// Prints what was found beside the table.
fn tell(found: &[Violation]) {
    found.iter().take(10).for_each(|violation| eprintln!("    {violation}"));
}
