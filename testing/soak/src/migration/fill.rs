//! Fills a store with sessions, each of its own content.

use cloakroom::{PlainRequest, SessionManager};
use futures_util::{StreamExt, TryStreamExt};

use crate::Result;
use crate::migration::client::{Client, coat, user};

/// How many are begun at once.
const AT_ONCE: usize = 64;

/// Begins sessions of the numbers below `sessions`; in every third a user is logged in.
pub(crate) async fn fill(engine: &SessionManager, sessions: u32) -> Result<Vec<Client>> {
    let begun = futures_util::stream::iter(0..sessions).map(|number| begin(engine, number));
    begun.buffer_unordered(AT_ONCE).try_collect().await
}

async fn begin(engine: &SessionManager, number: u32) -> Result<Client> {
    let request = engine.begin(&PlainRequest::default());
    let session = request.load().await?;
    session.insert("number", number)?;
    session.insert("coat", coat(number))?;
    let logs_in = number.is_multiple_of(3);
    if logs_in {
        session.log_in(user(number))?;
    }
    let outcome = request.commit().await?;
    let cookie = outcome.set_cookie.as_deref().and_then(|cookie| cookie.split(';').next());
    Ok(Client::new(number, cookie.ok_or("no session began")?.to_owned(), logs_in))
}
