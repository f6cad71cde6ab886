//! Brings a request's changes into the store.
//!
//! A commit decides once what to do, then does it against whatever other requests do meanwhile. Every write carries a
//! nonce that the record remembers, so that a write whose answer was lost is recognised and never made twice.

mod cap;
mod create;
mod end;
mod meet;
mod rotate;
mod update;

use cloakroom_store::{Record, Store, Timestamp, Version};

use super::patience::Patience;
use super::visit::Visit;
use crate::observe::{Doing, Event};
use crate::plan::{CookieStep, Fate, Observed, Plan, Privilege, Step};
use crate::record::{Frames, Header};
use crate::session::{Cookie, Decided, Place, State};
use crate::{Error, ErrorKind, Result};

/// Where a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landing {
    /// The store holds the changes.
    Kept,
    /// The session ended meanwhile; the changes are dropped.
    Dropped,
}

/// One commit.
pub(super) struct Commit<'a> {
    visit: &'a Visit,
    nonce: u64,
    patience: Patience,
    now: Timestamp,
    /// What the handler had decided when this commit was planned.
    fate: Fate,
    /// Whether a write may be in the store although no answer came.
    uncertain: bool,
    /// What the last write carried: how many changes, and what else was decided.
    sent: usize,
    decided: Decided,
    conflicts: u32,
    /// Whether the session is there although what was to be stored is dropped.
    session_stays: bool,
}

/// The session as a commit writes it.
struct Write {
    record: Record,
    header: Header,
}

impl<'a> Commit<'a> {
    pub(super) fn new(visit: &'a Visit) -> Self {
        let engine = visit.engine();
        let nonce = engine.0.nonces.next();
        let patience = Patience::new(engine.config().commit_within, engine.config().outage.wait, nonce);
        let now = engine.clock().now();
        Self {
            visit,
            nonce,
            patience,
            now,
            fate: Fate::Keep,
            uncertain: false,
            sent: 0,
            decided: Decided::default(),
            conflicts: 0,
            session_stays: false,
        }
    }

    pub(super) async fn run(&mut self) -> Result<Landing> {
        let landing = self.carry_out().await;
        match &landing {
            Ok(Landing::Dropped) => return self.drop_changes(),
            Ok(Landing::Kept) if self.conflicts > 0 => self.emit(&Event::Merged { retries: self.conflicts }),
            Ok(Landing::Kept) => {}
            Err(error) => self.visit.engine().failed(Doing::Commit, error),
        }
        landing
    }

    /// The session has ended. Flash values that would only have aged are nothing that anybody misses.
    fn drop_changes(&self) -> Result<Landing> {
        let missed = self.visit.with(|state| {
            let missed = state.is_changed() || state.must_exist;
            if self.session_stays {
                drop(state.discard());
            } else {
                state.lost(self.fate)?;
            }
            Ok::<_, Error>(missed)
        })?;
        if !missed {
            return Ok(Landing::Kept);
        }
        self.emit(&Event::WriteDropped);
        Ok(Landing::Dropped)
    }

    async fn carry_out(&mut self) -> Result<Landing> {
        let config = self.visit.engine().config();
        let responded = self.visit.has_responded();
        let decide = |state: &mut State| {
            let seen = state.observe(config);
            // A renewal that is merely due waits for a response that can carry the new id.
            Plan::decide(Observed { renewal_due: seen.renewal_due && !responded, ..seen })
        };
        let settled = self.visit.with(|state| {
            self.fate = state.fate;
            (!state.is_unsettled()).then(|| decide(state))
        });
        let plan = match settled {
            Some(plan) => plan,
            None => {
                if Box::pin(self.settle_uncertain()).await? == Landing::Dropped {
                    if self.fate != Fate::LogIn {
                        return Ok(Landing::Dropped);
                    }
                    self.visit.with(State::log_in_without_a_past)?;
                }
                self.visit.with(decide)
            }
        };
        if plan.cookie == CookieStep::Set && responded && !config.rolling {
            if plan.step == Step::Replace {
                Box::pin(self.end()).await?;
            }
            return Err(Error::new(
                ErrorKind::ResponseSent,
                "the response was sent; its cookie cannot change any more",
            ));
        }
        // A future has room for the largest of its steps, used or not: what is rare is in a box.
        let landing = match plan.step {
            Step::Nothing => Landing::Kept,
            Step::Drop => Landing::Dropped,
            Step::Create => self.create().await?,
            Step::Update => self.update().await?,
            Step::Touch => Box::pin(self.touch()).await?,
            Step::Rotate(privilege) => Box::pin(self.rotate(privilege)).await?,
            Step::Delete => Box::pin(self.end()).await?,
            Step::Replace => Box::pin(self.replace()).await?,
        };
        if plan.trips() > 0 {
            self.visit.engine().answered();
        }
        if landing == Landing::Kept && plan.cookie == CookieStep::Set && plan.trips() < 2 {
            self.send_again();
        }
        Ok(landing)
    }

    async fn replace(&mut self) -> Result<Landing> {
        let ended = self.end().await?;
        if ended == Landing::Dropped {
            return Ok(ended);
        }
        self.fate = self.visit.with(|state| state.fate);
        self.create().await
    }

    /// Under `rolling`, sends the cookie of a session that is still the client's.
    fn send_again(&self) {
        let lifetime = &self.visit.engine().config().lifetime;
        self.visit.with(|state| {
            let again = state
                .stored()
                .filter(|stored| !stored.late)
                .map(|stored| Cookie::Set(stored.id.clone(), lifetime.max_age(&stored.header, self.now)));
            if let (Cookie::Unchanged, Some(again)) = (&state.cookie, again) {
                state.cookie = again;
            }
        });
    }

    async fn touch(&mut self) -> Result<Landing> {
        let lifetime = &self.visit.engine().config().lifetime;
        let seen = self.visit.with(|state| {
            state.stored().map(|stored| (stored.key.clone(), lifetime.expires_at(&stored.header, self.now)))
        });
        let Some((key, expires_at)) = seen else { return Ok(Landing::Kept) };
        loop {
            match self.store().touch(&key, expires_at).await {
                Ok(_) => break,
                Err(error) => self.wait_after(error).await?,
            }
        }
        self.visit.with(|state| {
            state.touch = false;
            if let Place::Stored(stored) = &mut state.place {
                stored.expires_at = stored.expires_at.max(expires_at);
            }
        });
        Ok(Landing::Kept)
    }

    /// The session as this commit writes it, under its own key or (`renewed`) under a new one. A write that makes or
    /// replaces the session's only record is noted as being on its way.
    #[inline]
    fn write(&mut self, renewed: bool) -> Result<Write> {
        let engine = self.visit.engine();
        // Who had to wait for others does not take back the time that they have given the session.
        let now = if self.conflicts > 0 { engine.clock().now() } else { self.now };
        self.visit.with(|state| {
            self.check_still_wanted(state.fate)?;
            let mut header = state.header(engine)?;
            header.commit(self.nonce, now);
            if renewed {
                header.renewed_at = now;
            }
            let payload = state.draft.encode(&header);
            if payload.len() > engine.config().max_size {
                let (size, most, largest) = (payload.len(), engine.config().max_size, state.draft.largest());
                let message =
                    format!("the session has {size} bytes of at most {most}; its largest values: {largest}");
                return Err(Error::new(ErrorKind::TooLarge, message));
            }
            let record = Record {
                payload,
                expires_at: engine.config().lifetime.expires_at(&header, now),
                sliding: header.idle.is_none(),
                owner: state.owner.clone(),
            };
            (self.sent, self.decided) = (state.draft.len(), state.decided());
            if !renewed || state.placed().is_none() {
                self.send(state);
            }
            Ok(Write { record, header })
        })
    }

    /// What the handler decides while it saves must not get into the session as it was planned: least of all a log-in
    /// into a session under the old id.
    fn check_still_wanted(&self, fate: Fate) -> Result<()> {
        match fate {
            Fate::End if self.fate != Fate::End => {
                Err(Error::new(ErrorKind::Gone, "the session was ended while it was saved"))
            }
            Fate::LogIn if self.fate != Fate::LogIn => {
                Err(Error::new(ErrorKind::Contended, "somebody logged in while the session was saved"))
            }
            _ => Ok(()),
        }
    }

    /// A write to the session's own record is in the store.
    #[inline]
    fn landed(&self, write: Write, version: Version) -> Result<()> {
        let Write { record, header } = write;
        let frames = Frames::of(&record.payload, &header);
        self.visit.with(|state| {
            if let Place::Stored(stored) = &mut state.place {
                (stored.version, stored.header) = (version, header);
                (stored.expires_at, stored.owner) = (record.expires_at, record.owner);
            }
            state.landed(frames, self.sent, &self.decided)
        })
    }

    /// After a write failed: waits for another try, or hands the error back.
    async fn wait_after(&mut self, error: cloakroom_store::Error) -> Result<()> {
        self.uncertain |= error.is_uncertain();
        self.wait_after_look(error).await
    }

    /// After a look failed: waits for another try, or hands the error back.
    async fn wait_after_look(&mut self, error: cloakroom_store::Error) -> Result<()> {
        self.visit.engine().erred(&error);
        if !error.is_uncertain() {
            return Err(error.into());
        }
        if self.patience.after_failure().await { Ok(()) } else { Err(error.into()) }
    }

    async fn wait_after_conflict(&mut self) -> Result<()> {
        self.conflicts += 1;
        if self.patience.after_conflict().await {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Contended, "too many requests changed the session at once"))
    }

    fn store(&self) -> &'a dyn Store {
        &*self.visit.engine().0.store
    }

    fn emit(&self, event: &Event) {
        self.visit.engine().emit(event);
    }
}
