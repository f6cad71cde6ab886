//! Tests whether a live store keeps the contract.

mod bodies;
mod harness;
mod recorded;
mod report;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use cloakroom_conformance::{Case, cases};
use cloakroom_tower::store::{ManualClock, Timestamp};

use crate::progress;
use crate::signals::Signals;
use crate::stores::{self, Opened, Trial};
use crate::trouble::Trouble;
use harness::OpenedHarness;
use report::Report;

/// How long a case may go on after a signal. One that is left in the middle may still be writing.
const LAST_CASE: Duration = Duration::from_secs(10);

/// The options of `cloakroom check`.
#[derive(Args)]
#[command(after_help = stores::URL_HELP)]
pub(crate) struct CheckArgs {
    /// The store, as for `cloakroom demo --store`; with `layout=PACKAGE`, the bodies of that package of Node
    #[arg(value_name = "URL")]
    url: String,

    /// Only the cases whose name has this in it
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// Runs every case in a part of the store that has a random name, and removes that part, also after a signal.
pub(crate) async fn run(args: CheckArgs) -> Result<(), Trouble> {
    let mut signals = Signals::catch()?;
    let trial = trial()?;
    let stop = Arc::new(AtomicBool::new(false));
    if let Some(layout) = stores::bodies::layout_of(&args.url)? {
        return bodies::run(&args, layout, &mut signals, &stop, &trial).await;
    }
    // Not given up half-way: what it has made by then could not be removed.
    let opening = unless_insisted(&mut signals, &stop, &trial, Box::pin(stores::open_for(&args.url, &trial)));
    let opened = opening.await??;
    let harness = OpenedHarness::new(&args.url, &trial, &opened).await;
    let report = {
        let running = run_cases(&harness, args.only.as_deref(), &stop);
        until_stopped(&mut signals, &stop, running).await
    };
    let tidying = Box::pin(tidy_up(opened, harness, &trial));
    unless_insisted(&mut signals, &stop, &trial, tidying).await??;
    tell(report, &stop)
}

/// Prints what was found, if nothing has interrupted it.
fn tell(report: Option<Report>, stop: &AtomicBool) -> Result<(), Trouble> {
    match report.filter(|_| !stop.load(Ordering::Relaxed)) {
        Some(report) => report.tell(),
        None => Err(Trouble::failure("interrupted; what was made is removed")),
    }
}

/// The clock stands at the present moment and is moved by the cases: no case waits.
fn trial() -> Result<Trial, Trouble> {
    let number = getrandom::u32().map_err(|error| Trouble::failure("no random name").because(&error))?;
    // Whole milliseconds, as Node counts.
    let clock = ManualClock::at(Timestamp::from_millis(Timestamp::now().as_millis()));
    Ok(Trial { clock, prefix: format!("cloakroom_check_{number:08x}_") })
}

/// Does the work to its end. The first signal is remembered in `stop`, the second one ends all.
async fn unless_insisted<T>(
    signals: &mut Signals,
    stop: &AtomicBool,
    trial: &Trial,
    mut work: impl Future<Output = T> + Unpin,
) -> Result<T, Trouble> {
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = signals.next() => {
                if stop.swap(true, Ordering::Relaxed) {
                    let left = &trial.prefix;
                    return Err(Trouble::failure(format!("interrupted twice; what was made is left: {left}…")));
                }
            }
        }
    }
}

/// Lets the cases run; after a signal only to the end of the present one. `None` if that does not come soon.
async fn until_stopped<T>(
    signals: &mut Signals,
    stop: &AtomicBool,
    running: impl Future<Output = T>,
) -> Option<T> {
    tokio::pin!(running);
    tokio::select! {
        done = &mut running => return Some(done),
        () = signals.next() => stop.store(true, Ordering::Relaxed),
    }
    tokio::select! {
        done = &mut running => Some(done),
        () = signals.next() => None,
        () = tokio::time::sleep(LAST_CASE) => None,
    }
}

async fn run_cases(harness: &OpenedHarness, only: Option<&str>, stop: &AtomicBool) -> Report {
    let chosen: Vec<&Case> =
        cases().iter().filter(|case| only.is_none_or(|text| case.name().contains(text))).collect();
    let bar = progress::bar(Some(chosen.len() as u64), "sentences");
    let mut report = Report::default();
    for case in chosen {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        bar.set_message(case.name());
        report.add(case.name(), case.sentence().to_owned(), case.run(harness).await);
        bar.inc(1);
    }
    bar.finish_and_clear();
    report
}

/// Removes all that was made. Whatever fails, the rest is tried.
async fn tidy_up(opened: Opened, harness: OpenedHarness, trial: &Trial) -> Result<(), Trouble> {
    let Opened { store, tidy, release, .. } = opened;
    // By this clock nothing has expired, so that everything is found and removed.
    trial.clock.set(Timestamp::EPOCH);
    let deleted = if tidy.is_some() { Ok(()) } else { harness.delete_all().await };
    let mut outcomes = vec![deleted.map_err(Into::into), harness.close().await];
    drop(store);
    for work in [tidy, release].into_iter().flatten() {
        outcomes.push(work.await);
    }
    let outcome: stores::Tidied = outcomes.into_iter().collect();
    outcome.map_err(|error| Trouble::failure("what was made cannot all be removed").because(&*error))
}
