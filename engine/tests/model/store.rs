//! A store whose every operation waits at the gate, and is reported to the model when it is done.

use std::fmt;
use std::sync::Arc;

use cloakroom::Timestamp;
use cloakroom::store::{
    Capabilities, CreateOutcome, Cursor, Error, ErrorKind, HeadPage, OwnerKey, Owners, Record, Result, Store,
    StoreKey, Touch, UpdateOutcome, Version, VersionedRecord, async_trait,
};

use crate::gate::{Actor, Gate, Point, Verdict};
use crate::spec::{Done, SharedModel};

/// One request's way to the store that all share.
pub(crate) struct Gated {
    pub(crate) actor: Actor,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) gate: Gate,
    pub(crate) model: SharedModel,
}

impl Gated {
    /// Runs one operation as the scheduler says.
    async fn step<'a, T: Send>(
        &self,
        point: Point,
        what: &'static str,
        key: Option<&StoreKey>,
        run: impl Future<Output = Result<T>> + Send,
        done: impl FnOnce(&T) -> Done<'a> + Send,
    ) -> Result<T> {
        let sent = self.model.lock().arrive(self.actor, what, key);
        let verdict = self.gate.pass(self.actor, point, what).await;
        let removes = key.filter(|_| what == "deletes");
        let lost = || Error::new(ErrorKind::Unavailable, "lost by the test");
        if verdict == Verdict::Fail {
            self.model.lock().fault(self.actor, point == Point::Write, removes);
            return Err(lost());
        }
        let answer = run.await?;
        self.model.lock().done(self.actor, key, &sent, &done(&answer));
        match verdict {
            Verdict::Lose => {
                self.model.lock().fault(self.actor, point == Point::Write, removes);
                return Err(lost());
            }
            Verdict::Hold => drop(self.gate.pass(self.actor, Point::Answer, "gets the answer").await),
            Verdict::Go | Verdict::Fail => {}
        }
        Ok(answer)
    }

    fn owners(&self) -> &dyn Owners {
        self.store.capabilities().owners.expect("the stores under test have owners")
    }
}

/// What kind of record a payload is; see `docs/wire.md`.
fn name_of(record: &Record) -> [&'static str; 2] {
    match record.payload.get(1) {
        Some(2) => ["creates a trail", "leaves a trail"],
        Some(3) => ["creates a tombstone", "leaves a tombstone"],
        _ => ["creates", "updates"],
    }
}

#[async_trait]
impl Store for Gated {
    async fn load(&self, key: &StoreKey, touch: Option<Touch>) -> Result<Option<VersionedRecord>> {
        let run = self.store.load(key, touch);
        self.step(Point::Look, "loads", Some(key), run, |found| Done::Load { touch, found: found.is_some() })
            .await
    }

    async fn create(&self, key: &StoreKey, record: &Record) -> Result<CreateOutcome> {
        let run = self.store.create(key, record);
        let done = |created: &CreateOutcome| Done::Create {
            record,
            made: matches!(created, CreateOutcome::Created(_)),
        };
        self.step(Point::Write, name_of(record)[0], Some(key), run, done).await
    }

    async fn update(&self, key: &StoreKey, expected: Version, record: &Record) -> Result<UpdateOutcome> {
        let run = self.store.update(key, expected, record);
        if record.expires_at == Timestamp::EPOCH {
            // A record that has expired already: the delete of exactly one version.
            let done =
                |updated: &UpdateOutcome| Done::End { found: matches!(updated, UpdateOutcome::Updated(_)) };
            return self.step(Point::Write, "ends", Some(key), run, done).await;
        }
        let done = |updated: &UpdateOutcome| Done::Update {
            record,
            made: matches!(updated, UpdateOutcome::Updated(_)),
        };
        self.step(Point::Write, name_of(record)[1], Some(key), run, done).await
    }

    async fn touch(&self, key: &StoreKey, expires_at: Timestamp) -> Result<bool> {
        let run = self.store.touch(key, expires_at);
        self.step(Point::Write, "touches", Some(key), run, |_| Done::Touch { expires_at }).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<Option<VersionedRecord>> {
        let run = self.store.delete(key);
        self.step(Point::Write, "deletes", Some(key), run, |removed| Done::Delete {
            found: removed.is_some(),
        })
        .await
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE.with_owners(self)
    }
}

#[async_trait]
impl Owners for Gated {
    async fn list(&self, owner: &OwnerKey, after: Option<&Cursor>, limit: usize) -> Result<HeadPage> {
        let run = self.owners().list(owner, after, limit);
        self.step(Point::Look, "lists", None, run, |_| Done::Nothing).await
    }

    async fn revoke(&self, owner: &OwnerKey, at: Timestamp) -> Result<u64> {
        let run = self.owners().revoke(owner, at);
        self.step(Point::Write, "revokes", None, run, |_| Done::Revoke { owner, at }).await
    }
}

impl fmt::Debug for Gated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gated({})", self.actor)
    }
}
