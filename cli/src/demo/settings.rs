//! From the command line to the engine's configuration.

use std::time::Duration;

use clap::ValueEnum;
use cloakroom_tower::{Config, ConfigError, KeyRing, Secure, TrustProxy};

use super::args::{DemoArgs, Format};
use crate::trouble::Trouble;

pub(super) fn config(args: &DemoArgs) -> Result<Config, Trouble> {
    check_format(args.format)?;
    let (secure, proxy) =
        if args.trust_proxy { (Secure::Auto, TrustProxy::Yes) } else { (Secure::Never, TrustProxy::No) };
    let mut config = Config::default()
        .secure(secure)
        .trust_proxy(proxy)
        .idle(args.idle)
        .absolute(unless_zero(args.absolute))
        .renew_every(unless_zero(args.renew_every))
        .grace(args.grace)
        .touch_after(args.touch_after);
    if let Some(name) = &args.cookie_name {
        config = config.cookie_name(name);
    }
    if !args.secrets.is_empty() {
        config = config.signed(KeyRing::new(&args.secrets).map_err(|error| contradiction(&error))?);
    }
    Ok(config)
}

/// Says which options do not work together, by their names on the command line.
pub(super) fn contradiction(error: &ConfigError) -> Trouble {
    let flag = |option: &&str| match *option {
        "secrets" => "--secret".to_owned(),
        "secure" => "a cookie that is not always Secure".to_owned(),
        other => format!("--{}", other.replace('_', "-")),
    };
    let options: Vec<String> = error.options().iter().map(flag).collect();
    let said = error.to_string();
    let why = said.split_once(": ").map_or(said.as_str(), |(_, why)| why);
    Trouble::usage(format!("{}: {why}", options.join(" and ")))
}

fn check_format(format: Format) -> Result<(), Trouble> {
    if format == Format::Native {
        return Ok(());
    }
    let name = format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    Err(Trouble::usage(format!("the format {name} is not in this version; there is native")))
}

fn unless_zero(span: Duration) -> Option<Duration> {
    (!span.is_zero()).then_some(span)
}
