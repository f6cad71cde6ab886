//! From the command line to the engine's configuration.

use std::time::Duration;
use std::{env, fs};

use clap::ValueEnum;
use cloakroom_tower::{Config, ConfigError, KeyRing, Secure, TrustProxy};

use super::args::{DemoArgs, Format};
use crate::trouble::Trouble;

/// The environment variable that signing secrets are in, separated by commas.
const SECRET: &str = "CLOAKROOM_SECRET";

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
    let secrets = secrets(args)?;
    if !secrets.is_empty() {
        config = config.signed(KeyRing::new(&secrets).map_err(|error| contradiction(&error))?);
    }
    Ok(config)
}

/// The secrets of the command line or of the file that it names, else of the environment.
fn secrets(args: &DemoArgs) -> Result<Vec<String>, Trouble> {
    let whole = |part: &str| (!part.trim().is_empty()).then(|| part.trim().to_owned());
    if !args.secrets.is_empty() {
        return Ok(args.secrets.clone());
    }
    let Some(file) = &args.secret_file else {
        let named = env::var(SECRET).unwrap_or_default();
        return Ok(named.split(',').filter_map(whole).collect());
    };
    let wrong = |what: &str| Trouble::usage(format!("--secret-file {}: {what}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| wrong("cannot be read").because(&error))?;
    let secrets: Vec<_> = text.lines().filter_map(whole).collect();
    if secrets.is_empty() { Err(wrong("holds no secret")) } else { Ok(secrets) }
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
