//! Tests whether a live store keeps the contract.

mod harness;

use std::io::{self, Write};

use clap::Args;
use cloakroom_conformance::{Case, Failure, Verdict, cases};
use cloakroom_tower::store::{ManualClock, Timestamp};

use crate::progress;
use crate::stores::{self, Opened, Trial};
use crate::trouble::Trouble;
use harness::OpenedHarness;

/// The options of `cloakroom check`.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The store, as for `cloakroom demo --store`
    #[arg(value_name = "URL")]
    url: String,

    /// Only the cases whose name has this in it
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// What the cases came to.
#[derive(Default)]
struct Report {
    kept: usize,
    not_applicable: Vec<(&'static Case, &'static str)>,
    broken: Vec<(&'static Case, Failure)>,
}

/// Runs every case in a part of the store that has a random name, and removes that part.
pub(crate) async fn run(args: CheckArgs) -> Result<(), Trouble> {
    let trial = trial()?;
    let mut opened = stores::open_for(&args.url, &trial).await?;
    let tidy = opened.tidy.take();
    let harness = OpenedHarness::new(&args.url, &trial, &opened).await?;
    let interrupted = tokio::select! {
        report = run_cases(&harness, args.only.as_deref()) => Ok(report),
        _ = tokio::signal::ctrl_c() => Err(Trouble::failure("interrupted; what was made is removed")),
    };
    drop(harness);
    tidy_up(opened, tidy).await?;
    interrupted?.tell()
}

/// The clock stands at the present moment and is moved by the cases: no case waits.
fn trial() -> Result<Trial, Trouble> {
    let number = getrandom::u32().map_err(|error| Trouble::failure("no random name").because(&error))?;
    let clock = ManualClock::at(Timestamp::now());
    Ok(Trial { clock, prefix: format!("cloakroom_check_{number:08x}_") })
}

async fn run_cases(harness: &OpenedHarness, only: Option<&str>) -> Report {
    let chosen: Vec<_> =
        cases().iter().filter(|case| only.is_none_or(|text| case.name().contains(text))).collect();
    let bar = progress::bar(chosen.len() as u64, "sentences");
    let mut report = Report::default();
    for case in chosen {
        bar.set_message(case.name());
        match case.run(harness).await {
            Ok(Verdict::Kept) => report.kept += 1,
            Ok(Verdict::NotApplicable(reason)) => report.not_applicable.push((case, reason)),
            Err(failure) => report.broken.push((case, failure)),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    report
}

async fn tidy_up(opened: Opened, tidy: Option<stores::Tidy>) -> Result<(), Trouble> {
    if let Some(scan) = opened.store.abilities().scan {
        let cleared = scan.clear().await;
        cleared.map_err(|error| Trouble::failure("what was made cannot be removed").because(&error))?;
    }
    drop(opened);
    let Some(tidy) = tidy else { return Ok(()) };
    tidy.await.map_err(|error| Trouble::failure("what was made cannot be removed").because(&*error))
}

impl Report {
    fn tell(&self) -> Result<(), Trouble> {
        let mut out = io::stdout().lock();
        // If nobody reads it, the exit code still tells.
        let _ = self.write(&mut out);
        if self.broken.is_empty() {
            return Ok(());
        }
        Err(Trouble::failure(format!("the store breaks the contract in {} places", self.broken.len())))
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (case, reason) in &self.not_applicable {
            writeln!(out, "not applicable  {}: {reason}", case.name())?;
        }
        for (case, failure) in &self.broken {
            writeln!(out, "broken          {}: {}", case.name(), case.sentence())?;
            writeln!(out, "                {failure}")?;
        }
        let (kept, rest, broken) = (self.kept, self.not_applicable.len(), self.broken.len());
        writeln!(out, "{kept} sentences kept, {rest} not applicable, {broken} broken")
    }
}
