//! Looks at both stores afterwards: every session that must be there is, with its values, and no other is.

use std::sync::Arc;

use cloakroom::store::{Entry, Store};
use cloakroom::stores::MigratingStore;
use cloakroom::{PlainRequest, SessionManager};
use futures_util::StreamExt;

use crate::Result;
use crate::migration::client::{Client, Fate, Seen};
use crate::migration::stores::{engine, open};

/// How many are looked for at once.
const AT_ONCE: usize = 64;
/// How many records are asked for at once.
const PAGE: usize = 1_000;
/// The second byte of a record that is a session (docs/wire.md).
const SESSION: u8 = 1;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// What must not be.
    pub(crate) wrong: Vec<String>,
    /// Sessions in the new store.
    pub(crate) there: u64,
    /// How many there must be at least, and at most.
    pub(crate) due: (u64, u64),
    /// Sessions that were ended, and are not there.
    pub(crate) ended: u64,
    /// Ids that were given up, and lead nowhere.
    pub(crate) former: u64,
    /// Sessions of which no client knows the id, or whether they began.
    pub(crate) unknown: u64,
    /// Marks in the old store.
    pub(crate) marks: u64,
}

/// Looks for every client's session in the new store alone, and for what is left in the old one.
pub(crate) async fn look(from: &str, to: &str, clients: &mut [Client], strays: u64) -> Result<Verdict> {
    let mut verdict = Verdict { unknown: strays, due: (0, strays), ..Verdict::default() };
    let engine = engine(open(to).await?)?;
    let mut looks = futures_util::stream::iter(clients.iter_mut())
        .map(|client| async {
            (look_for(&engine, &client.cookie).await, look_for_former(&engine, client).await, client)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((seen, former, client)) = looks.next().await {
        verdict.judge(client, seen?.as_ref(), former?);
    }
    drop(looks);
    verdict.count(from, to).await?;
    Ok(verdict)
}

async fn look_for(engine: &SessionManager, cookie: &str) -> Result<Option<Seen>> {
    let request = engine.begin(&PlainRequest::with_cookie(cookie));
    let session = request.load().await?;
    if !session.exists() {
        return Ok(None);
    }
    Ok(Some(Seen {
        number: session.get_or("number", 0)?,
        coat: session.get_or("coat", String::new())?,
        tags: session.get_or("tags", Vec::new())?,
        count: session.get_or("count", 0)?,
        user: session.user(),
    }))
}

/// How many of the cookies that a client had before still lead to a session.
async fn look_for_former(engine: &SessionManager, client: &Client) -> Result<usize> {
    let mut found = 0;
    for cookie in &client.former {
        found += usize::from(look_for(engine, cookie).await?.is_some());
    }
    Ok(found)
}

impl Verdict {
    fn judge(&mut self, client: &mut Client, seen: Option<&Seen>, former: usize) {
        self.wrong.extend(client.judge(seen));
        if former > 0 {
            self.wrong.push(format!("session {} is found under {former} ids of before", client.number));
        }
        self.former += client.former.len() as u64;
        // Of a new id that was never told, the record may be there beside that of the old one.
        let (least, most) = match (client.fate, seen) {
            (Fate::Ended, _) | (Fate::PerhapsEnded, None) => (0, 0),
            (Fate::Here | Fate::PerhapsEnded, _) | (Fate::PerhapsElsewhere, None) => (1, 1),
            (Fate::PerhapsElsewhere, Some(_)) => (1, 2),
        };
        self.due = (self.due.0 + least, self.due.1 + most);
        self.ended += u64::from(client.fate == Fate::Ended);
        self.unknown += u64::from(client.fate == Fate::PerhapsElsewhere);
    }

    /// Counts what is in both stores.
    async fn count(&mut self, from: &str, to: &str) -> Result {
        let (old, new) = (open(from).await?, open(to).await?);
        let (plain_records, sessions) = plain(new.clone(), old.clone()).await?;
        self.there = sessions;
        let all = count(&*new).await?;
        if all != plain_records {
            let hidden = all.abs_diff(plain_records);
            self.wrong.push(format!("{hidden} copies in the new store were never shown"));
        }
        if self.there < self.due.0 || self.there > self.due.1 {
            self.wrong.push(format!("{} sessions are there, not {:?}", self.there, self.due));
        }
        let (left, _) = plain(old.clone(), new).await?;
        if left > 0 {
            self.wrong.push(format!("{left} records are still in the old store"));
        }
        self.marks = count(&*old).await?;
        Ok(())
    }
}

/// Counts the records of `of` that are not marks of a migration, and the sessions among them: the others are redirects
/// of ids that were given up.
async fn plain(of: Arc<dyn Store>, beside: Arc<dyn Store>) -> Result<(u64, u64)> {
    let (store, mut after, mut records, mut sessions) =
        (MigratingStore::write_through(of, beside), None, 0, 0);
    loop {
        let page = store.remaining(after.as_ref(), PAGE).await?;
        records += page.entries.len() as u64;
        let is_session = |entry: &&Entry| entry.stored.record.payload.get(1) == Some(&SESSION);
        sessions += page.entries.iter().filter(is_session).count() as u64;
        after = page.next;
        if after.is_none() {
            return Ok((records, sessions));
        }
    }
}

pub(crate) async fn count(store: &dyn Store) -> Result<u64> {
    Ok(store.capabilities().scan.ok_or("a store cannot count its records")?.count().await?)
}
