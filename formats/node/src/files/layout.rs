//! Where a package keeps the expiry of a file, and how it names the file.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloakroom::store::{Timestamp, Version};
use sha2::{Digest as _, Sha256};

use crate::body::{Dialect, Json, LAST_ACCESS, Object, StoredCookie, last_access, set_last_access};
use crate::expiry::HOUR;
use crate::node_session::is_session_id;

/// Says how a package keeps sessions in files.
///
/// | | [`session_file_store`](Self::session_file_store) | [`node_session`](Self::node_session) |
/// |---|---|---|
/// | file | `<id>.json` | `<id>`, 40 characters |
/// | expiry | member `__lastAccess` (milliseconds) and the cookie's `originalMaxAge`, or the `ttl` | time of the last write and the `lifetime` |
/// | a touch | writes `__lastAccess` and the cookie's `expires` | sets the times of the file |
/// | compared when it is replaced | all but these two members | all bytes |
///
/// node-session does not look at the expiry when it reads; its clean-up removes files by the time of the last access, after
/// the same `lifetime`. So does a sweep here, or by the time of the last write if that is later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLayout(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    SessionFileStore { extension: String, ttl: Duration },
    NodeSession { lifetime: Duration },
}

/// What a write puts on the disk.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) bytes: Vec<u8>,
    /// The time that the file gets, where that tells the expiry.
    pub(super) time: Option<SystemTime>,
}

/// What a touch changes.
#[derive(Debug)]
pub(super) enum Touched {
    Bytes(Vec<u8>),
    Time(SystemTime),
}

impl FileLayout {
    /// Returns the layout of session-file-store 1.5, for Express, without its option `secret`.
    ///
    /// Defaults: `fileExtension` is `.json`, `ttl` an hour. Give [`Express::ttl`](crate::Express::ttl) the same time.
    pub fn session_file_store() -> Self {
        let ttl = Duration::from_millis(HOUR.unsigned_abs());
        Self(Kind::SessionFileStore { extension: ".json".to_owned(), ttl })
    }

    /// Returns the layout of node-session's file driver. Default: `lifetime` is five minutes.
    pub fn node_session() -> Self {
        Self(Kind::NodeSession { lifetime: Duration::from_secs(300) })
    }

    /// Sets the package's option `ttl` or `lifetime`: how long a session lives after its last use whose cookie says nothing.
    #[must_use]
    pub fn ttl(mut self, time: Duration) -> Self {
        match &mut self.0 {
            Kind::SessionFileStore { ttl, .. } => *ttl = time,
            Kind::NodeSession { lifetime } => *lifetime = time,
        }
        self
    }

    /// Sets session-file-store's option `fileExtension`, with its dot. The files of node-session have none.
    #[must_use]
    pub fn file_extension(mut self, text: impl Into<String>) -> Self {
        if let Kind::SessionFileStore { extension, .. } = &mut self.0 {
            *extension = text.into();
        }
        self
    }

    /// Returns whether a file can be named by this id.
    pub(super) fn is_id(&self, id: &str) -> bool {
        match &self.0 {
            Kind::SessionFileStore { .. } => {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
                (1..=128).contains(&id.len()) && id.bytes().all(is_plain)
            }
            Kind::NodeSession { .. } => is_session_id(id),
        }
    }

    pub(super) fn file_name(&self, id: &str) -> String {
        match &self.0 {
            Kind::SessionFileStore { extension, .. } => format!("{id}{extension}"),
            Kind::NodeSession { .. } => id.to_owned(),
        }
    }

    /// Returns the id of a file; `None` if the package makes no file of this name.
    pub(super) fn id_of<'n>(&self, name: &'n str) -> Option<&'n str> {
        let id = match &self.0 {
            Kind::SessionFileStore { extension, .. } => name.strip_suffix(&**extension)?,
            Kind::NodeSession { .. } => name,
        };
        self.is_id(id).then_some(id)
    }

    /// Returns the moment from which on the package's clean-up removes a file; `None` if it has to be read for that.
    /// node-session's goes by the last access, which is later than the last write while Node still reads the file.
    pub(super) fn removed_at(&self, written: SystemTime, accessed: SystemTime) -> Option<Timestamp> {
        match &self.0 {
            Kind::SessionFileStore { .. } => None,
            Kind::NodeSession { lifetime } => Some(timestamp(written.max(accessed)) + *lifetime),
        }
    }

    /// Returns when a file expires. What cannot be read does not.
    pub(super) fn expires_at(&self, bytes: &[u8], written: SystemTime) -> Timestamp {
        match &self.0 {
            Kind::SessionFileStore { ttl, .. } => {
                let Ok(body) = Object::parse(bytes) else { return Timestamp::NEVER };
                let Some(last) = last_access(&body) else { return Timestamp::NEVER };
                let end = last.saturating_add(length_of(&body, *ttl));
                let end = u64::try_from(end).unwrap_or(0).min(Timestamp::NEVER.as_millis());
                Timestamp::from_millis(end)
            }
            Kind::NodeSession { lifetime } => match timestamp(written) + *lifetime {
                end if end >= LATEST_TIME => Timestamp::NEVER,
                end => end,
            },
        }
    }

    /// Gives a body its expiry.
    pub(super) fn prepare(&self, bytes: &[u8], expires_at: Timestamp) -> Prepared {
        match &self.0 {
            Kind::SessionFileStore { ttl, .. } => {
                let bytes = match Object::parse(bytes) {
                    Ok(body) => used(body, *ttl, expires_at, false),
                    Err(_) => bytes.to_vec(),
                };
                Prepared { bytes, time: None }
            }
            Kind::NodeSession { lifetime } => {
                Prepared { bytes: bytes.to_vec(), time: Some(time_before(expires_at, *lifetime)) }
            }
        }
    }

    /// Moves the expiry; `None` if the file does not hold a whole body that has one.
    pub(super) fn touch(&self, bytes: &[u8], expires_at: Timestamp) -> Option<Touched> {
        Some(match &self.0 {
            Kind::SessionFileStore { ttl, .. } => {
                Touched::Bytes(used(Object::parse(bytes).ok()?, *ttl, expires_at, true))
            }
            Kind::NodeSession { lifetime } => Touched::Time(time_before(expires_at, *lifetime)),
        })
    }

    /// Returns a version for the bytes of a file. What a touch changes does not count: it is never a reason to merge.
    pub(super) fn version_of(&self, bytes: &[u8]) -> Version {
        let hash: [u8; 32] = match (&self.0, Object::parse(bytes)) {
            (Kind::SessionFileStore { .. }, Ok(body)) => Sha256::digest(untouched(body)).into(),
            _ => Sha256::digest(bytes).into(),
        };
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        Version::new(u64::from_be_bytes(first))
    }
}

/// Returns how long a session lives after its last use, in milliseconds: its cookie's own lifetime, if it is not 0.
fn length_of(body: &Object<'_>, ttl: Duration) -> i64 {
    let own = StoredCookie::of(body, Dialect::Express).ok().and_then(|cookie| cookie.max_age());
    own.filter(|age| *age != 0).unwrap_or_else(|| i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
}

/// Makes it look as if the session had been used so that it expires at `expires_at`.
fn used(mut body: Object<'_>, ttl: Duration, expires_at: Timestamp, moves_cookie: bool) -> Vec<u8> {
    let end = i64::try_from(expires_at.as_millis()).unwrap_or(i64::MAX);
    let last = end.saturating_sub(length_of(&body, ttl));
    if moves_cookie && let Ok(mut cookie) = StoredCookie::of(&body, Dialect::Express) {
        cookie.touch(last);
        cookie.store(&mut body);
    }
    set_last_access(&mut body, last);
    body.to_text().into_owned().into_bytes()
}

/// Returns the text of a body without what a touch changes.
fn untouched(mut body: Object<'_>) -> String {
    body.remove(LAST_ACCESS);
    let cookie = body.get("cookie").and_then(Json::as_object).map(Object::into_owned);
    if let Some(mut cookie) = cookie {
        cookie.remove("expires");
        body.set("cookie", Json::object(&cookie));
    }
    body.to_text().into_owned()
}

/// Returns the time of the last use of a session that expires at `expires_at`.
fn time_before(expires_at: Timestamp, lifetime: Duration) -> SystemTime {
    let last = expires_at.min(LATEST_TIME).since(Timestamp::EPOCH).saturating_sub(lifetime);
    UNIX_EPOCH + last
}

/// The year 2242, which every file system can write down. What expires then or later never does.
const LATEST_TIME: Timestamp = Timestamp::from_millis(1_000 << 33);

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
