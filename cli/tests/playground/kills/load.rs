//! A few clients share a session. Each script adds one to a counter of all and one to the client's own, so that the two
//! can be compared: a script that landed in part would show.

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::Client;

pub(super) const CLIENTS: usize = 4;

/// The counter of each client, after a check that they are that of all.
pub(super) async fn counters(client: &Client) -> [u64; CLIENTS] {
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
pub(super) struct Load {
    clients: Vec<tokio::task::JoinHandle<u64>>,
    answers: mpsc::UnboundedReceiver<()>,
}

impl Load {
    pub(super) fn begin(client: &Client) -> Self {
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

    /// Waits for so many answers.
    pub(super) async fn answered(&mut self, times: u64) {
        for _ in 0..times {
            self.answers.recv().await.unwrap();
        }
    }

    /// How many answers each client got from a server that is dead now.
    pub(super) async fn acknowledged(self) -> [u64; CLIENTS] {
        let mut acknowledged = [0; CLIENTS];
        for (count, client) in acknowledged.iter_mut().zip(self.clients) {
            *count = client.await.unwrap();
        }
        acknowledged
    }
}
