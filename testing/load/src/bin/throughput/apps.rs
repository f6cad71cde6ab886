//! The two applications on each database: the same three routes.

use axum::Router;
use axum::routing::get;
use cloakroom_postgres::PostgresStore;
use cloakroom_redis::RedisStore;
use cloakroom_services::Service;
use cloakroom_tower::store::Store;
use cloakroom_tower::{Config, Session, SessionError, SessionLayer};

use crate::{Result, bare};

/// Where sessions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Redis,
    Postgres,
}

impl Database {
    pub(crate) const ALL: [Self; 2] = [Self::Redis, Self::Postgres];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// What every session holds besides its counter: about 1 KB.
pub(crate) fn filling() -> String {
    "coat ".repeat(200)
}

pub(crate) async fn bare(database: Database) -> Result<Router> {
    match database {
        Database::Redis => bare::on_redis(&Service::Redis.shared()).await,
        Database::Postgres => bare::on_postgres(&Service::Postgres.shared()).await,
    }
}

pub(crate) async fn cloakroom(database: Database) -> Result<Router> {
    Ok(match database {
        Database::Redis => routes(RedisStore::open(&Service::Redis.shared()).await?)?,
        Database::Postgres => {
            let url = Service::Postgres.shared();
            PostgresStore::from_url(&url)?.create_tables().await?;
            routes(PostgresStore::open(&url).await?)?
        }
    })
}

fn routes(store: impl Store) -> Result<Router> {
    Ok(Router::new()
        .route("/begin", get(begin))
        .route("/read", get(read))
        .route("/write", get(write))
        .layer(SessionLayer::with_config(store, Config::plain_http())?))
}

async fn begin(session: Session) -> Result<&'static str, SessionError> {
    session.insert("visits", 0)?;
    session.insert("filling", filling())?;
    Ok("hello")
}

async fn read(session: Session) -> Result<&'static str, SessionError> {
    Ok(if session.get::<u64>("visits")?.is_some() { "hello" } else { "whose?" })
}

async fn write(session: Session) -> Result<&'static str, SessionError> {
    session.increment("visits", 1)?;
    Ok("hello")
}
