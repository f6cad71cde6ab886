//! The one thread that writes: it groups waiting writes into one transaction, and so into one flush of the disk (group commit).
//!
//! 1. Take a job and `BEGIN IMMEDIATE`, waiting for other processes as long as the busy timeout says.
//! 2. Run it, and every job that waits by now.
//! 3. `COMMIT`, and a look whether the file is still there; only then are the callers answered.
//!
//! If anything fails, the whole transaction is undone and each job is tried alone, so that one that cannot be done
//! fails alone. A job can run twice, then, but only once for good.

use std::thread;
use std::time::{Duration, Instant};

use cloakroom_store::ErrorKind;

use crate::database::Database;
use crate::error::Failure;
use crate::layout::Layout;
use crate::task::Job;
use crate::threads::Queue;

/// A transaction takes no more jobs than this, so that other processes get their turn.
const MOST_JOBS: usize = 256;
/// A transaction takes no more jobs after this time, however large their payloads are.
const LONGEST: Duration = Duration::from_millis(20);

/// The waits between attempts to get the lock that another process holds, which is usually for about one flush.
const FIRST_WAIT: Duration = Duration::from_micros(100);
const LONGEST_WAIT: Duration = Duration::from_millis(2);

pub(crate) struct Writer<L = Layout> {
    pub(crate) database: Database<L>,
    pub(crate) queue: Queue<L>,
    pub(crate) busy_timeout: Duration,
}

impl<L> Writer<L> {
    /// Works until the store is dropped.
    pub(crate) fn serve(self) {
        while let Some(job) = self.queue.next() {
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

    fn alone(&self, job: Job<L>) {
        let mut group = vec![job];
        let outcome = self.attempt(&mut group, 1);
        answer(group, outcome);
    }

    /// Runs the group, and adds to it what waits, in one transaction.
    fn attempt(&self, group: &mut Vec<Job<L>>, most: usize) -> Result<(), Failure> {
        self.database.check_file()?;
        let since = group[0].since;
        self.insist("BEGIN IMMEDIATE", since)?;
        // Without a write-ahead log, a commit waits for those who read.
        let outcome = self.run(group, most).and_then(|()| self.insist("COMMIT", since));
        if outcome.is_err() && !self.database.connection.is_autocommit() {
            // If this fails too, so does the next BEGIN, and tells.
            let _ = self.execute("ROLLBACK");
        }
        // What was written may be in a file that nothing finds any more, or that is put back.
        outcome.and_then(|()| self.database.check_file().map_err(Failure::uncertain))
    }

    fn run(&self, group: &mut Vec<Job<L>>, most: usize) -> Result<(), Failure> {
        let begin = Instant::now();
        let mut done = 0;
        while let Some(job) = group.get_mut(done) {
            job.run(&self.database)?;
            done += 1;
            if done == group.len() && done < most && begin.elapsed() < LONGEST {
                group.extend(self.queue.next_waiting());
            }
        }
        Ok(())
    }

    /// Executes a statement that needs a lock which another process may have, for as long as the busy timeout says since
    /// the first job was asked for.
    fn insist(&self, sql: &str, since: Instant) -> Result<(), Failure> {
        let mut wait = FIRST_WAIT;
        loop {
            match self.execute(sql) {
                Err(failure) if failure.is_busy() && since.elapsed() < self.busy_timeout => {
                    thread::sleep(wait);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                outcome => return outcome,
            }
        }
    }

    fn execute(&self, sql: &str) -> Result<(), Failure> {
        self.database.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

fn answer<L>(group: Vec<Job<L>>, outcome: Result<(), Failure>) {
    for job in group {
        job.answer(outcome);
    }
}

/// Returns whether jobs of a group that failed can succeed one by one. Not if they would only wait again, and not
/// if it is unknown whether the commit took effect.
fn is_worth_another_try(failure: &Failure) -> bool {
    !matches!(failure.kind, ErrorKind::Unavailable | ErrorKind::Other)
}
