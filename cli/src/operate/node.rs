//! The sessions of a Node package, for an operator.

use std::env;
use std::path::Path;
use std::sync::Arc;

use cloakroom_node::cookie::CookieError;
use cloakroom_node::{Express, Koa, NodeSession, NodeStore};
use cloakroom_tower::store::Store;

use crate::stores::bodies::{self, OpenedBodies, Package};
use crate::stores::{folder, without_layout};
use crate::trouble::Trouble;

/// The environment variable with the secrets that may have encrypted sessions of node-session, separated by commas.
const SECRET: &str = "CLOAKROOM_SECRET";

/// Opens the sessions of the package that the URL names; makes nothing.
pub(super) async fn open(url: &str) -> Result<(Arc<dyn Store>, String), Trouble> {
    if let Some(path) = folder(&without_layout(url)?.0)?
        && !Path::new(&path).is_dir()
    {
        return Err(Trouble::usage(format!("there is no folder {}", path.display())));
    }
    let package = package(url)?;
    let opened = bodies::open(url, package, None).await?;
    let place = opened.place.clone();
    let store = store(package, opened).map_err(|error| Trouble::usage(SECRET).because(&error))?;
    Ok((Arc::new(store), place))
}

/// Returns the package whose layout the URL names.
fn package(url: &str) -> Result<Package, Trouble> {
    Ok(match without_layout(url)?.1.as_deref() {
        Some("node-session") => Package::NodeSession,
        Some("koa-redis") => Package::Koa,
        _ => Package::Express,
    })
}

/// The cookies are never read or written here, so that most secrets do not matter.
fn store(package: Package, opened: OpenedBodies) -> Result<NodeStore, CookieError> {
    let named = env::var(SECRET).unwrap_or_else(|_| "no cookie is made".to_owned());
    let secrets = || named.split(',').map(str::trim);
    let OpenedBodies { bodies, lifetime, .. } = opened;
    Ok(match package {
        Package::Express => Express::new(secrets())?.passport().store(bodies),
        Package::Koa => Koa::new(secrets())?.store(bodies),
        Package::NodeSession => {
            let node_session = NodeSession::new(secrets())?;
            lifetime.map_or(node_session.clone(), |lifetime| node_session.lifetime(lifetime)).store(bodies)
        }
    })
}
