//! A case, and how it is run.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use crate::failure::{Failure, Outcome, Stop, Verdict};
use crate::harness::Harness;
use crate::list;
use crate::trial::Trial;

/// A sentence of the contract, and the test of it.
#[derive(Clone, Copy)]
pub struct Case {
    pub(crate) group: &'static str,
    pub(crate) name: &'static str,
    pub(crate) sentence: &'static str,
    pub(crate) steps: Steps,
}

pub(crate) type Steps = for<'t, 'h> fn(&'t Trial<'h>) -> Pin<Box<dyn Future<Output = Outcome> + Send + 't>>;

impl Case {
    /// Returns the subject of the case: `"loading"`, `"expiry"` and so on.
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// Returns the name, which is the name of the test that [`suite!`](crate::suite) makes: `"delete_twice_is_fine"`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the sentence: `"Deleting twice is fine."`
    pub const fn sentence(&self) -> &'static str {
        self.sentence
    }

    /// Tests the sentence on a store, and deletes the records that it made there.
    ///
    /// Needs a tokio runtime, because racing cases spawn tasks.
    ///
    /// # Errors
    /// A [`Failure`] if the store breaks the sentence, answers with an error, or panics.
    pub async fn run(&self, harness: &dyn Harness) -> Result<Verdict, Failure> {
        let trial = Trial::new(harness);
        if let Some((_, reason)) = trial.limits.left_out.iter().find(|(name, _)| *name == self.name) {
            return Ok(Verdict::NotApplicable(reason));
        }
        let outcome = caught((self.steps)(&trial)).await;
        let cleaned = caught(Box::pin(trial.clean_up())).await;
        match outcome.and_then(|outcome| cleaned.and(Some(outcome))) {
            None => Err(Failure::panic()),
            Some(Ok(())) => Ok(Verdict::Kept),
            Some(Err(Stop::NotApplicable(reason))) => Ok(Verdict::NotApplicable(reason)),
            Some(Err(Stop::Failed(failure))) => Err(failure),
        }
    }
}

/// What the future answers, or `None` if it panics.
async fn caught<T>(mut future: Pin<Box<dyn Future<Output = T> + Send + '_>>) -> Option<T> {
    poll_fn(|context| {
        // A future that panicked is not polled again, so its half-done state is never seen.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
    })
    .await
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// Returns all cases, one for each sentence, in the order in which a person would ask.
pub fn cases() -> &'static [Case] {
    list::CASES
}

/// What makes a harness.
#[doc(hidden)]
pub type InTheMaking = Pin<Box<dyn Future<Output = Box<dyn Harness>>>>;

/// Runs the case with this name as a test; what [`suite!`](crate::suite) expands to.
#[doc(hidden)]
pub fn run_as_test(name: &str, harness: InTheMaking) {
    let case = cases().iter().find(|case| case.name == name).expect("the name is from the list of cases");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("the operating system gives threads");
    match runtime.block_on(async { case.run(&*harness.await).await }) {
        Ok(Verdict::Kept) => {}
        Ok(Verdict::NotApplicable(reason)) => say_not_applicable(name, reason),
        Err(failure) => panic!("{}\n{failure}", case.sentence),
    }
}

/// Writes past the capture of the test harness: a case that was not run must not look like one that passed.
fn say_not_applicable(name: &str, reason: &str) {
    let written = writeln!(std::io::stderr(), "{name}: not applicable, {reason}");
    drop(written);
}
