//! The threads that read: each statement sees a snapshot of the database, and waits for no writer.

use crate::database::Database;
use crate::threads::Queue;

/// Works until the store is dropped.
pub(crate) fn serve<L>(database: &Database<L>, queue: &Queue<L>) {
    while let Some(mut job) = queue.next() {
        // Looks at the file afterwards: only then is it sure that the answer came from it.
        let outcome = job.run(database).and_then(|()| database.check_file());
        job.answer(outcome);
    }
}
