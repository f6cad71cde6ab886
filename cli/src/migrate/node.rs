//! A store of a Node package, as one of records.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use cloakroom_node::cookie::CookieError;
use cloakroom_node::{Express, Koa, NodeSession, NodeStore};

use super::side::{Form, Side};
use crate::span;
use crate::stores::bodies::{self, Layout, OpenedBodies, Package};
use crate::trouble::Trouble;

/// The options for a store of a Node package.
#[derive(Args)]
pub(super) struct NodeArgs {
    /// Of a store with ?layout=: how Passport writes users, if it does
    #[arg(long, value_enum, default_value_t = Passport::Text)]
    passport: Passport,

    /// Of a store with ?layout=: how long a session lives after its last use whose cookie says nothing [default: what the
    /// package has]
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    idle_timeout: Option<Duration>,
}

/// How Passport writes users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Passport {
    /// The application has no Passport
    None,
    /// As texts
    Text,
    /// As numbers
    Number,
}

/// No cookie is read or written here, and no body is encrypted.
const NO_SECRET: [&str; 1] = ["none is needed to move sessions"];

/// Opens the store that `url` names.
pub(super) async fn open(url: &str, layout: Layout, args: &NodeArgs) -> Result<Side, Trouble> {
    let package = layout.package();
    let opened = bodies::open(url, package, args.idle_timeout).await?;
    let place = opened.place.clone();
    let made = match package {
        Package::Express => express(args, opened),
        Package::Koa => koa(opened),
        Package::NodeSession => node_session(opened),
    };
    let store = made.map_err(|error| Trouble::usage("this layout cannot be used").because(&error))?;
    Ok(Side { store: Arc::new(store), place, form: Form::Body })
}

fn express(args: &NodeArgs, opened: OpenedBodies) -> Result<NodeStore, CookieError> {
    let mut express = Express::new(NO_SECRET)?;
    if let Some(lifetime) = opened.lifetime {
        express = express.ttl(lifetime);
    }
    let express = match args.passport {
        Passport::None => express,
        Passport::Text => express.passport(),
        Passport::Number => express.passport_with_numbers(),
    };
    Ok(express.store(opened.bodies))
}

fn koa(opened: OpenedBodies) -> Result<NodeStore, CookieError> {
    let mut koa = Koa::new(NO_SECRET)?;
    if let Some(lifetime) = opened.lifetime {
        koa = koa.max_age(lifetime);
    }
    Ok(koa.store(opened.bodies))
}

fn node_session(opened: OpenedBodies) -> Result<NodeStore, CookieError> {
    let mut node_session = NodeSession::new(NO_SECRET)?;
    if let Some(lifetime) = opened.lifetime {
        node_session = node_session.lifetime(lifetime);
    }
    Ok(node_session.store(opened.bodies))
}
