//! Options and steps that were renamed: the error for an old name tells the new one.

use std::ffi::OsString;

use crate::trouble::Trouble;

/// Options of `cloakroom demo`, without their dashes: the old name and the new one.
const OPTIONS: [(&str, &str); 5] = [
    ("idle", "idle-timeout"),
    ("absolute", "absolute-timeout"),
    ("grace", "renewal-grace-period"),
    ("touch-after", "touch-threshold"),
    ("trust-proxy", "trust-forwarded-proto"),
];

/// Steps of scripts: the old name and the new one.
const STEPS: [(&str, &str); 2] = [("renew_id", "cycle_id"), ("set_max_age", "set_idle_timeout")];

/// Refuses an option of `cloakroom demo` that has another name now.
pub(crate) fn check_options(args: impl IntoIterator<Item = OsString>) -> Result<(), Trouble> {
    let mut args = args.into_iter().skip(1);
    if args.next().is_none_or(|command| command != "demo") {
        return Ok(());
    }
    for arg in args {
        let Some(option) = arg.to_str().and_then(|arg| arg.strip_prefix("--")) else { continue };
        let name = option.split_once('=').map_or(option, |(name, _)| name);
        if let Some((old, new)) = OPTIONS.iter().find(|(old, _)| *old == name) {
            return Err(Trouble::usage(format!("--{old} is called --{new} now")));
        }
    }
    Ok(())
}

/// Returns what to say of a script that could not be read, if a step in it has another name now.
pub(crate) fn step(error: &serde_json::Error) -> Option<String> {
    let said = error.to_string();
    let (old, new) = STEPS.iter().find(|(old, _)| said.starts_with(&format!("unknown variant `{old}`")))?;
    Some(format!("the step `{old}` is called `{new}` now"))
}
