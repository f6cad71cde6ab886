//! Records by owner, and revocations.

use std::time::Duration;

use cloakroom_store::{Cursor, HeadPage, OwnerKey, RecordHead, Result, Timestamp};
use sqlx::{MySqlConnection, Row};

use crate::connections::Harmless;
use crate::error::Failure;
use crate::layout::{entry, micros};
use crate::scan::after;
use crate::statements::Statements;
use crate::store::MysqlStore;
use crate::transaction::Locks;

/// How long a revocation is remembered after it was made, or after the moment that it names if that is later.
const REMEMBERED: Duration = Duration::from_hours(24);

/// A revocation, to be made as often as it takes.
#[derive(Clone)]
struct Revocation {
    statements: Statements,
    owner: OwnerKey,
    at: i64,
    forget_at: i64,
    now: i64,
}

impl MysqlStore {
    /// Lists a page in the order of the rows' ids; the cursor is the last id that was looked at.
    pub(crate) async fn list_of(
        &self,
        owner: &OwnerKey,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<HeadPage> {
        let (now, after, most) = (self.now(), after(cursor)?, HeadPage::bounded(limit));
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let question = || self.statements.list.question().bind(owner.as_bytes()).bind(after).bind(limit);
        let rows = self.connections.all(self.connections.limits().answer, Harmless::Yes, question).await?;
        let last = rows.last().filter(|_| rows.len() == most);
        let last = last.map(|row| row.try_get::<i64, _>(7)).transpose().map_err(Failure::from)?;
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>, Failure>>()?;
        let mut heads: Vec<_> = entries.into_iter().filter_map(RecordHead::of).collect();
        heads.retain(|head| head.is_live(now));
        Ok(HeadPage::new(heads, last.map(|id| Cursor::new(id.to_be_bytes().to_vec()))))
    }

    pub(crate) async fn revoke_all_of(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let now = self.now();
        let revocation = Revocation {
            statements: self.statements.clone(),
            owner: owner.clone(),
            at: micros(at),
            forget_at: micros(now.max(at) + REMEMBERED),
            now: micros(now),
        };
        let revoked = self.connections.together(Harmless::No, Locks::RowsAndGaps, move |connection| {
            let revocation = revocation.clone();
            Box::pin(async move { revocation.make(connection).await })
        });
        Ok(revoked.await?)
    }
}

impl Revocation {
    /// Leaves the mark, which waits for log-ins under way, and removes what they and others left.
    async fn make(self, connection: &mut MySqlConnection) -> Result<u64, Failure> {
        let Self { statements, owner, at, forget_at, now } = self;
        let remember = statements.remember.question().bind(owner.as_bytes()).bind(at).bind(forget_at);
        remember.bind(at).bind(forget_at).execute(&mut *connection).await?;
        let owned = statements.owned.question().bind(owner.as_bytes()).bind(at);
        let (mut ids, mut live) = (Vec::new(), 0);
        for row in owned.fetch_all(&mut *connection).await? {
            ids.push(row.try_get(0)?);
            live += u64::from(now < row.try_get(1)?);
        }
        if !ids.is_empty() {
            statements.sweep_away.text_of(&ids).execute(&mut *connection).await?;
        }
        Ok(live)
    }
}
