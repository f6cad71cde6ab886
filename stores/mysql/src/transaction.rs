//! Steps that take more than one statement.

use std::pin::Pin;

use sqlx::{Connection, Executor, MySqlConnection};
use tokio::time::{sleep, timeout};

use crate::connections::{Connections, Harmless, Patience};
use crate::error::Failure;

/// What a transaction locks beside the rows that it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locks {
    /// The gaps between them too, as the session's isolation level says.
    RowsAndGaps,
    /// Nothing, so that others can insert between them.
    Rows,
}

/// What is done inside a transaction.
pub(crate) type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'c>>;

impl Connections {
    /// Does `work` in a transaction, from the beginning if others were in the way.
    pub(crate) async fn together<T>(
        &self,
        harmless: Harmless,
        locks: Locks,
        work: impl for<'c> Fn(&'c mut MySqlConnection) -> Work<'c, T> + Send + Sync,
    ) -> Result<T, Failure> {
        let mut patience = Patience::new(harmless);
        loop {
            let mut lease = self.lease().await?;
            let answer = timeout(self.limits().answer, attempt(&mut lease, locks, &work)).await;
            match self.give_back(lease, answer.unwrap_or(Err(Failure::NO_ANSWER))) {
                // Statements that meet lock in another order: without a pause they would meet again.
                Err(failure) if patience.bears(failure) => sleep(patience.pause()).await,
                answer => return answer,
            }
        }
    }
}

async fn attempt<T>(
    connection: &mut MySqlConnection,
    locks: Locks,
    work: &(impl for<'c> Fn(&'c mut MySqlConnection) -> Work<'c, T> + Send + Sync),
) -> Result<T, Failure> {
    if locks == Locks::Rows {
        connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED").await?; // of the next one only
    }
    // Dropped without a commit, it is rolled back before the connection is used again.
    let mut transaction = connection.begin().await?;
    let answer = work(&mut transaction).await?;
    transaction.commit().await?;
    Ok(answer)
}
