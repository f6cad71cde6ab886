//! From the command line to the engine's configuration.

use std::time::Duration;
use std::{env, fs};

use cloakroom_tower::{Config, ConfigError, KeyRing, Secure};

use super::args::DemoArgs;
use crate::trouble::Trouble;

/// The environment variable that signing secrets are in, separated by commas.
const SECRET: &str = "CLOAKROOM_SECRET";

/// What ends a session, unless the command line says otherwise.
const IDLE: Duration = Duration::from_secs(30 * 60);
const ABSOLUTE: Duration = Duration::from_secs(12 * 60 * 60);

/// Makes the options of our own format.
pub(super) fn config(args: &DemoArgs) -> Result<Config, Trouble> {
    let (secure, proxy) =
        if args.trust_forwarded_proto { (Secure::Auto, true) } else { (Secure::Never, false) };
    let mut config = Config::default()
        .secure(secure)
        .trust_forwarded_proto(proxy)
        .idle_timeout(args.idle_timeout.unwrap_or(IDLE))
        .absolute_timeout(unless_zero(args.absolute_timeout.unwrap_or(ABSOLUTE)))
        .renew_every(unless_zero(args.renew_every))
        .renewal_grace_period(args.renewal_grace_period)
        .touch_threshold(args.touch_threshold);
    if let Some(name) = &args.cookie_name {
        config = config.cookie_name(name);
    }
    let secrets = secrets(args)?;
    if !secrets.is_empty() {
        config = config.signed(KeyRing::new(&secrets).map_err(|error| contradiction(&error))?);
    }
    Ok(config)
}

/// Returns the secrets of the command line or of the file that it names, else of the environment.
pub(super) fn secrets(args: &DemoArgs) -> Result<Vec<String>, Trouble> {
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

pub(super) fn unless_zero(span: Duration) -> Option<Duration> {
    (!span.is_zero()).then_some(span)
}
