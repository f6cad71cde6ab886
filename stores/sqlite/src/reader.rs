//! The threads that read: each statement sees the database as one moment left it, and waits for no writer.

use crate::database::Database;
use crate::threads::Queue;

/// Works until the store is dropped.
pub(crate) fn serve(database: &Database, queue: &Queue) {
    while let Some(mut job) = queue.next() {
        let outcome = job.run(database);
        job.answer(outcome);
    }
}
