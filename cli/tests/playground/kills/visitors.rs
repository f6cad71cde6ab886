//! Visitors log in, and some of them log out, until their server is dead.

use serde_json::json;
use tokio::task::JoinHandle;

use crate::client::Client;

/// What a visitor knows when the server dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    In,
    Out,
    /// The log-in had no answer, so the visitor has no cookie.
    PerhapsIn,
    /// The log-out had no answer.
    PerhapsOut,
}

/// A visitor, with the last cookie that they had.
#[derive(Debug)]
pub(super) struct Visitor {
    client: Client,
    name: String,
    known: Known,
}

pub(super) struct Visitors(JoinHandle<Vec<Visitor>>);

impl Visitors {
    /// One after the other comes; every other one leaves at once.
    pub(super) fn begin(client: &Client, round: u64) -> Self {
        let client = client.clone();
        Self(tokio::spawn(async move {
            let mut visitors = Vec::new();
            for number in 0.. {
                let visitor = visit(client.stranger(), format!("{round}-{number}"), number % 2 == 1).await;
                let is_last = matches!(visitor.known, Known::PerhapsIn | Known::PerhapsOut);
                visitors.push(visitor);
                if is_last {
                    break;
                }
            }
            visitors
        }))
    }

    /// All visitors who came, once the server is dead.
    pub(super) async fn gone(self) -> Vec<Visitor> {
        self.0.await.unwrap()
    }
}

async fn visit(client: Client, name: String, leaves: bool) -> Visitor {
    let came = client.try_run(json!([{"log_in": name}, {"insert": ["name", name]}])).await.is_ok();
    if !came || !leaves {
        let known = if came { Known::In } else { Known::PerhapsIn };
        return Visitor { client, name, known };
    }
    let before = client.copy();
    let left = client.try_run(json!([{"log_out": true}])).await.is_ok();
    let known = if left { Known::Out } else { Known::PerhapsOut };
    Visitor { client: before, name, known }
}

/// Asks the next server about all of them; returns how many have a session.
pub(super) async fn remaining(visitors: Vec<Visitor>, address: &str) -> usize {
    let mut sessions = 0;
    for visitor in visitors {
        let client = visitor.client.at(address);
        let seen = client.session().await;
        let listed = client.get(&format!("/api/sessions?user={}", visitor.name)).await.json();
        let listed = listed["sessions"].as_array().unwrap().len();
        let is_in = seen["user"] == *visitor.name;
        if is_in {
            assert_eq!(seen["data"], json!({"name": visitor.name}), "a log-in is whole");
        }
        match visitor.known {
            Known::In => assert!(is_in && listed == 1, "a log-in is lost: {visitor:?}, {seen}"),
            Known::Out => assert!(!is_in && listed == 0, "a log-out is undone: {visitor:?}, {seen}"),
            Known::PerhapsIn => assert!(!is_in && listed <= 1, "{visitor:?}, {seen}"),
            Known::PerhapsOut => assert_eq!(listed, usize::from(is_in), "{visitor:?}, {seen}"),
        }
        sessions += listed;
    }
    sessions
}
