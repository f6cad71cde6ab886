//! Waiting with a deadline.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::Result;

/// How long a server may take for one step of its life, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Asks again and again until the answer is there; `what` names in an error what it was waited for.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if begin.elapsed() > PATIENCE {
            return Err(format!("{what} took longer than {} seconds", PATIENCE.as_secs()).into());
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Like [`until`], for a question that is answered by yes or no.
pub(crate) fn until_true(what: &str, mut ask: impl FnMut() -> Result<bool>) -> Result {
    until(what, || ask().map(|yes| yes.then_some(())))
}
