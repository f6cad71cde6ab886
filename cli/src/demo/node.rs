//! The playground with the cookies and bodies of a Node package, so that it shares sessions with an application of it.

use std::sync::Arc;

use cloakroom_node::cookie::CookieError;
use cloakroom_node::{Express, Koa, NodeSession, NodeStore};
use cloakroom_tower::Config;

use super::Chosen;
use super::args::DemoArgs;
use super::settings::{secrets, unless_zero};
use crate::stores::bodies::{self, OpenedBodies, Package};
use crate::trouble::Trouble;

/// Opens the bodies, and takes the defaults of the package where the command line says nothing.
pub(super) async fn open(args: &DemoArgs, package: Package) -> Result<Chosen, Trouble> {
    check(args, package)?;
    let secrets = secrets(args)?;
    if secrets.is_empty() {
        return Err(Trouble::usage(
            "packages of Node sign their cookies: --secret, --secret-file or CLOAKROOM_SECRET names the secret",
        ));
    }
    let usual = if package == Package::Koa { "memory:" } else { "file:sessions" };
    let opened = bodies::open(args.store.as_deref().unwrap_or(usual), package, args.idle_timeout).await?;
    let place = opened.place.clone();
    let made = match package {
        Package::Express => express(args, &secrets, opened),
        Package::Koa => koa(args, &secrets, opened),
        Package::NodeSession => node_session(args, &secrets, opened),
    };
    let (config, store) =
        made.map_err(|error| Trouble::usage("--cookie-name or --secret").because(&error))?;
    Ok(Chosen { config: with_rest(args, config), store: Arc::new(store), place })
}

fn check(args: &DemoArgs, package: Package) -> Result<(), Trouble> {
    if args.migrating_from.is_some() || args.migrating_to.is_some() {
        return Err(Trouble::usage("--format and --migrating-…: only sessions of our own format are moved"));
    }
    if args.trust_forwarded_proto && package != Package::Express {
        return Err(Trouble::usage(
            "--format and --trust-forwarded-proto: cookies of this format are for plain http here",
        ));
    }
    Ok(())
}

type Made = Result<(Config, NodeStore), CookieError>;

fn express(args: &DemoArgs, secrets: &[String], opened: OpenedBodies) -> Made {
    let mut express = Express::new(secrets)?.passport();
    if let Some(name) = &args.cookie_name {
        express = express.name(name)?;
    }
    if let Some(lifetime) = opened.lifetime {
        express = express.ttl(lifetime);
    }
    if args.trust_forwarded_proto {
        express = express.secure_auto();
    }
    Ok((express.config(), express.store(opened.bodies)))
}

fn koa(args: &DemoArgs, secrets: &[String], opened: OpenedBodies) -> Made {
    let mut koa = Koa::new(secrets)?;
    if let Some(name) = &args.cookie_name {
        koa = koa.name(name)?;
    }
    if let Some(lifetime) = opened.lifetime {
        koa = koa.max_age(lifetime);
    }
    Ok((koa.config(), koa.store(opened.bodies)))
}

fn node_session(args: &DemoArgs, secrets: &[String], opened: OpenedBodies) -> Made {
    let mut node_session = NodeSession::new(secrets)?;
    if let Some(name) = &args.cookie_name {
        node_session = node_session.name(name)?;
    }
    if let Some(lifetime) = opened.lifetime {
        node_session = node_session.lifetime(lifetime);
    }
    Ok((node_session.config(), node_session.store(opened.bodies)))
}

/// Sets what no package decides.
fn with_rest(args: &DemoArgs, mut config: Config) -> Config {
    if let Some(absolute) = args.absolute_timeout {
        config = config.absolute_timeout(unless_zero(absolute));
    }
    if args.trust_forwarded_proto {
        config = config.trust_forwarded_proto(true);
    }
    config
        .renew_every(unless_zero(args.renew_every))
        .renewal_grace_period(args.renewal_grace_period)
        .touch_threshold(args.touch_threshold)
}
