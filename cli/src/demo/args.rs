//! The options of `cloakroom demo`.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::uri::Authority;
use clap::{Args, ValueEnum};

use super::guard::authority;
use crate::stores::bodies::Package;
use crate::{span, stores};

/// The options of `cloakroom demo`. Has no `Debug`: it holds secrets.
#[derive(Args)]
#[command(after_help = stores::URL_HELP)]
pub(crate) struct DemoArgs {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000", value_parser = address)]
    pub(super) listen: String,

    /// Another name, of a proxy or a resolver, under which this server is reached; may be repeated
    #[arg(long = "host", value_name = "NAME[:PORT]", value_parser = host)]
    pub(super) hosts: Vec<Authority>,

    #[arg(
        long,
        value_name = "URL",
        help = format!(
            "Where sessions are kept: memory:, file:DIR, sqlite:PATH, env:NAME or @FILE [default: {}; with \
            --format koa memory:, with the others of Node file:sessions]",
            stores::DEFAULT
        )
    )]
    pub(super) store: Option<String>,

    /// Moves sessions to --store from this one, where it meets them
    #[arg(long, value_name = "URL", conflicts_with = "migrating_to")]
    pub(super) migrating_from: Option<String>,

    /// Follows sessions that other processes move from --store to this one
    #[arg(long, value_name = "URL")]
    pub(super) migrating_to: Option<String>,

    /// How cookie and record are written: those of Node share sessions with an application of that package
    #[arg(long, value_enum, default_value_t = Format::Native)]
    pub(super) format: Format,

    /// Signs the cookie; given several times, the first one signs and all are accepted. The process list shows it
    #[arg(
        long = "secret",
        value_name = "SECRET",
        allow_hyphen_values = true,
        conflicts_with = "secret_file"
    )]
    pub(super) secrets: Vec<String>,

    /// Reads secrets from a file, one a line; without either, from `CLOAKROOM_SECRET`, separated by commas
    #[arg(long, value_name = "FILE")]
    pub(super) secret_file: Option<PathBuf>,

    /// The cookie's name [default: session]
    #[arg(long, value_name = "NAME")]
    pub(super) cookie_name: Option<String>,

    /// Ends a session that was not used for this long [default: 30m; in a format of Node, what the package has]
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    pub(super) idle_timeout: Option<Duration>,

    /// Ends a session this long after it began or its user logged in; 0: never [default: 12h; in a format of Node, 0]
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    pub(super) absolute_timeout: Option<Duration>,

    /// Gives a session a fresh id this often; 0: only at log-in
    #[arg(long, value_name = "SPAN", default_value = "0", value_parser = span::parse)]
    pub(super) renew_every: Duration,

    /// How long the old id of a renewed session is still served
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = span::parse)]
    pub(super) renewal_grace_period: Duration,

    /// Which part of the idle time passes before the store learns that a session was used; 0: every request
    #[arg(long, value_name = "RATIO", default_value_t = 0.1)]
    pub(super) touch_threshold: f64,

    /// Believes X-Forwarded-Proto; only behind a proxy that sets it
    #[arg(long)]
    pub(super) trust_forwarded_proto: bool,
}

/// How cookie and record are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Cloakroom's own
    Native,
    /// As express-session writes them, with users as Passport has them
    Express,
    /// As koa-generic-session writes them
    Koa,
    /// As node-session writes them
    NodeSession,
}

impl Format {
    /// Returns the package that it is shared with; `None` if it is our own.
    pub(super) const fn package(self) -> Option<Package> {
        match self {
            Self::Native => None,
            Self::Express => Some(Package::Express),
            Self::Koa => Some(Package::Koa),
            Self::NodeSession => Some(Package::NodeSession),
        }
    }
}

/// Returns the name of a host, with its port if that is not the usual one.
pub(crate) fn host(text: &str) -> Result<Authority, String> {
    authority(text).ok_or_else(|| "a host is written as shop.example or shop.example:8443".to_owned())
}

/// `host:port`; the host is looked up when listening begins.
pub(crate) fn address(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("an address is written as 127.0.0.1:3000".to_owned()),
    }
}
