//! Sends commands to the servers, and opens a new connection when the old one is broken.

mod aim;
mod cluster;
mod dial;
mod line;

use std::fmt;
use std::time::{Duration, Instant};

use redis::aio::{ConnectionLike, ConnectionManager, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::{Pipeline, RedisError, RedisResult, Value};

use crate::error::{is_broken, is_refused};
pub(crate) use aim::{Aim, Node};
pub(crate) use dial::{Dial, Timeouts};
use line::Line;

/// Whether a step may be sent again whose answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Twice has the effect of once.
    Safe,
    /// Never sent again: the caller has to find out whether it took effect.
    Never,
}

/// Connections, and how long to try.
pub(crate) struct Link {
    way: Way,
    /// How long to go on where a server refuses because another one is responsible by now.
    patience: Duration,
}

enum Way {
    /// One server, or the master that the sentinels name.
    Server(Line<MultiplexedConnection>),
    /// A connection of the application's, which looks after itself.
    Given(ConnectionManager),
    Cluster(Line<ClusterConnection>),
}

impl Link {
    pub(crate) fn new(dial: Dial, patience: Duration) -> Self {
        let way = match dial {
            Dial::Server(dial) => Way::Server(Line::new(dial)),
            Dial::Given(manager) => Way::Given(manager),
            Dial::Cluster(dial) => Way::Cluster(Line::new(dial)),
        };
        Self { way, patience }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.way, Way::Cluster(_))
    }

    /// Sends commands in one trip, in order and with nothing in between, and hands back an answer for each.
    ///
    /// An error of a command is among the answers, except that the first command's, if the server refused to carry it
    /// out where it was sent, has all of them sent again while there is patience.
    pub(crate) async fn send(&self, pipeline: &Pipeline, aim: &Aim, again: Again) -> RedisResult<Vec<Value>> {
        match Turn::of(self.send_once(pipeline, aim).await) {
            Turn::Over(answers) => answers,
            // Rare, and a large future.
            trouble => Box::pin(self.send_again(pipeline, aim, again, trouble)).await,
        }
    }

    async fn send_again(
        &self,
        pipeline: &Pipeline,
        aim: &Aim,
        mut again: Again,
        mut turn: Turn,
    ) -> RedisResult<Vec<Value>> {
        let (began, mut pause, mut redirected) = (Instant::now(), FIRST_PAUSE, None);
        loop {
            match turn {
                Turn::Over(answers) => return answers,
                Turn::Lost(error) if again == Again::Never => return Err(error),
                Turn::Lost(_) => again = Again::Never,
                Turn::Refused(refused) => {
                    if !self.may_be_elsewhere(&refused) || began.elapsed() + pause > self.patience {
                        return Err(refused);
                    }
                    let asked_before = redirected.is_some();
                    redirected = Aim::asked(&refused);
                    if asked_before || redirected.is_none() {
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
            turn = Turn::of(self.send_once(pipeline, redirected.as_ref().unwrap_or(aim)).await);
        }
    }

    async fn send_once(&self, pipeline: &Pipeline, aim: &Aim) -> RedisResult<Vec<Value>> {
        match &self.way {
            Way::Given(manager) => send_to(manager.clone(), pipeline).await,
            Way::Server(line) => {
                let dialed = line.dialed();
                let answers = match dialed.clone().await {
                    Ok(connection) => send_to(connection, pipeline).await,
                    Err(error) => {
                        line.discard(&dialed);
                        return Err(error);
                    }
                };
                if broken(&answers) {
                    line.discard(&dialed);
                }
                answers
            }
            Way::Cluster(line) => Box::pin(cluster::send(line, pipeline, aim)).await,
        }
    }

    /// Returns whether another server may carry out what this one refused.
    fn may_be_elsewhere(&self, refused: &RedisError) -> bool {
        self.is_cluster() || is_broken(refused)
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What came of sending commands.
enum Turn {
    /// Nothing more is to be done.
    Over(RedisResult<Vec<Value>>),
    /// The first command was not carried out, and may be elsewhere.
    Refused(RedisError),
    /// The connection broke, and whether the command took effect is unknown.
    Lost(RedisError),
}

impl Turn {
    fn of(answers: RedisResult<Vec<Value>>) -> Self {
        match answers {
            Ok(answers) => match refusal(&answers) {
                Some(refusal) => Self::Refused(refusal),
                None => Self::Over(Ok(answers)),
            },
            Err(error) if is_refused(&error) => Self::Refused(error),
            Err(error) if error.is_connection_dropped() => Self::Lost(error),
            Err(error) => Self::Over(Err(error)),
        }
    }
}

async fn send_to(mut connection: impl ConnectionLike, pipeline: &Pipeline) -> RedisResult<Vec<Value>> {
    connection.req_packed_commands(pipeline, 0, pipeline.len()).await
}

/// Returns the error of the first command, if it was not carried out and may be elsewhere.
fn refusal(answers: &[Value]) -> Option<RedisError> {
    match answers.first() {
        Some(Value::ServerError(error)) => Some(RedisError::from(error.clone())).filter(is_refused),
        _ => None,
    }
}

/// Returns whether this connection must not be used again.
fn broken(answers: &RedisResult<Vec<Value>>) -> bool {
    match answers {
        Ok(answers) => refusal(answers).is_some_and(|error| is_broken(&error)),
        Err(error) => is_broken(error),
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.way {
            Way::Server(_) => "Server",
            Way::Given(_) => "Given",
            Way::Cluster(_) => "Cluster",
        })
    }
}
