//! Runs scripts.

use cloakroom_tower::cloakroom::{Result, Session};
use serde::Serialize;
use serde_json::value::RawValue;

use super::script::Step;

/// What a step answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Nothing,
    Value(Box<RawValue>),
    Count(i64),
    Length(usize),
    Token(String),
}

/// Runs steps in order, up to the first that fails. What the steps before it changed is saved all the same: the
/// session does as its handler did, whatever the status of the response.
pub(super) async fn run(session: &Session, steps: Vec<Step>) -> Result<Vec<Answer>> {
    let mut answers = Vec::with_capacity(steps.len());
    for step in steps {
        answers.push(run_step(session, step).await?);
    }
    Ok(answers)
}

async fn run_step(session: &Session, step: Step) -> Result<Answer> {
    match step {
        Step::Read(key) => return Ok(Answer::value(session.get(&key)?)),
        Step::Take(key) => return Ok(Answer::value(session.take(&key)?)),
        Step::Increment(key, by) => return session.increment(&key, by).map(Answer::Count),
        Step::Push(key, value) => return session.push(&key, value).map(Answer::Length),
        Step::Csrf(_) => return session.csrf_token().map(Answer::Token),
        Step::Insert(key, value) => session.insert(&key, value)?,
        Step::Remove(key) => drop(session.remove(&key)),
        Step::PathInsert(path, value) => session.path(&path).insert(value)?,
        Step::Clear(_) => session.clear(),
        Step::Flash(key, value) => session.flash(&key, value)?,
        Step::Reflash(_) => session.reflash(),
        Step::KeepFlash(keys) => session.keep_flash(keys),
        Step::LogIn(user) => session.log_in(user)?,
        Step::LogOut(_) => session.log_out(),
        Step::CycleId(_) => session.cycle_id(),
        Step::Reset(_) => session.reset(),
        Step::Destroy(_) => session.destroy(),
        Step::Discard(_) => session.discard_changes(),
        Step::SetIdleTimeout(seconds) => session.set_idle_timeout(seconds.map(|seconds| seconds.0)),
        Step::Save(_) => session.save().await?,
        Step::Reload(_) => session.reload().await?,
        Step::SleepMs(pause) => tokio::time::sleep(pause.0).await,
    }
    Ok(Answer::Nothing)
}

impl Answer {
    fn value(value: Option<Box<RawValue>>) -> Self {
        value.map_or(Self::Nothing, Self::Value)
    }
}
