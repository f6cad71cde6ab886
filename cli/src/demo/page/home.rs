//! What the page shows, looked up before anything is drawn.

use std::time::Duration;

use cloakroom_tower::cloakroom::{Result, Session};
use cloakroom_tower::{ErrorKind, SessionManager, Timestamp};
use serde_json::value::RawValue;

use super::device;

/// The key of the counter.
pub(super) const COUNT: &str = "count";
/// Keys of flash values that are the page's own.
pub(super) const FLASH: &str = "flash";
pub(super) const NOTICE: &str = "notice";
pub(super) const CSRF_TEXT: &str = "csrf_text";

/// Everything on the page.
pub(super) struct Home {
    /// Goes with every form.
    pub(super) token: String,
    /// What the client calls this server.
    pub(super) host: String,
    pub(super) cookie_name: String,
    pub(super) handle: String,
    pub(super) is_new: bool,
    pub(super) expires_in: Duration,
    pub(super) user: Option<String>,
    pub(super) count: i64,
    /// Keys and JSON, in order.
    pub(super) values: Vec<(String, String)>,
    pub(super) flash: Option<String>,
    /// What the last form did, where it cannot be seen otherwise.
    pub(super) notice: Option<String>,
    pub(super) csrf_text: Option<String>,
    pub(super) devices: Vec<Device>,
}

/// A session of the user's.
pub(super) struct Device {
    pub(super) handle: String,
    pub(super) name: String,
    pub(super) since: Duration,
    pub(super) seen: Duration,
    pub(super) current: bool,
}

impl Home {
    pub(super) async fn look(engine: &SessionManager, session: &Session, host: &str) -> Result<Self> {
        let is_new = session.is_new();
        // From here on the session exists.
        let token = session.csrf_token()?;
        let user = session.user();
        let devices = match &user {
            Some(user) => devices(engine, session, user).await?,
            None => Vec::new(),
        };
        let text = |key| session.get::<String>(key).ok().flatten();
        Ok(Self {
            token,
            host: host.to_owned(),
            cookie_name: engine.cookie_name().to_owned(),
            handle: session.public_id().map(|handle| handle.to_string()).unwrap_or_default(),
            is_new,
            expires_in: session.expires_in(),
            user,
            count: session.get(COUNT).ok().flatten().unwrap_or_default(),
            values: values(session)?,
            flash: text(FLASH),
            notice: text(NOTICE),
            csrf_text: text(CSRF_TEXT),
            devices,
        })
    }
}

fn values(session: &Session) -> Result<Vec<(String, String)>> {
    let entries = session.entries::<Box<RawValue>>()?;
    let own = |key: &str| [FLASH, NOTICE, CSRF_TEXT].contains(&key);
    let entries = entries.into_iter().filter(|(key, _)| !own(key));
    Ok(entries.map(|(key, value)| (key, value.get().to_owned())).collect())
}

/// Looks up the user's sessions: none in a store that cannot find them, as those of Node's packages.
async fn devices(engine: &SessionManager, session: &Session, user: &str) -> Result<Vec<Device>> {
    let now = Timestamp::now();
    let own = session.public_id();
    let sessions = match engine.sessions().list(user).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(Vec::new()),
        sessions => sessions?,
    };
    let sessions = sessions.into_iter();
    Ok(sessions
        .map(|info| Device {
            current: own == Some(info.public_id),
            handle: info.public_id.to_string(),
            name: info.device.as_deref().map_or_else(|| "a device without a name".into(), device::name),
            since: now.since(info.started_at),
            seen: now.since(info.last_seen),
        })
        .collect())
}
