//! The one thread that writes: it groups waiting writes into one transaction, and so into one flush of the disk (group commit).
//!
//! If anything in a group fails, the whole transaction is undone and each job is tried alone, so that one that cannot
//! be done fails alone. A job can run twice, then, but only once for good.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_store::ErrorKind;
use tokio::sync::mpsc;

use crate::database::Shared;
use crate::error::Failure;
use crate::tables::Tables;
use crate::task::Job;

/// A transaction takes no more jobs than this.
const MOST_JOBS: usize = 256;
/// A transaction takes no more jobs after this time, however large their payloads are.
const LONGEST: Duration = Duration::from_millis(20);

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: mpsc::Receiver<Job>,
}

impl Writer {
    /// Works until the store is dropped.
    pub(crate) fn serve(mut self) {
        while let Some(job) = self.queue.blocking_recv() {
            let mut group = vec![job];
            match self.attempt(&mut group, MOST_JOBS) {
                Err(failure) if group.len() > 1 && is_worth_another_try(&failure) => {
                    for job in group {
                        self.alone(job);
                    }
                }
                outcome => answer(group, outcome),
            }
        }
    }

    fn alone(&mut self, job: Job) {
        let mut group = vec![job];
        let outcome = self.attempt(&mut group, 1);
        answer(group, outcome);
    }

    /// Runs the group, and adds to it what waits, in one transaction.
    fn attempt(&mut self, group: &mut Vec<Job>, most: usize) -> Result<(), Failure> {
        let Self { shared, queue } = self;
        shared.write(|tables| run(group, most, queue, tables))
    }
}

fn run(
    group: &mut Vec<Job>,
    most: usize,
    queue: &mut mpsc::Receiver<Job>,
    tables: &mut Tables<'_>,
) -> Result<(), Failure> {
    let begin = Instant::now();
    let mut done = 0;
    while let Some(job) = group.get_mut(done) {
        job.run(tables)?;
        done += 1;
        if done == group.len() && done < most && begin.elapsed() < LONGEST {
            group.extend(queue.try_recv());
        }
    }
    Ok(())
}

fn answer(group: Vec<Job>, outcome: Result<(), Failure>) {
    for job in group {
        job.answer(outcome);
    }
}

/// Returns whether jobs of a group that failed can succeed one by one. Not if it is unknown
/// whether the commit took effect.
fn is_worth_another_try(failure: &Failure) -> bool {
    !matches!(failure.kind, ErrorKind::Unavailable | ErrorKind::Other)
}
