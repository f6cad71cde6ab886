//! From the client's errors to the contract's kinds of error: the only place that maps them.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use cloakroom_store::{Error, ErrorKind};
use redis::{ErrorKind as Kind, RedisError, ServerErrorKind as Server};

use crate::layout::damaged;

/// Makes an error of the client's.
pub(crate) fn error(error: &RedisError) -> Error {
    let (kind, message) = explain(error);
    Error::new(kind, message).with_source(Cause::of(error))
}

/// What is shown of the cause: the code of the server's answer, or what the network and TLS reported. Never the server's
/// own words, which may quote a key.
#[derive(Debug)]
struct Cause(String);

impl Cause {
    fn of(error: &RedisError) -> Self {
        Self(match (error.kind(), error.code()) {
            (Kind::Io, _) => error.to_string(),
            (_, Some(code)) if code.bytes().all(|byte| byte.is_ascii_uppercase()) && code.len() <= 20 => {
                format!("the server answered {code}")
            }
            (Kind::Server(_) | Kind::Extension, _) => "the server answered with an error".into(),
            (kind, _) => format!("{kind:?}"),
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

/// Returns what an error means to a caller, and what to do.
fn explain(error: &RedisError) -> (ErrorKind, &'static str) {
    use ErrorKind::{Invalid, Other, Setup, Unavailable};
    match error.kind() {
        Kind::Io if is_about_a_certificate(error) => (
            Setup,
            "TLS failed: the server's certificate was not accepted, so name its authority as root certificate, \
                and the host as the certificate does; or the server wants a certificate of the client",
        ),
        Kind::Io if error.is_timeout() => {
            (Unavailable, "the server did not answer within the response timeout")
        }
        Kind::Io => (Unavailable, "the server cannot be reached, or the connection broke"),
        Kind::AuthenticationFailed => PASSWORD,
        Kind::RESP3NotSupported => (Setup, "the server does not speak RESP3; leave the protocol out"),
        Kind::ClusterConnectionNotFound => {
            (Unavailable, "a node of the cluster cannot be reached, or none has these keys")
        }
        Kind::MasterNameNotFoundBySentinel => {
            (Unavailable, "the sentinels know no master of this name that is up; is the name right?")
        }
        Kind::NoValidReplicasFoundBySentinel => (Unavailable, "the sentinels know no server that is up"),
        Kind::EmptySentinelList => (Invalid, "no sentinel is named"),
        Kind::InvalidClientConfig | Kind::Client => {
            (Setup, "the client cannot be set up like this; look at the certificates and the nodes")
        }
        Kind::Parse | Kind::UnexpectedReturnType => {
            (Other, "the server did not answer as Redis does; is it one?")
        }
        Kind::Server(kind) => explain_server(kind, error.detail().unwrap_or_default()),
        Kind::Extension => explain_code(error.code().unwrap_or_default()),
        _ => (Other, "the client gave an error that this version does not know"),
    }
}

const PASSWORD: (ErrorKind, &str) =
    (ErrorKind::Setup, "the server refused user or password; name the right ones in the URL");
const OLD: (ErrorKind, &str) = (
    ErrorKind::Setup,
    "the server does not know a command; it must be Redis 7.0 or newer, or Valkey, and must not rename commands",
);
const NOT_A_CLUSTER: (ErrorKind, &str) =
    (ErrorKind::Setup, "the server is not a cluster; open it with redis:// instead of redis+cluster://");

fn explain_server(kind: Server, detail: &str) -> (ErrorKind, &'static str) {
    use ErrorKind::{Other, Setup, TooLarge, Unavailable};
    match kind {
        Server::BusyLoading => (Unavailable, "the server is loading its data; wait until it is done"),
        Server::ReadOnly => (Unavailable, "the server is a replica now; the new master is not known yet"),
        Server::MasterDown => (Unavailable, "the server is a replica and has lost its master"),
        Server::ClusterDown => (Unavailable, "the cluster is down: some of its slots have no master"),
        Server::Moved | Server::Ask | Server::TryAgain => (
            Unavailable,
            "the cluster is moving these keys, or the server is a node of one: then open the cluster",
        ),
        Server::CrossSlot => (Setup, "the server is a node of a cluster; open it with redis+cluster://"),
        Server::NoPerm => {
            (Setup, "the user may not do this; its ACL must allow scripts, and all commands on the prefix")
        }
        Server::ResponseError if detail.starts_with("unknown command") => OLD,
        Server::ResponseError if detail.contains("cluster support disabled") => NOT_A_CLUSTER,
        Server::ResponseError if detail.starts_with("max number of clients") => {
            (Unavailable, "the server has no connection left; raise its maxclients")
        }
        Server::ResponseError if detail.contains("string exceeds maximum allowed size") => {
            (TooLarge, "larger than the server's proto-max-bulk-len")
        }
        Server::ResponseError if detail.starts_with("AUTH ") => PASSWORD,
        _ => (Other, "the server could not do as asked"),
    }
}

/// Maps the codes that the client has no name for.
fn explain_code(code: &str) -> (ErrorKind, &'static str) {
    use ErrorKind::{Corrupt, Full, Other, Setup, Unavailable};
    match code {
        "NOAUTH" | "WRONGPASS" => PASSWORD,
        "OOM" => (
            Full,
            "the server has used up its maxmemory; give it more, and let it evict nothing (noeviction)",
        ),
        "MISCONF" => {
            (Setup, "the server cannot save to its disk, and takes no writes until it can; look into its log")
        }
        "NOREPLICAS" => (Unavailable, "the server has fewer replicas than it wants for a write"),
        "BUSY" => (Unavailable, "the server is busy with another client's script"),
        "UNBLOCKED" => (Unavailable, "the server became a replica during the operation"),
        "WRONGTYPE" | "CLOAKROOM" => {
            (Corrupt, "the value under a record's key is not a record of cloakroom-redis")
        }
        "DENIED" => (Setup, "the server is in protected mode; give it a password or an address to bind to"),
        _ => (Other, "the server could not do as asked"),
    }
}

fn is_about_a_certificate(error: &RedisError) -> bool {
    let io = error.source().and_then(|source| source.downcast_ref::<Arc<dyn StdError + Send + Sync>>());
    let io = io.and_then(|source| source.downcast_ref::<io::Error>());
    let tls = io.and_then(io::Error::get_ref).and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)))
}

/// Returns whether the server refused without doing anything, so that asking again is safe and may help.
pub(crate) fn is_refused(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        Kind::ClusterConnectionNotFound
            | Kind::Server(
                Server::Moved | Server::Ask | Server::TryAgain | Server::ClusterDown | Server::ReadOnly
            )
    )
}

/// Returns whether the connection cannot be used any more: the next request makes a new one.
pub(crate) fn is_broken(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        Kind::Io
            | Kind::Parse
            | Kind::AuthenticationFailed
            | Kind::Server(Server::ReadOnly | Server::MasterDown)
    )
}

/// Maps kinds of the client that mean a corrupt record to that; others as [`error`] does.
pub(crate) fn about_a_record(cause: &RedisError) -> Error {
    match cause.code() {
        Some("WRONGTYPE" | "CLOAKROOM") => damaged(),
        _ => error(cause),
    }
}

/// Makes the error for an answer that no script of ours gives.
pub(crate) fn unexpected() -> Error {
    Error::new(ErrorKind::Other, "the server gave an answer that its script does not give")
}

#[cfg(test)]
mod tests {
    use redis::parse_redis_value;

    use super::*;

    fn answered(line: &str) -> Error {
        let value = parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        error(&value.extract_error().unwrap_err())
    }

    #[test]
    fn every_answer_that_a_caller_can_act_on_has_its_kind() {
        for (line, kind) in [
            ("LOADING Redis is loading the dataset in memory", ErrorKind::Unavailable),
            ("READONLY You can't write against a read only replica.", ErrorKind::Unavailable),
            ("MASTERDOWN Link with MASTER is down", ErrorKind::Unavailable),
            ("CLUSTERDOWN The cluster is down", ErrorKind::Unavailable),
            ("TRYAGAIN Multiple keys request during rehashing of slot", ErrorKind::Unavailable),
            ("MOVED 3999 127.0.0.1:6381", ErrorKind::Unavailable),
            ("ASK 3999 127.0.0.1:6381", ErrorKind::Unavailable),
            ("CROSSSLOT Keys in request don't hash to the same slot", ErrorKind::Setup),
            ("NOAUTH Authentication required.", ErrorKind::Setup),
            ("WRONGPASS invalid username-password pair", ErrorKind::Setup),
            ("NOPERM this user has no permissions to run the 'evalsha' command", ErrorKind::Setup),
            ("OOM command not allowed when used memory > 'maxmemory'.", ErrorKind::Full),
            ("MISCONF Redis is configured to save RDB snapshots", ErrorKind::Setup),
            ("NOREPLICAS Not enough good replicas to write.", ErrorKind::Unavailable),
            ("BUSY Redis is busy running a script.", ErrorKind::Unavailable),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", ErrorKind::Corrupt),
            ("CLOAKROOM the record is damaged or foreign", ErrorKind::Corrupt),
            ("ERR unknown command 'EVALSHA', with args beginning with: 'secret'", ErrorKind::Setup),
            ("ERR This instance has cluster support disabled", ErrorKind::Setup),
            ("ERR max number of clients reached", ErrorKind::Unavailable),
            ("ERR string exceeds maximum allowed size (proto-max-bulk-len)", ErrorKind::TooLarge),
            ("ERR something else", ErrorKind::Other),
        ] {
            assert_eq!(answered(line).kind(), kind, "{line}");
        }
    }

    #[test]
    fn an_error_shows_the_code_and_none_of_the_server_s_own_words() {
        let error = answered("OOM secret");
        assert!(!format!("{error:?} {error}").contains("secret"));
        assert_eq!(error.source().unwrap().to_string(), "the server answered OOM");
        let error = answered("ERR unknown command 'EVALSHA', with args beginning with: 'secret'");
        assert!(!format!("{error:?} {error}").contains("secret"));
    }
}
