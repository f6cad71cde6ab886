//! Runs scripts and commands on the server.

use std::time::Duration;

use cloakroom_store::{Error, ErrorKind, Result};
use futures_util::future::join_all;
use redis::{Cmd, Pipeline, RedisError, ServerErrorKind, Value, cmd, pipe};

use crate::error::{about_a_record, error, unexpected};
use crate::link::{Again, Aim, Link};
use crate::nodes::Master;
use crate::scripts::{Script, Scripts};

/// How many replicas a write waits for, and how long at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    pub(crate) replicas: u32,
    pub(crate) at_most: Duration,
}

/// The server, or servers.
#[derive(Debug)]
pub(crate) struct Server {
    link: Link,
    /// For writes that wait for replicas: the server reads nothing from a connection while it waits.
    writes: Option<Link>,
    wait: Option<Wait>,
    pub(crate) scripts: Scripts,
}

/// What a server says of itself when the store opens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About {
    /// Whether it knows `SET … IFEQ`.
    pub(crate) compares: bool,
}

/// What a script does, for the case that its answer is lost, and for `WAIT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Read-only, or idempotent and not durable: safe to send again, and no harm if it is lost.
    Looks,
    /// It writes, and twice is like once.
    WritesAgain,
    /// It writes, and is sent once.
    Writes,
}

impl Server {
    pub(crate) fn new(link: Link, writes: Option<Link>, wait: Option<Wait>) -> Self {
        Self { link, writes, wait, scripts: Scripts::new() }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.link.is_cluster()
    }

    /// Runs a script. The first key says in which slot.
    pub(crate) async fn run(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[&[u8]],
        effect: Effect,
    ) -> Result<Value> {
        let aim =
            if self.is_cluster() { Aim::key(keys.first().copied().unwrap_or_default()) } else { Aim::Anyone };
        let called = self.pipeline(call("EVALSHA", &script.sha, keys, arguments), effect);
        let mut answers = self.write_all(&called, &aim, effect).await?;
        if answers.first().is_some_and(is_unknown_script) {
            let told = self.pipeline(call("EVAL", script.code, keys, arguments), effect);
            // Once in the life of a server.
            answers = Box::pin(self.write_all(&told, &aim, effect)).await?;
        }
        self.confirmed(answers)
    }

    /// Sends one command that writes.
    pub(crate) async fn write(&self, command: Cmd, aim: &Aim, effect: Effect) -> Result<Value> {
        let answers = self.write_all(&self.pipeline(command, effect), aim, effect).await?;
        self.confirmed(answers)
    }

    /// Returns the answer of a command, if as many replicas have it as are waited for.
    fn confirmed(&self, mut answers: Vec<Value>) -> Result<Value> {
        let confirmed = (answers.len() > 1).then(|| answers.pop()).flatten();
        let answer = only(answers)?;
        match (self.wait, confirmed) {
            (Some(wait), Some(confirmed)) => check_confirmed(wait, confirmed).map(|()| answer),
            _ => Ok(answer),
        }
    }

    /// Sends one command that only looks.
    pub(crate) async fn look_at(&self, command: Cmd, aim: &Aim) -> Result<Value> {
        let mut pipeline = pipe();
        pipeline.add_command(command);
        only(self.send(&pipeline, aim).await?)
    }

    /// Sends commands that only look, to one node; each has an answer, or an error.
    pub(crate) async fn send(&self, pipeline: &Pipeline, aim: &Aim) -> Result<Vec<Value>> {
        self.link.send(pipeline, aim, Again::Safe).await.map_err(|cause| error(&cause))
    }

    /// Returns a command, and the wait for replicas if it writes.
    fn pipeline(&self, command: Cmd, effect: Effect) -> Pipeline {
        let mut pipeline = pipe();
        pipeline.add_command(command);
        if let (Some(wait), true) = (self.wait, effect != Effect::Looks) {
            let at_most = u64::try_from(wait.at_most.as_millis()).unwrap_or(u64::MAX).max(1); // 0 is for ever
            pipeline.cmd("WAIT").arg(wait.replicas).arg(at_most);
        }
        pipeline
    }

    async fn write_all(&self, pipeline: &Pipeline, aim: &Aim, effect: Effect) -> Result<Vec<Value>> {
        let link = match effect {
            Effect::Looks => &self.link,
            Effect::Writes | Effect::WritesAgain => self.writes.as_ref().unwrap_or(&self.link),
        };
        let again = if effect == Effect::Writes { Again::Never } else { Again::Safe };
        link.send(pipeline, aim, again).await.map_err(|cause| error(&cause))
    }

    /// Sends one command that writes, if the server knows it; `None` if it does not, and nothing was done.
    pub(crate) async fn write_if_known(&self, command: Cmd, aim: &Aim) -> Result<Option<Value>> {
        let effect = Effect::Writes;
        let answers = self.write_all(&self.pipeline(command, effect), aim, effect).await?;
        if answers.first().is_some_and(is_unknown) {
            return Ok(None);
        }
        self.confirmed(answers).map(Some)
    }

    /// Looks whether the server is one that the store can use, and what it can do.
    pub(crate) async fn look(&self) -> Result<About> {
        let info = match self.look_at(cmd("INFO").arg("server").take(), &Aim::Anyone).await {
            Ok(info) => text(info)?,
            // The ACL denies the command: goes on without the check.
            Err(error) if error.kind() == ErrorKind::Setup && is_about_permission(&error) => {
                return Ok(About::default());
            }
            Err(error) => return Err(error),
        };
        check_server(&info, self.is_cluster())?;
        Ok(About { compares: compares(&info) })
    }

    /// Looks whether a server removes keys when its memory is used up. One that does not say is let pass.
    pub(crate) async fn look_for_eviction(&self) -> Result<()> {
        let Ok(masters) = self.masters().await else { return Ok(()) };
        let aims: Vec<_> = masters.iter().map(Master::aim).collect();
        let looks = aims.iter().map(|aim| self.look_at(cmd("INFO").arg("memory").take(), aim));
        for info in join_all(looks).await.into_iter().flatten() {
            check_eviction(&text(info)?)?;
        }
        Ok(())
    }
}

fn call(name: &str, script: &str, keys: &[&str], arguments: &[&[u8]]) -> Cmd {
    let size = script.len() + arguments.iter().map(|argument| argument.len()).sum::<usize>() + 400;
    let mut command = Cmd::with_capacity(3 + keys.len() + arguments.len(), size);
    command.arg(name).arg(script).arg(keys.len());
    command.arg(keys).arg(arguments);
    command
}

fn is_unknown_script(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

/// Returns whether the server did not know a command, or one of its words: the error has no code of its own.
fn is_unknown(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ResponseError))
}

/// Returns the answer of the one command that there was.
pub(crate) fn only(answers: Vec<Value>) -> Result<Value> {
    match answers.into_iter().next() {
        Some(Value::ServerError(cause)) => Err(about_a_record(&RedisError::from(cause))),
        Some(answer) => Ok(answer),
        None => Err(unexpected()),
    }
}

fn check_confirmed(wait: Wait, confirmed: Value) -> Result<()> {
    match confirmed {
        Value::Int(replicas) if replicas >= i64::from(wait.replicas) => Ok(()),
        Value::Int(_) => Err(Error::new(
            ErrorKind::Unavailable,
            "the master has the write, but fewer replicas than asked for have it",
        )),
        Value::ServerError(cause) => Err(error(&RedisError::from(cause))),
        _ => Err(unexpected()),
    }
}

fn is_about_permission(error: &Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.to_string().ends_with("NOPERM"))
}

/// Returns an answer that is text.
pub(crate) fn text(answer: Value) -> Result<String> {
    match answer {
        Value::BulkString(bytes) => String::from_utf8(bytes).map_err(|_| unexpected()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Ok(text),
        _ => Err(unexpected()),
    }
}

/// Returns the line `name:value` of what `INFO` answers.
pub(crate) fn line<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// Returns whether a server that says this of itself knows `SET … IFEQ`: Valkey 8.1 and newer. Redis 8.4 has it too, but no test
/// of ours has met one.
fn compares(info: &str) -> bool {
    let mut numbers = line(info, "valkey_version").unwrap_or_default().split('.').map(str::parse::<u32>);
    matches!((numbers.next(), numbers.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (8, 1))
}

fn check_server(info: &str, as_cluster: bool) -> Result<()> {
    let setup = |message: &str| Err(Error::new(ErrorKind::Setup, message));
    let major =
        line(info, "redis_version").and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    if major.is_some_and(|major| major < 7) {
        return setup("the server is too old; it must be Redis 7.0 or newer, or Valkey");
    }
    match (line(info, "redis_mode"), as_cluster) {
        (Some("cluster"), false) => {
            setup("the server is a node of a cluster; open it with redis+cluster://, or a cluster's nodes")
        }
        (Some("sentinel"), _) => {
            setup("the server is a sentinel; open it with redis+sentinel://host:port,host:port/mymaster")
        }
        (Some("standalone"), true) => setup("the server is not a cluster; open it with redis://"),
        _ => Ok(()),
    }
}

fn check_eviction(info: &str) -> Result<()> {
    match line(info, "maxmemory_policy") {
        None | Some("noeviction") => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::Setup,
            "the server would remove sessions and revocations when its memory is used up; set its maxmemory-policy to \
                noeviction, or open the store with allow_eviction=true",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(info: &str, as_cluster: bool) -> Option<ErrorKind> {
        check_server(info, as_cluster).err().map(|error| error.kind())
    }

    #[test]
    fn a_server_that_is_too_old_or_of_another_kind_is_refused() {
        let server = |version: &str, mode: &str| {
            format!("# Server\r\nredis_version:{version}\r\nredis_mode:{mode}\r\n")
        };
        assert_eq!(kind(&server("7.0.15", "standalone"), false), None);
        assert_eq!(kind(&server("7.2.4", "cluster"), true), None);
        assert_eq!(kind(&server("6.2.19", "standalone"), false), Some(ErrorKind::Setup));
        assert_eq!(kind(&server("7.0.15", "cluster"), false), Some(ErrorKind::Setup));
        assert_eq!(kind(&server("7.0.15", "standalone"), true), Some(ErrorKind::Setup));
        assert_eq!(kind(&server("7.0.15", "sentinel"), false), Some(ErrorKind::Setup));
        assert_eq!(kind("", false), None);
    }

    #[test]
    fn only_valkey_since_8_1_compares() {
        let says = |version: &str| compares(&format!("redis_version:7.2.4\r\n{version}\r\n"));
        assert!(
            ["valkey_version:8.1.0", "valkey_version:9.0.0", "valkey_version:10.0.1"]
                .iter()
                .all(|it| says(it))
        );
        assert!(
            ![
                "valkey_version:8.0.9",
                "valkey_version:7.2.5",
                "valkey_version:x.9",
                "redis_version:8.4.0",
                ""
            ]
            .iter()
            .any(|it| says(it))
        );
    }

    #[test]
    fn every_policy_but_noeviction_is_refused_and_a_server_that_names_none_is_not() {
        let kind = |info: &str| check_eviction(info).err().map(|error| error.kind());
        assert_eq!(kind("# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n"), None);
        assert_eq!(kind("# Memory\r\nmaxmemory:0\r\n"), None);
        for policy in ["allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl", "of another time"] {
            assert_eq!(kind(&format!("maxmemory_policy:{policy}\r\n")), Some(ErrorKind::Setup), "{policy}");
        }
    }

    #[test]
    fn fewer_replicas_than_asked_for_is_an_error() {
        let wait = Wait { replicas: 2, at_most: Duration::from_millis(1) };
        assert!(check_confirmed(wait, Value::Int(2)).is_ok());
        assert_eq!(check_confirmed(wait, Value::Int(1)).unwrap_err().kind(), ErrorKind::Unavailable);
    }
}
