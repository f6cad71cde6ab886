//! `kill -9` under load: what was acknowledged is there, and nothing has to be repaired.
//!
//! A few clients share a session. Each script adds one to a counter of all and one to the client's own, so that the two can
//! be compared: a script that landed in part would show.

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::Client;
use crate::server::{FILE, SQLITE, Server};

const KILLS: u64 = 25;
const CLIENTS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_increment_survives_25_kills_on_files() {
    survives(FILE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_increment_survives_25_kills_on_sqlite() {
    survives(SQLITE).await;
}

async fn survives(store: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &["--store", store]).await;
    let client = server.client();
    client.run(json!([{"insert": ["all", 0]}])).await;
    let mut counted = [0; CLIENTS];
    let mut unanswered = 0;
    for round in 0..KILLS {
        let load = Load::begin(&client.at(&server.address));
        // Another moment each time, told by what was answered and not by a clock.
        let acknowledged = load.until(3 + round * 7 % 23, server).await;
        server = Server::start(folder.path(), &["--store", store]).await;
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
    }
    assert!(counted.iter().sum::<u64>() > KILLS * 3);
    assert!(unanswered <= KILLS * CLIENTS as u64);
    server.stop().await;
}

/// The counter of each client, after a check that they are that of all.
async fn counters(client: &Client) -> [u64; CLIENTS] {
    let data = client.session().await["data"].take();
    let count = |key: &str| data.get(key).and_then(Value::as_u64).unwrap_or(0);
    let counters = std::array::from_fn(|worker| count(&own_key(worker)));
    assert_eq!(counters.iter().sum::<u64>(), count("all"), "{data}");
    counters
}

fn own_key(worker: usize) -> String {
    format!("of client {worker}")
}

/// Clients that increment without a break until their server is dead.
struct Load {
    clients: Vec<tokio::task::JoinHandle<u64>>,
    answers: mpsc::UnboundedReceiver<()>,
}

impl Load {
    fn begin(client: &Client) -> Self {
        let (answered, answers) = mpsc::unbounded_channel();
        let clients = (0..CLIENTS).map(|worker| {
            let (client, answered) = (client.clone(), answered.clone());
            tokio::spawn(async move {
                let steps = json!([{"increment": ["all", 1]}, {"increment": [own_key(worker), 1]}]);
                let mut acknowledged = 0;
                while let Ok(answer) = client.try_run(steps.clone()).await {
                    assert_eq!(answer.status, 200, "{answer:?}");
                    acknowledged += 1;
                    let _ = answered.send(());
                }
                acknowledged
            })
        });
        Self { clients: clients.collect(), answers }
    }

    /// Kills the server after so many answers; says how many each client got.
    async fn until(mut self, answers: u64, server: Server) -> [u64; CLIENTS] {
        for _ in 0..answers {
            self.answers.recv().await.unwrap();
        }
        server.kill().await;
        let mut acknowledged = [0; CLIENTS];
        for (count, client) in acknowledged.iter_mut().zip(self.clients) {
            *count = client.await.unwrap();
        }
        acknowledged
    }
}
