//! Scripts: what a client asks to be done with its session, in one request.

use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

/// `{"do": [step, …], "status": 200}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    #[serde(rename = "do")]
    pub(super) steps: Vec<Step>,
    #[serde(default)]
    pub(super) status: Status,
}

/// One step. Values are kept as they were written, to the byte.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    Read(String),
    Insert(String, Box<RawValue>),
    Remove(String),
    Take(String),
    Increment(String, i64),
    Push(String, Box<RawValue>),
    PathInsert(String, Box<RawValue>),
    Clear(Yes),
    Flash(String, Box<RawValue>),
    Reflash(Yes),
    KeepFlash(Vec<String>),
    Csrf(Yes),
    LogIn(String),
    LogOut(Yes),
    CycleId(Yes),
    Reset(Yes),
    Destroy(Yes),
    Discard(Yes),
    Save(Yes),
    Reload(Yes),
    SetIdleTimeout(Option<Seconds>),
    SleepMs(Pause),
}

/// The `true` of a step that needs to be told nothing else.
#[derive(Debug, Deserialize)]
#[serde(try_from = "bool")]
pub(super) struct Yes;

impl TryFrom<bool> for Yes {
    type Error = &'static str;

    fn try_from(yes: bool) -> Result<Self, Self::Error> {
        yes.then_some(Self).ok_or("a step that is not wanted is left out")
    }
}

/// A status from 200 to 599; 200 unless given.
#[derive(Debug, Deserialize)]
#[serde(try_from = "u16")]
pub(super) struct Status(StatusCode);

impl TryFrom<u16> for Status {
    type Error = &'static str;

    fn try_from(status: u16) -> Result<Self, Self::Error> {
        let status = StatusCode::from_u16(status).ok().filter(|_| (200..=599).contains(&status));
        status.map(Self).ok_or("a status is a number from 200 to 599")
    }
}

impl Default for Status {
    fn default() -> Self {
        Self(StatusCode::OK)
    }
}

impl From<Status> for StatusCode {
    fn from(status: Status) -> Self {
        status.0
    }
}

/// A span in seconds, fractions allowed.
#[derive(Debug, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Seconds(pub(super) Duration);

impl TryFrom<f64> for Seconds {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| "a span has from 0 to 10^19 seconds")
    }
}

/// A span in milliseconds, 10 s at most.
#[derive(Debug, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Pause(pub(super) Duration);

impl TryFrom<u64> for Pause {
    type Error = &'static str;

    fn try_from(millis: u64) -> Result<Self, Self::Error> {
        (millis <= 10_000)
            .then_some(Self(Duration::from_millis(millis)))
            .ok_or("a script sleeps for 10,000 ms at most")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_to_the_byte() {
        let script: Script =
            serde_json::from_str(r#"{"do":[{"insert":["k",{"b":-0,"a": 1e+21}]}]}"#).unwrap();
        let Step::Insert(key, value) = &script.steps[0] else { panic!("{script:?}") };
        assert_eq!((key.as_str(), value.get()), ("k", r#"{"b":-0,"a": 1e+21}"#));
    }

    #[test]
    fn an_invalid_script_is_refused() {
        for wrong in [
            "{}",
            "[]",
            r#"{"do":{}}"#,
            r#"{"do":[],"x":1}"#,
            r#"{"do":[],"status":199}"#,
            r#"{"do":[],"status":600}"#,
            r#"{"do":["clear"]}"#,
            r#"{"do":[{}]}"#,
            r#"{"do":[{"dance":true}]}"#,
            r#"{"do":[{"clear":false}]}"#,
            r#"{"do":[{"clear":true,"reset":true}]}"#,
            r#"{"do":[{"insert":["k"]}]}"#,
            r#"{"do":[{"insert":["k",1,2]}]}"#,
            r#"{"do":[{"increment":["k",1.5]}]}"#,
            r#"{"do":[{"set_idle_timeout":-1}]}"#,
            r#"{"do":[{"sleep_ms":10001}]}"#,
        ] {
            assert!(serde_json::from_str::<Script>(wrong).is_err(), "{wrong}");
        }
    }
}
