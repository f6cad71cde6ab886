//! Bodies of Node's sessions by their URL: the schemes of other stores, with the layout of a package.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_node::{FileBodies, FileLayout, MemoryBodies};
use cloakroom_tower::store::BodyStore;
use cloakroom_tower::stores::MemoryStore;

use super::url::{self, StoreUrl};
use super::{did_not_open, not_here};
use crate::trouble::Trouble;

/// How a package of Node keeps bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    SessionFileStore,
    NodeSession,
    ConnectRedis,
    KoaRedis,
    ConnectPgSimple,
    ExpressMysqlSession,
    ConnectSqlite3,
    ConnectMemcached,
    ConnectMongo,
    /// The table of node-session's database driver.
    NodeSessionTable,
    /// The same with sails-mongo.
    NodeSessionCollection,
}

/// How long a session of node-session lives after its last use: its option `lifetime`, unless that is set.
pub(crate) const NODE_SESSION_LIFETIME: Duration = Duration::from_secs(300);

/// The package that makes the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Package {
    Express,
    Koa,
    NodeSession,
}

/// An open store of bodies.
pub(crate) struct OpenedBodies {
    pub(crate) bodies: Arc<dyn BodyStore>,
    /// Where it keeps them, to follow "sessions are kept". Holds no password.
    pub(crate) place: String,
    /// How long a session lives after its last use whose cookie says nothing; `None`: as long as the package has it.
    pub(crate) lifetime: Option<Duration>,
}

impl Layout {
    const ALL: [(&str, Self); 11] = [
        ("session-file-store", Self::SessionFileStore),
        ("node-session", Self::NodeSession),
        ("connect-redis", Self::ConnectRedis),
        ("koa-redis", Self::KoaRedis),
        ("connect-pg-simple", Self::ConnectPgSimple),
        ("express-mysql-session", Self::ExpressMysqlSession),
        ("connect-sqlite3", Self::ConnectSqlite3),
        ("connect-memcached", Self::ConnectMemcached),
        ("connect-mongo", Self::ConnectMongo),
        ("node-session", Self::NodeSessionTable),
        ("node-session", Self::NodeSessionCollection),
    ];

    /// Returns the layout of this name that stores of a scheme can have.
    fn read(text: &str, scheme: &str) -> Option<Self> {
        let mut known = Self::ALL.into_iter();
        known.find(|(name, layout)| *name == text && layout.is_of(scheme)).map(|(_, layout)| layout)
    }

    /// Returns what a package uses in the stores of a scheme, unless the URL names a layout.
    fn usual(scheme: &str, package: Package) -> Option<Self> {
        Some(match (scheme, package) {
            ("file", Package::Express) => Self::SessionFileStore,
            ("file", Package::NodeSession) => Self::NodeSession,
            ("mysql" | "mariadb", Package::NodeSession) => Self::NodeSessionTable,
            ("mongodb" | "mongodb+srv", Package::NodeSession) => Self::NodeSessionCollection,
            (scheme, Package::Express) if is_redis(scheme) => Self::ConnectRedis,
            (scheme, Package::Koa) if is_redis(scheme) => Self::KoaRedis,
            ("postgres" | "postgresql", Package::Express) => Self::ConnectPgSimple,
            ("mysql" | "mariadb", Package::Express) => Self::ExpressMysqlSession,
            ("sqlite", Package::Express) => Self::ConnectSqlite3,
            ("memcached", Package::Express) => Self::ConnectMemcached,
            ("mongodb" | "mongodb+srv", Package::Express) => Self::ConnectMongo,
            _ => return None,
        })
    }

    /// Returns the package whose sessions it has.
    pub(crate) fn package(self) -> Package {
        match self {
            Self::NodeSession | Self::NodeSessionTable | Self::NodeSessionCollection => Package::NodeSession,
            Self::KoaRedis => Package::Koa,
            _ => Package::Express,
        }
    }

    /// Returns whether stores of a scheme can have it.
    fn is_of(self, scheme: &str) -> bool {
        match self {
            Self::SessionFileStore | Self::NodeSession => scheme == "file",
            Self::ConnectRedis | Self::KoaRedis => is_redis(scheme),
            Self::ConnectPgSimple => matches!(scheme, "postgres" | "postgresql"),
            Self::ExpressMysqlSession | Self::NodeSessionTable => matches!(scheme, "mysql" | "mariadb"),
            Self::ConnectSqlite3 => scheme == "sqlite",
            Self::ConnectMemcached => scheme == "memcached",
            Self::ConnectMongo | Self::NodeSessionCollection => matches!(scheme, "mongodb" | "mongodb+srv"),
        }
    }
}

fn is_redis(scheme: &str) -> bool {
    scheme.starts_with("redis")
}

/// Opens the bodies that `url` names, in its setting `layout` or in the usual one of the package.
///
/// `lifetime` is how long a session lives after its last use whose cookie says nothing; `None`: as long as the package has it.
pub(crate) async fn open(
    url: &str,
    package: Package,
    lifetime: Option<Duration>,
) -> Result<OpenedBodies, Trouble> {
    let url = url::find(url)?;
    let (url, layout) = take_layout(&StoreUrl::parse(&url)?)?;
    let url = StoreUrl::parse(&url)?;
    if url.scheme == "memory" {
        let _no_settings =
            MemoryStore::from_url(url.whole).map_err(|error| did_not_open("memory:", &error))?;
        let place = "in memory, until this process ends".to_owned();
        return Ok(OpenedBodies { bodies: Arc::new(MemoryBodies::new()), place, lifetime });
    }
    match layout.or_else(|| Layout::usual(url.scheme, package)).ok_or_else(|| no_layout(url.scheme))? {
        Layout::SessionFileStore => {
            let lifetime = lifetime.unwrap_or(Duration::from_secs(3600));
            in_folder(&url, FileLayout::session_file_store().ttl(lifetime), lifetime).await
        }
        Layout::NodeSession => {
            let lifetime = lifetime.unwrap_or(NODE_SESSION_LIFETIME);
            in_folder(&url, FileLayout::node_session().ttl(lifetime), lifetime).await
        }
        #[cfg(feature = "redis")]
        layout @ (Layout::ConnectRedis | Layout::KoaRedis) => {
            let usual = if layout == Layout::KoaRedis { "koa:sess:" } else { "sess:" };
            super::redis::open_bodies(url.whole, usual, lifetime).await
        }
        #[cfg(feature = "postgres")]
        Layout::ConnectPgSimple => super::postgres::open_bodies(url.whole, lifetime).await,
        #[cfg(feature = "mysql")]
        layout @ (Layout::ExpressMysqlSession | Layout::NodeSessionTable) => {
            super::mysql::open_bodies(url.whole, layout, lifetime).await
        }
        #[cfg(feature = "sqlite")]
        Layout::ConnectSqlite3 => super::sqlite::open_bodies(url.whole, lifetime).await,
        #[cfg(feature = "memcached")]
        Layout::ConnectMemcached => super::memcached::open_bodies(url.whole, lifetime).await,
        #[cfg(feature = "mongodb")]
        layout @ (Layout::ConnectMongo | Layout::NodeSessionCollection) => {
            super::mongodb::open_bodies(url.whole, layout, lifetime).await
        }
        #[cfg(not(all(
            feature = "memcached",
            feature = "mongodb",
            feature = "mysql",
            feature = "postgres",
            feature = "redis",
            feature = "sqlite"
        )))]
        _ => Err(not_here(url.scheme)),
    }
}

/// Returns the layout that a URL names; `None` if it names no layout.
pub(crate) fn layout_of(url: &str) -> Result<Option<Layout>, Trouble> {
    take_layout(&StoreUrl::parse(&url::find(url)?)?).map(|(_, layout)| layout)
}

/// Returns a URL without these settings.
#[cfg(any(
    feature = "memcached",
    feature = "mongodb",
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
))]
pub(crate) fn client_url(url: &str, ours: &[&'static str]) -> Result<String, Trouble> {
    let url = url::find(url)?;
    let mut settings = StoreUrl::parse(&url)?.settings()?;
    for name in ours {
        settings.text(name).map_err(|error| url::wrong(&error))?;
    }
    settings.rest().map_err(|error| url::wrong(&error))
}

/// Returns whether a URL says that connect-mongo keeps strings, as it does unless it has another option `stringify`.
#[cfg(feature = "mongodb")]
pub(crate) fn is_stringified(url: &str) -> Result<bool, Trouble> {
    let url = url::find(url)?;
    let stringify = StoreUrl::parse(&url)?.settings()?.flag("stringify");
    Ok(stringify.map_err(|error| url::wrong(&error))?.unwrap_or(true))
}

/// Makes the trouble of a store whose feature is off.
#[cfg(not(all(
    feature = "memcached",
    feature = "mongodb",
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
)))]
pub(crate) fn not_compiled_in(url: &str) -> Trouble {
    not_here(url.split(':').next().unwrap_or_default())
}

/// Takes the setting `layout` out of a URL; the rest is the store's.
fn take_layout(url: &StoreUrl<'_>) -> Result<(String, Option<Layout>), Trouble> {
    let mut settings = url.settings()?;
    let read = |text: &str| Layout::read(text, url.scheme);
    let layout = settings.read("layout", read).map_err(|error| url::wrong(&error))?;
    Ok((settings.rest().map_err(|error| url::wrong(&error))?, layout))
}

/// The sessions of the package are not in such a store, or there is no such store.
fn no_layout(scheme: &str) -> Trouble {
    if super::is_known(scheme) {
        return Trouble::usage(format!("this package has no known store for {scheme}: URLs"));
    }
    not_here(scheme)
}

/// `file:DIR`.
async fn in_folder(
    url: &StoreUrl<'_>,
    layout: FileLayout,
    lifetime: Duration,
) -> Result<OpenedBodies, Trouble> {
    let folder = url.path()?;
    url.settings()?.finish().map_err(|error| url::wrong(&error))?;
    let opened = FileBodies::open(&folder, layout).await;
    let bodies = opened.map_err(|error| did_not_open(&format!("file:{folder}"), &error))?;
    let place = format!("in the folder {folder}");
    Ok(OpenedBodies { bodies: Arc::new(bodies), place, lifetime: Some(lifetime) })
}
