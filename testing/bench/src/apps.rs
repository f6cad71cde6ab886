//! The applications: the same five routes each.

use axum::Router;
use axum::routing::get;
use cloakroom_node::{Express, MemoryBodies};
use cloakroom_tower::{
    Config, KeyRing, Session, SessionError, SessionLayer, SessionManager, stores::MemoryStore,
};

use crate::data;
use crate::floor::{FloorLayer, FloorSession};
use crate::scenario::Variant;

const SECRET: &str = "a secret of more than 32 bytes for the benchmark";

pub(crate) fn app(variant: Variant) -> Result<Router, Box<dyn std::error::Error>> {
    Ok(match variant {
        Variant::Bare => bare(),
        Variant::Floor => floor().layer(FloorLayer::new(None)),
        Variant::FloorSigned => floor().layer(FloorLayer::new(Some(SECRET))),
        Variant::Cloakroom => cloakroom().layer(SessionLayer::from_manager(engine(Config::plain_http())?)),
        Variant::CloakroomSigned => {
            let config = Config::plain_http().signed(KeyRing::new([SECRET])?);
            cloakroom().layer(SessionLayer::from_manager(engine(config)?))
        }
        Variant::CloakroomExpress => {
            let express = Express::new([SECRET])?;
            let engine = SessionManager::new(express.store(MemoryBodies::new()), express.config())?;
            cloakroom().layer(SessionLayer::from_manager(engine))
        }
    })
}

fn engine(config: Config) -> Result<SessionManager, Box<dyn std::error::Error>> {
    Ok(SessionManager::new(MemoryStore::new(), config)?)
}

async fn hello() -> &'static str {
    "hello"
}

fn bare() -> Router {
    ["/untouched", "/read", "/write", "/new"]
        .into_iter()
        .fold(Router::new(), |app, path| app.route(path, get(hello)))
}

fn floor() -> Router {
    Router::new()
        .route("/begin", get(async |session: FloorSession| session.begin(&data::values())))
        .route("/untouched", get(hello))
        .route("/read", get(async |session: FloorSession| session.read("user_id").map_or("no", |_| "hello")))
        .route(
            "/write",
            get(async |session: FloorSession| {
                session.increment("visits");
                "hello"
            }),
        )
        .route(
            "/new",
            get(async |session: FloorSession| {
                session.insert("visits", b"1");
                "hello"
            }),
        )
}

pub(crate) fn cloakroom() -> Router {
    Router::new()
        .route("/begin", get(begin))
        .route("/untouched", get(hello))
        .route("/read", get(read))
        .route("/write", get(write))
        .route("/new", get(new))
}

async fn begin(session: Session) -> Result<(), SessionError> {
    for (key, value) in data::values() {
        session.insert(key, value)?;
    }
    Ok(())
}

async fn read(session: Session) -> Result<&'static str, SessionError> {
    Ok(session.get::<u64>("user_id")?.map_or("no", |_| "hello"))
}

async fn write(session: Session) -> Result<&'static str, SessionError> {
    session.increment("visits", 1)?;
    Ok("hello")
}

async fn new(session: Session) -> Result<&'static str, SessionError> {
    session.insert("visits", 1)?;
    Ok("hello")
}
