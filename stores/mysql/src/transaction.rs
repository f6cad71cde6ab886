//! Transactions: steps of more than one statement.

use std::pin::Pin;
use std::sync::atomic::Ordering;

use sqlx::{Connection, Executor, MySqlConnection};
use tokio::time::{sleep, timeout};

use crate::connections::{Connections, Harmless, Patience};
use crate::error::Failure;

/// What is done inside a transaction.
pub(crate) type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'c>>;

impl Connections {
    /// Does `work` in a transaction that locks the rows that it touches, and not the gaps between them, so that others can
    /// insert there (unless the server's log forbids that); from the beginning if others were in the way.
    pub(crate) async fn together<T>(
        &self,
        harmless: Harmless,
        work: impl for<'c> Fn(&'c mut MySqlConnection) -> Work<'c, T> + Send + Sync,
    ) -> Result<T, Failure> {
        let keeps_gaps = self.keeps_gaps.load(Ordering::Relaxed);
        let mut patience = Patience::new(harmless);
        loop {
            let mut lease = self.lease().await?;
            let answer = timeout(self.limits().answer, attempt(&mut lease, keeps_gaps, &work)).await;
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
    keeps_gaps: bool,
    work: &(impl for<'c> Fn(&'c mut MySqlConnection) -> Work<'c, T> + Send + Sync),
) -> Result<T, Failure> {
    if !keeps_gaps {
        connection.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED").await?; // of the next one only
    }
    // Dropped without a commit, it is rolled back before the connection is used again.
    let mut transaction = connection.begin_with("START TRANSACTION").await?;
    let answer = work(&mut transaction).await?;
    transaction.commit().await?;
    Ok(answer)
}
