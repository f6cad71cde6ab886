//! What clients do while their sessions move.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::dice::Dice;
use serde_json::{Value, json};

use crate::Result;
use crate::migration::client::{Client, Fate, Seen, coat};
use crate::migration::http::{Answer, Browser};
use crate::migration::processes::Addresses;

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Traffic {
    pub(crate) addresses: Addresses,
    pub(crate) over: AtomicBool,
    pub(crate) asked: AtomicU64,
    pub(crate) unanswered: AtomicU64,
    /// Numbers of sessions that begin meanwhile, and of writes.
    pub(crate) numbers: AtomicU32,
}

/// Some clients, who act one after the other.
#[derive(Debug)]
pub(crate) struct Crowd {
    traffic: Arc<Traffic>,
    browsers: [Browser; 2],
    dice: Dice,
    pub(crate) clients: Vec<Client>,
    /// Sessions that may have begun although no client received their ids.
    pub(crate) strays: u64,
    pub(crate) wrong: Vec<String>,
}

impl Crowd {
    pub(crate) fn new(traffic: &Arc<Traffic>, clients: Vec<Client>, seed: u64) -> Self {
        let browsers = [(); 2].map(|()| Browser::new(&traffic.addresses));
        let (traffic, dice) = (Arc::clone(traffic), Dice::new(seed));
        Self { traffic, browsers, dice, clients, strays: 0, wrong: Vec::new() }
    }

    /// Acts until it is over.
    pub(crate) async fn act(mut self) -> Self {
        while !self.traffic.over.load(Ordering::Relaxed) {
            let at = self.dice.below(self.clients.len());
            let act = self.dice.below(100);
            if act < 4 {
                self.begin().await;
                continue;
            }
            let mut client = self.clients.swap_remove(at);
            match act {
                _ if client.fate != Fate::Here => self.look(&mut client).await,
                4..=39 => self.look(&mut client).await,
                40..=79 => self.write_twice_at_once(&mut client).await,
                80..=86 => self.renew(&mut client, json!({"cycle_id": true})).await,
                87..=93 => self.log_in(&mut client).await,
                // Half of the clients are only ever used, so that there is always one.
                _ if client.number.is_multiple_of(2) => self.look(&mut client).await,
                _ => self.end(&mut client).await,
            }
            self.clients.push(client);
        }
        self
    }

    async fn begin(&mut self) {
        let number = self.number();
        let steps = json!([{"insert": ["number", number]}, {"insert": ["coat", coat(number)]}]);
        match self.run("", steps).await {
            Ok(Answer { status: 200, cookie: Some(cookie), .. }) => {
                self.clients.push(Client::new(number, cookie, false));
            }
            _ => self.strays += 1,
        }
    }

    async fn look(&mut self, client: &mut Client) {
        let Ok(answer) = self.run(&client.cookie, json!([])).await else { return };
        if answer.status == 200 {
            self.wrong.extend(client.judge(seen(&answer.body).as_ref()));
        }
    }

    /// Through both processes, in two requests that overlap.
    async fn write_twice_at_once(&mut self, client: &mut Client) {
        let tags = [self.number(), self.number()];
        let bodies = tags.map(|tag| json!({"do": [{"push": ["tags", tag]}, {"increment": ["count", 1]}]}));
        let [one, other] = &mut self.browsers;
        let cookie = &client.cookie;
        let (one, other) = tokio::join!(
            one.ask(0, "POST /api/do", cookie, &bodies[0]),
            other.ask(1, "POST /api/do", cookie, &bodies[1])
        );
        for (tag, answer) in tags.into_iter().zip([one, other]) {
            match self.counted(answer) {
                Ok(answer) if answer.status == 200 && is_of(&answer, client) => client.tags.push(tag),
                Ok(answer) if answer.status == 200 => {
                    self.wrong.push(format!("session {} was not there for a write", client.number));
                }
                _ => client.perhaps.push(tag),
            }
        }
    }

    async fn log_in(&mut self, client: &mut Client) {
        client.logged_in = true;
        let step = json!({"log_in": client.user()});
        self.renew(client, step).await;
    }

    /// Gets a new id, by one step or another.
    async fn renew(&mut self, client: &mut Client, step: Value) {
        match self.run(&client.cookie, json!([step])).await {
            Ok(Answer { status: 200, cookie: Some(cookie), body }) => {
                let of = body["session"]["data"]["number"].as_u64();
                if of != Some(client.number.into()) {
                    self.wrong.push(format!("session {} was not there for a new id", client.number));
                }
                client.former.push(std::mem::replace(&mut client.cookie, cookie));
            }
            _ => client.fate = Fate::PerhapsElsewhere,
        }
    }

    /// Logs out, or is logged out everywhere; then the session must not be found at either process.
    async fn end(&mut self, client: &mut Client) {
        let ended = if client.logged_in && self.dice.percent(50) {
            let which = self.dice.below(2);
            let body = json!({"user": client.user()});
            let answer = self.browsers[0].ask(which, "POST /api/revoke", "", &body).await;
            self.counted(answer)
        } else {
            self.run(&client.cookie, json!([{"log_out": true}])).await
        };
        client.fate = match ended {
            Ok(answer) if answer.status == 200 => Fate::Ended,
            _ => Fate::PerhapsEnded,
        };
        for _ in 0..2 {
            self.look(client).await;
        }
    }

    /// Runs steps at either process.
    async fn run(&mut self, cookie: &str, steps: Value) -> Result<Answer> {
        let which = self.dice.below(2);
        let answer = self.browsers[0].ask(which, "POST /api/do", cookie, &json!({"do": steps})).await;
        self.counted(answer)
    }

    fn counted(&mut self, answer: Result<Answer>) -> Result<Answer> {
        self.traffic.asked.fetch_add(1, Ordering::Relaxed);
        if !matches!(&answer, Ok(answer) if answer.status == 200) {
            self.traffic.unanswered.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }

    fn number(&self) -> u32 {
        self.traffic.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// Returns whether an answer shows the client's session.
fn is_of(answer: &Answer, client: &Client) -> bool {
    seen(&answer.body).is_some_and(|seen| seen.number == client.number)
}

/// The session that an answer shows.
fn seen(body: &Value) -> Option<Seen> {
    let session = &body["session"];
    let seen: Seen = serde_json::from_value(session["data"].clone()).ok()?;
    let user = session["user"].as_str().map(str::to_owned);
    session["exists"].as_bool().unwrap_or(false).then_some(Seen { user, ..seen })
}
