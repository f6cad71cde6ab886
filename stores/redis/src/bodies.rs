//! Bodies of Node's sessions, as connect-redis and koa-redis keep them.
//!
//! A body is a string under the prefix and the id, with a time to live in whole seconds. The mark of a session that has
//! ended is in the same hash slot, under a name that does not begin with the prefix.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_store::{
    Body, BodyCapabilities, BodyIds, BodyStore, Bytes, Clock, Cursor, Ended, Error, ErrorKind, IdPage,
    Replaced, Result, Timestamp, Version, async_trait,
};
use redis::{Pipeline, RedisError, Value, pipe};
use sha1::{Digest as _, Sha1};

use crate::cursor::At;
use crate::error::{about_a_record, unexpected};
use crate::layout::pattern_of;
use crate::link::Aim;
use crate::records::code;
use crate::scan::STEP;
use crate::server::{Effect, Server, text as text_of};

/// Keeps the bodies of Node's sessions in Redis or Valkey, as connect-redis (all versions) and koa-redis do.
///
/// [`Builder::build_bodies`](crate::Builder::build_bodies) makes one. Set the prefix that the Node application uses: `sess:`
/// for connect-redis, `koa:sess:` for koa-generic-session.
///
/// | | as it is kept |
/// |---|---|
/// | key | prefix and id |
/// | value | the body, a string |
/// | time to live | whole seconds, rounded up |
/// | mark of an end | `cloakroom-ended:{prefix and id}` = `1`, for a day after it was last needed |
///
/// The first eight bytes of the body's SHA-1 stand for it when it is replaced.
#[derive(Clone)]
pub struct RedisBodies(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) server: Server,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) prefix: String,
    pub(crate) largest: usize,
}

/// How long the mark of an end stays: a body that is written back meanwhile is not seen, and is removed when it is read.
const MARKED: Duration = Duration::from_secs(24 * 60 * 60);

/// What the name of a mark begins with, and what it ends with where the braces are the session's.
const MARK: &str = "cloakroom-ended";
const MARK_BEHIND: &str = ":cloakroom-ended";

/// The names of a session's body and of the mark of its end.
struct Names {
    body: String,
    mark: String,
}

impl Inner {
    fn names(&self, id: &str) -> Names {
        let body = format!("{}{id}", self.prefix);
        // Braces in a name say what decides the slot. No package makes ids with braces.
        let mark = if body.contains(['{', '}']) {
            format!("{body}{MARK_BEHIND}")
        } else {
            format!("{MARK}:{{{body}}}")
        };
        Names { body, mark }
    }

    async fn run(&self, script: &str, names: &Names, arguments: &[&[u8]]) -> Result<Value> {
        let scripts = &self.server.scripts;
        let (script, effect) = match script {
            "touch" => (&scripts.touch_body, Effect::WritesAgain),
            "insert" => (&scripts.insert_body, Effect::Writes),
            "replace" => (&scripts.replace_body, Effect::Writes),
            _ => (&scripts.end_body, Effect::Writes),
        };
        self.server.run(script, &[&names.body, &names.mark], arguments, effect).await
    }

    /// Returns the seconds that a body lives from now on; `None` for ever.
    fn seconds(&self, expires_at: Timestamp) -> Option<u64> {
        if expires_at == Timestamp::NEVER {
            return None;
        }
        let left = expires_at.since(self.clock.now());
        Some(left.as_secs() + u64::from(left.subsec_nanos() > 0))
    }

    fn body(&self, bytes: Vec<u8>, left: i64) -> Body {
        let expires_at = match u64::try_from(left) {
            Ok(millis) => self.clock.now() + Duration::from_millis(millis),
            Err(_) => Timestamp::NEVER,
        };
        let version = version_of(&bytes);
        Body::new(Bytes::from(bytes), expires_at, version)
    }

    fn check(&self, body: &[u8]) -> Result<()> {
        if body.len() <= self.largest {
            return Ok(());
        }
        let message = format!("a body has at most {} bytes here, this one {}", self.largest, body.len());
        Err(Error::new(ErrorKind::TooLarge, message))
    }

    /// Removes a body that was written back after its session had ended, and keeps the mark.
    async fn end_again(&self, names: &Names) -> Result<()> {
        let marked = MARKED.as_secs().to_string();
        self.run("end", names, &[b"", marked.as_bytes()]).await.map(drop)
    }
}

#[async_trait]
impl BodyStore for RedisBodies {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        let names = self.0.names(id);
        let mut look = pipe();
        look.cmd("GET").arg(&names.body).cmd("PTTL").arg(&names.body).cmd("EXISTS").arg(&names.mark);
        match self.0.look(&look, &names).await? {
            Looked { body: None, .. } => Ok(None),
            Looked { body: Some(bytes), left, is_marked: false } => Ok(Some(self.0.body(bytes, left))),
            Looked { .. } => {
                self.0.end_again(&names).await?;
                Ok(None)
            }
        }
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        self.0.check(body)?;
        let names = self.0.names(id);
        let seconds = match self.0.seconds(expires_at) {
            // What has expired is gone as soon as it is written.
            Some(0) => return Ok(Some(version_of(body))),
            seconds => seconds.map_or_else(String::new, |seconds| seconds.to_string()),
        };
        let made = self.0.run("insert", &names, &[body, seconds.as_bytes()]).await?;
        Ok((code(&made)? == 1).then(|| version_of(body)))
    }

    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        self.0.check(body)?;
        let names = self.0.names(id);
        let seconds = self.0.seconds(expires_at).map_or_else(String::new, |seconds| seconds.to_string());
        let arguments = [text(expected), body.to_vec(), seconds.into_bytes()];
        let arguments: Vec<&[u8]> = arguments.iter().map(Vec::as_slice).collect();
        match self.0.run("replace", &names, &arguments).await? {
            Value::Int(1) => Ok(Replaced::Replaced(version_of(body))),
            Value::Nil => Ok(Replaced::Missing),
            there => self.0.found(there).map(Replaced::Changed),
        }
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        let names = self.0.names(id);
        let seconds = self.0.seconds(expires_at).map_or_else(String::new, |seconds| seconds.to_string());
        Ok(code(&self.0.run("touch", &names, &[seconds.as_bytes()]).await?)? == 1)
    }

    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        let names = self.0.names(id);
        let (expected, marked) = (expected.map_or_else(Vec::new, text), MARKED.as_secs().to_string());
        match self.0.run("end", &names, &[&expected, marked.as_bytes()]).await? {
            Value::Nil => Ok(Ended::Missing),
            Value::Array(parts) if parts.len() == 3 => {
                self.0.found(Value::Array(parts.into_iter().skip(1).collect())).map(Ended::Ended)
            }
            there => self.0.found(there).map(Ended::Changed),
        }
    }

    /// The server removes what has expired.
    fn capabilities(&self) -> BodyCapabilities<'_> {
        BodyCapabilities::NONE.with_ids(self)
    }
}

#[async_trait]
impl BodyIds for RedisBodies {
    async fn ids(&self, after: Option<&Cursor>, limit: usize) -> Result<IdPage> {
        let at = after.map(At::read).transpose()?.unwrap_or_default();
        let pattern = pattern_of(&self.0.prefix);
        let step = self.0.server.names(&pattern, &at, limit.clamp(STEP.0, STEP.1)).await?;
        let id = |name| Some(text_of(name).ok()?.strip_prefix(&*self.0.prefix)?.to_owned());
        let mut ids: Vec<String> = step.names.into_iter().filter_map(id).collect();
        // Without a prefix, the marks of ends match, too.
        ids.retain(|id| !id.starts_with(MARK) && !id.ends_with(MARK_BEHIND));
        Ok(IdPage::new(ids, step.next.map(|at| at.cursor())))
    }
}

/// What a look at a body has found.
struct Looked {
    body: Option<Vec<u8>>,
    /// Milliseconds that it lives; negative: for ever.
    left: i64,
    is_marked: bool,
}

impl Inner {
    async fn look(&self, look: &Pipeline, names: &Names) -> Result<Looked> {
        let answers = self.server.send(look, &Aim::key(&names.body)).await?;
        let [body, left, marked] = <[Value; 3]>::try_from(answers).map_err(|_| unexpected())?;
        let body = match body {
            Value::Nil => None,
            Value::BulkString(bytes) => Some(bytes),
            Value::ServerError(cause) => return Err(about_a_record(&RedisError::from(cause))),
            _ => return Err(unexpected()),
        };
        Ok(Looked { body, left: code(&left)?, is_marked: code(&marked)? == 1 })
    }

    /// Reads a body and its time to live in an answer.
    fn found(&self, answer: Value) -> Result<Body> {
        let Value::Array(parts) = answer else { return Err(unexpected()) };
        let Ok([Value::BulkString(bytes), Value::Int(left)]) = <[Value; 2]>::try_from(parts) else {
            return Err(unexpected());
        };
        Ok(self.body(bytes, left))
    }
}

/// Returns what stands for a body: the first eight bytes of its SHA-1.
fn version_of(body: &[u8]) -> Version {
    let hash: [u8; 20] = Sha1::digest(body).into();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    Version::new(u64::from_be_bytes(first))
}

/// Returns the digits that the scripts compare.
fn text(version: Version) -> Vec<u8> {
    format!("{:016x}", version.get()).into_bytes()
}

impl fmt::Debug for RedisBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBodies").field("prefix", &self.0.prefix).finish_non_exhaustive()
    }
}
