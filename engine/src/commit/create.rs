//! Stores a session for the first time.

use cloakroom_store::{CreateOutcome, Error as StoreError, StoreKey, UpdateOutcome, Version};

use super::conflict::unreadable;
use super::{Commit, LOST, Write};
use crate::audit;
use crate::hooks::carry_out;
use crate::observe::Event;
use crate::record::Payload;
use crate::state::{Cookie, Verdict};
use crate::{Error, ErrorKind, PublicId, Result, SessionId};

/// How many ids of the application's own are tried that other sessions have.
const MOST_TAKEN: u32 = 8;

/// A record under a new id that the client does not know yet.
pub(super) struct NewRecord {
    pub(super) id: SessionId,
    pub(super) key: StoreKey,
    pub(super) version: Version,
    pub(super) write: Write,
}

/// The result of creating a record under a new id.
#[expect(clippy::large_enum_variant, reason = "nearly every one is stored, and is taken apart at once")]
pub(super) enum CreateResult {
    Stored(NewRecord),
    /// The user was revoked after this log-in began.
    Revoked,
}

/// Where a record that was to be created is.
enum Placed {
    Here(Version),
    /// An earlier, cancelled commit of this request created it, with the values of that time.
    Earlier(Version),
    /// Another session's record is there.
    Taken,
    Revoked,
}

impl Commit<'_> {
    pub(super) async fn create(&mut self) -> Result<Verdict> {
        let CreateResult::Stored(new) = self.create_record().await? else { return Ok(LOST) };
        let public_id = PublicId::new(new.write.header.public_id());
        audit::stored(&new.write.header, &new.write.record);
        let is_login = self.adopt_new(new);
        self.engine.emit(&Event::Created { session: public_id });
        if is_login {
            Box::pin(self.enforce_session_limit()).await;
        }
        Ok(Verdict::Saved)
    }

    /// Stores the session under a new id.
    pub(super) async fn create_record(&mut self) -> Result<CreateResult> {
        self.choose_next_id().await?;
        let (write, mut taken) = (self.write(true)?, 0);
        loop {
            let Some(id) = self.view.next_id().cloned() else { return Err(unreadable()) };
            let key = id.key();
            let placed = match self.records.create(&key, &write.record).await {
                Ok(CreateOutcome::Created(version)) => Ok(Placed::Here(version)),
                answer => Box::pin(self.place(&key, &write, answer)).await,
            };
            match placed {
                Ok(Placed::Here(version)) => {
                    return Ok(CreateResult::Stored(NewRecord { id, key, version, write }));
                }
                Ok(Placed::Earlier(version)) => {
                    let mut new = Box::new(NewRecord { id, key, version, write });
                    let kept = Box::pin(self.bring_up_to_date(&mut new)).await?;
                    return Ok(if kept { CreateResult::Stored(*new) } else { CreateResult::Revoked });
                }
                Ok(Placed::Revoked) => return Ok(CreateResult::Revoked),
                Ok(Placed::Taken) => {
                    taken += 1;
                    if self.view.next_id_is_chosen() && taken == MOST_TAKEN {
                        let message = "the application's function id_generator returned ids that are taken";
                        return Err(Error::new(ErrorKind::Hook, message));
                    }
                    self.change_next_id().await?;
                    Box::pin(self.wait_after_conflict()).await?;
                }
                Err(error) => return Err(Box::pin(self.leave_unplaced(&key, error)).await),
            }
        }
    }

    /// Draws another id for the new record; the other secrets stay.
    pub(super) async fn change_next_id(&mut self) -> Result<()> {
        let id = self.engine.draw_secrets()?.id;
        self.view.burn_next_id();
        self.view.set_next_id(id, false);
        self.choose_next_id().await
    }

    /// Has the application make the id of the new record, unless it has done so already.
    async fn choose_next_id(&mut self) -> Result<()> {
        let config = self.engine.config();
        let Some(new_id) = &config.hooks.new_id else { return Ok(()) };
        if self.view.next_id_is_chosen() {
            return Ok(());
        }
        let work = new_id(self.info.clone().unwrap_or_default());
        let text = Box::pin(carry_out("id_generator", config.deadline, work)).await?;
        self.view.set_next_id(self.engine.read_made_id(&text)?, true);
        Ok(())
    }

    /// Gives up on a record whose create has an unknown outcome: removes it, and draws another id. Returns the error.
    async fn leave_unplaced(&mut self, key: &StoreKey, error: Error) -> Error {
        self.unsettled = None;
        if self.is_uncertain {
            self.roll_back(key).await;
            self.unsettled = None;
            if let Err(error) = Box::pin(self.change_next_id()).await {
                return error;
            }
        }
        error
    }

    /// Finds out whether the record was created, although the first answer was not a plain success.
    async fn place(
        &mut self,
        key: &StoreKey,
        write: &Write,
        mut answer: Result<CreateOutcome, StoreError>,
    ) -> Result<Placed> {
        loop {
            match answer {
                Ok(CreateOutcome::Created(version)) => return Ok(Placed::Here(version)),
                Ok(CreateOutcome::Revoked) => return Ok(Placed::Revoked),
                Ok(CreateOutcome::AlreadyExists) => match self.whose(key).await? {
                    Some(placed) => return Ok(placed),
                    // It was ours, and a revocation has just removed it.
                    None => self.wait_after_conflict().await?,
                },
                Err(error) => self.wait_after(error).await?,
            }
            answer = self.records.create(key, &write.record).await;
        }
    }

    /// Finds out which commit wrote the record under `key`. That it is not ours has a chance of 1 in 2^256, or means a
    /// generator that repeats itself.
    async fn whose(&mut self, key: &StoreKey) -> Result<Option<Placed>> {
        if !self.is_uncertain && self.view.unsettled().is_empty() {
            return Ok(Some(Placed::Taken));
        }
        let Some(stored) = self.records.load(key, None).await? else { return Ok(None) };
        let Ok(Payload::Session(header, _)) = Payload::decode(&stored.record.payload) else {
            return Ok(Some(Placed::Taken));
        };
        Ok(Some(if header.remembers(self.nonce) {
            Placed::Here(stored.version)
        } else if self.view.unsettled().iter().any(|tried| header.remembers(tried.nonce)) {
            Placed::Earlier(stored.version)
        } else {
            Placed::Taken
        }))
    }

    /// Adopts the new record and queues its cookie. Returns whether this was a log-in.
    pub(super) fn adopt_new(&mut self, new: NewRecord) -> bool {
        let NewRecord { id, version, write, .. } = new;
        let is_login = write.record.owner.is_some() && write.header.authenticated_at().is_some();
        let (located, frames) = super::located(id.clone(), version, write);
        let lifetime = self.engine.config().lifetime.cookie(&located.header, self.at);
        self.view.cookie = Cookie::Set(id, lifetime);
        self.view.location = crate::state::Location::Stored(located);
        self.frames = Some(frames);
        is_login
    }

    /// Writes what is now known of the session into the new record; `false` if that was ended with all of the user's.
    pub(super) async fn bring_up_to_date(&mut self, new: &mut NewRecord) -> Result<bool> {
        new.write = self.write(true)?;
        loop {
            match self.records.update(&new.key, new.version, &new.write.record).await {
                Ok(UpdateOutcome::Updated(version)) => {
                    new.version = version;
                    return Ok(true);
                }
                // No other request knows its id: it is this commit's own write, whose answer was lost.
                Ok(UpdateOutcome::Conflict(stored)) => new.version = stored.version,
                Ok(UpdateOutcome::NotFound) => return Ok(false),
                Ok(UpdateOutcome::Revoked) => {
                    self.roll_back(&new.key).await;
                    return Ok(false);
                }
                Err(error) => self.wait_after(error).await?,
            }
        }
    }

    /// Removes a new record. The client does not know its id; if the store does not answer, the record expires.
    pub(super) async fn roll_back(&mut self, key: &StoreKey) {
        if let Err(error) = self.records.delete(key).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "an unused session could not be removed");
        }
    }
}
