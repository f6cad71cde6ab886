//! `kill -9` under load, fifty times on each store: what was acknowledged is there, nothing else is, nothing is corrupt,
//! and nothing has to be repaired.

mod load;
mod remains;
mod visitors;

use serde_json::json;

use crate::server::{FILE, SQLITE, Server};
use load::{CLIENTS, Load, counters};
use visitors::Visitors;

const KILLS: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_50_kills_on_files_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let known = survives(FILE, folder.path()).await;
    remains::of_files(&folder.path().join("sessions"), known).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_50_kills_on_sqlite_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let known = survives(SQLITE, folder.path()).await;
    remains::of_a_database(&folder.path().join("sessions.db"), known).await;
}

/// Kills the server fifty times; says how many sessions there are in the end.
async fn survives(store: &str, folder: &std::path::Path) -> usize {
    let mut server = Server::start(folder, &["--store", store]).await;
    let client = server.client();
    client.run(json!([{"insert": ["all", 0]}])).await;
    let mut counted = [0; CLIENTS];
    let mut unanswered = 0;
    let mut sessions = 1;
    for round in 0..KILLS {
        let mut load = Load::begin(&client.at(&server.address));
        let visitors = Visitors::begin(&server.client(), round);
        // Another moment each time, told by what was answered and not by a clock.
        load.answered(3 + round * 7 % 23).await;
        server.kill().await;
        let (acknowledged, visitors) = (load.acknowledged().await, visitors.gone().await);

        server = Server::start(folder, &["--store", store]).await;
        let found = counters(&client.at(&server.address)).await;
        for worker in 0..CLIENTS {
            let least = counted[worker] + acknowledged[worker];
            // The request that was cut off may have landed; never more than that one.
            assert!(
                (least..=least + 1).contains(&found[worker]),
                "round {round}: {found:?}, {least} of {worker}"
            );
            unanswered += found[worker] - least;
        }
        counted = found;
        sessions += visitors::remaining(visitors, &server.address).await;
    }
    assert!(counted.iter().sum::<u64>() > KILLS * 3);
    assert!(unanswered <= KILLS * CLIENTS as u64);
    server.stop().await;
    sessions
}
