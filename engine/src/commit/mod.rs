//! Writes a request's changes to the store: resolve, plan, write.
//!
//! A commit works on a copy of the request's state. It holds no lock and knows no request, so handlers go on meanwhile, and
//! closures of the application run without a lock. Every write carries a nonce that the record remembers, so that a
//! write whose answer was lost is recognised and never made twice.

mod conflict;
mod create;
mod end;
mod renew;
mod session_limit;
mod touch;
mod update;

use cloakroom_store::{Error as StoreError, Record, Timestamp, Version, VersionedRecord};

use crate::observe::{Event, Operation};
use crate::plan::{CookieStep, Observed, Origin, Plan, Privilege, Step};
use crate::record::{Frames, Header};
use crate::records::Records;
use crate::state::{
    Attempt, CommitInput, CommitResult, Cookie, IntentKind, Located, Location, RequestFacts, Stamp, State,
    Verdict,
};
use crate::{Error, ErrorKind, RequestInfo, Result, SessionId, SessionManager};

pub(crate) use end::{Ended, end_following_redirects};

/// One commit.
struct Commit<'a> {
    engine: &'a SessionManager,
    records: Records<'a>,
    /// The state as it was when the commit began; rebased on what other requests store meanwhile.
    view: Box<State>,
    /// The values that the store holds, as they were last seen or written.
    frames: Option<Frames>,
    nonce: u64,
    at: Timestamp,
    request: RequestFacts,
    info: Option<RequestInfo>,
    /// How many changes of the request this commit carries.
    sent: usize,
    /// Whether a write may be in the store although no answer came.
    is_uncertain: bool,
    /// The record as this commit has written it, for the next one in line.
    written: Option<VersionedRecord>,
    /// A write with an unknown outcome, which the next commit has to find out.
    unsettled: Option<Attempt>,
    conflicts: u32,
}

/// The session as a commit writes it.
struct Write {
    record: Record,
    header: Header,
}

/// Carries out a commit.
pub(crate) async fn commit(engine: &SessionManager, input: CommitInput) -> CommitResult {
    let CommitInput { view, nonce, at, request, info, stamp } = input;
    let records = match Records::for_commit(engine, Operation::Commit, request.deadline) {
        Ok(records) => records,
        Err(error) => {
            engine.failed(Operation::Commit, &error);
            return CommitResult::new(Err(error), view, stamp);
        }
    };
    let sent = stamp.sent;
    let commit = Commit {
        engine,
        records,
        view,
        frames: None,
        nonce,
        at,
        request,
        info,
        sent,
        is_uncertain: false,
        written: None,
        unsettled: None,
        conflicts: 0,
    };
    commit.run(stamp).await
}

impl Commit<'_> {
    async fn run(mut self, stamp: Stamp) -> CommitResult {
        let was_changed = self.view.is_changed() || self.view.must_exist || self.view.owner_is_new();
        let verdict = self.carry_out().await;
        match &verdict {
            Ok(Verdict::Saved) if self.conflicts > 0 => {
                self.engine.emit(&Event::Merged { retries: self.conflicts });
            }
            Ok(Verdict::Discarded { .. }) if was_changed => self.engine.emit(&Event::WriteDropped),
            Ok(_) => {}
            // Nothing has failed: the browser asks again.
            Err(error) if error.kind() == ErrorKind::Prefetch => {}
            Err(error) => self.engine.failed(Operation::Commit, error),
        }
        // Losing only the expiry of a flash value is not reported as a dropped write.
        let verdict = match verdict {
            Ok(Verdict::Discarded { .. }) if !was_changed && !self.request.is_save && !self.is_ending() => {
                self.view.close();
                Ok(Verdict::Saved)
            }
            verdict => verdict,
        };
        let mut result = CommitResult::new(verdict, self.view, stamp);
        (result.frames, result.unsettled) = (self.frames, self.unsettled);
        result
    }

    async fn take_step(&mut self, step: Step) -> Result<Verdict> {
        // A future is as large as its largest step, used or not: so rare steps are boxed.
        match step {
            Step::Nothing => Box::pin(self.do_nothing()).await,
            Step::Discard => Ok(LOST),
            Step::DiscardEnd => Ok(self.ignore_end()),
            Step::Refuse => {
                self.ignore_end();
                let message = "the session cannot be ended, because its store did not answer";
                Err(Error::new(ErrorKind::Unavailable, message))
            }
            Step::Create => Box::pin(self.create()).await,
            Step::Update => self.update().await,
            Step::Touch => Box::pin(self.touch(true)).await,
            Step::Renew(privilege) => Box::pin(self.renew(privilege)).await,
            Step::End => Box::pin(self.end()).await,
            Step::Replace => Box::pin(self.replace()).await,
        }
    }

    /// Dates the log-in by the clock that all machines share.
    async fn date_log_in(&mut self) {
        let offset = self.records.clock_offset().await;
        if let Some(login) = self.view.intent.login_mut() {
            login.owner.logged_in_at = offset.log_in(login.owner.logged_in_at);
        }
    }

    fn is_ending(&self) -> bool {
        self.view.intent.kind() == IntentKind::End
    }

    async fn carry_out(&mut self) -> Result<Verdict> {
        if let Some(landed) = self.view.landed.take() {
            self.rebase_values(landed.frames, Some(landed.sent))?;
        }
        if self.view.is_unsettled() && Box::pin(self.settle_earlier_writes()).await? == Settled::Gone {
            match self.view.intent.kind() {
                IntentKind::LogIn => self.log_in_without_a_past()?,
                // `end` itself finds out why the session has ended, and continues with a log-in that came after it.
                IntentKind::End => {}
                IntentKind::Keep | IntentKind::Renew => return Ok(LOST),
            }
        }
        if self.view.intent.login().is_some() {
            Box::pin(self.date_log_in()).await;
        }
        let plan = self.decide();
        if self.view.looks_only && (plan.step != Step::Nothing || plan.cookie != CookieStep::Leave) {
            return Err(Error::prefetch());
        }
        if plan.cookie == CookieStep::Set && self.request.has_responded {
            if plan.step == Step::Replace {
                Box::pin(self.end()).await?;
            }
            let message = "the response was sent; its cookie cannot change any more";
            return Err(Error::new(ErrorKind::ResponseSent, message));
        }
        // A session that had ended before is a log-out all the same.
        self.view.ended |= self.is_ending() && matches!(self.view.location, Location::Absent);
        if self.ends_sessions(plan.step) {
            Box::pin(self.end_other_ids()).await?;
        }
        let verdict = self.take_step(plan.step).await?;
        if verdict == Verdict::Saved {
            self.tell_cookie(plan);
        }
        Ok(verdict)
    }

    /// Decides what to do, once.
    fn decide(&self) -> Plan {
        let config = self.engine.config();
        let seen = self.view.observe(config, self.at);
        // A renewal by age waits for a response that can carry the new id, and is sure to bring it to this browser alone.
        let is_sure = !self.request.has_responded && !self.request.is_conditional;
        let renewal_due = seen.renewal_due && is_sure;
        let wanted = seen.wanted && !self.request.is_aborted;
        let seen = Observed { wanted, renewal_due, ..seen };
        let plan = Plan::decide(seen);
        let renews = plan.step == Step::Renew(Privilege::Same);
        match self.view.location.stored() {
            // Of parallel requests one renews; to the others it is as if it had done so already.
            Some(located) if renews && !self.engine.queue().claim_renewal(&located.key) => {
                Plan::decide(Observed { origin: Origin::Redirected, ..seen })
            }
            _ => plan,
        }
    }

    /// Returns whether the step ends what the client had, so that no other id that it sent may stay live.
    fn ends_sessions(&self, step: Step) -> bool {
        matches!(self.view.intent.kind(), IntentKind::End | IntentKind::LogIn) && step != Step::Refuse
    }

    async fn replace(&mut self) -> Result<Verdict> {
        match self.end().await? {
            Verdict::Saved => self.create().await,
            dropped @ Verdict::Discarded { .. } => Ok(dropped),
        }
    }

    /// Ends a commit without changes; a save checks that the session is alive.
    async fn do_nothing(&mut self) -> Result<Verdict> {
        match &self.view.location {
            Location::Stored(_) if self.request.is_save => self.touch(false).await,
            Location::Closed if self.request.is_save => Ok(LOST),
            Location::Unknown if self.request.is_save => {
                let message = "it is not known whether the session is alive: its store did not answer";
                Err(Error::new(ErrorKind::Unavailable, message))
            }
            _ => Ok(Verdict::Saved),
        }
    }

    /// Sets the cookie that the client gets, unless a step that made an id has set it.
    fn tell_cookie(&mut self, plan: Plan) {
        match plan.cookie {
            CookieStep::Remove if self.view.ended => self.view.cookie = Cookie::Removed,
            CookieStep::Leave | CookieStep::Set | CookieStep::Remove => {}
            CookieStep::Resend => {
                let config = self.engine.config();
                if let (Cookie::Unchanged, Some(located)) =
                    (&self.view.cookie, self.view.stored().filter(|located| !located.redirected))
                {
                    let lifetime = config.lifetime.cookie(&located.header, self.at);
                    // A cookie that ends with the browser has nothing to renew.
                    if config.rolling || lifetime.max_age.is_some() {
                        self.view.cookie = Cookie::Set(located.id.clone(), lifetime);
                    }
                }
            }
        }
    }

    /// Encodes the session as this commit writes it: under its own key, or (`new_id`) under a new one.
    #[inline]
    fn write(&self, new_id: bool) -> Result<Write> {
        let config = self.engine.config();
        let Some(mut header) = self.view.known_header() else {
            return Err(Error::new(ErrorKind::Random, "a new session has no id yet"));
        };
        // A commit that had to wait for others must not shorten the expiry that they have set.
        let now = if self.conflicts > 0 { self.engine.clock().now() } else { self.at };
        let replaced = self.view.stored().map(|located| &located.key);
        header.commit(self.nonce, now, config.lifetime.idle_of(&header));
        config.mark_schema(&mut header);
        if new_id {
            header.set_renewed_at(now);
            if let Some(key) = replaced {
                header.set_replaces(key.clone());
            }
        }
        let payload = self.view.values.encode(&header);
        if payload.len() > config.max_size {
            return Err(too_large(payload.len(), config.max_size, &self.view.values.largest()));
        }
        let record = Record::new(payload, config.lifetime.expires_at(&header, now))
            .with_sliding(header.own_idle().is_none())
            .with_owner(self.view.owner().cloned());
        Ok(Write { record, header })
    }

    /// Waits for another try after a write failed, or returns the error.
    async fn wait_after(&mut self, error: StoreError) -> Result<()> {
        self.is_uncertain |= error.is_uncertain();
        let waited = self.records.wait_after(error).await;
        if waited.is_err() && self.is_uncertain {
            self.note_unsettled();
        }
        waited
    }

    /// Notes that the write of this commit may be in the store.
    fn note_unsettled(&mut self) {
        let base = self.view.location.stored().map_or(0, |located| located.header.number());
        self.unsettled = Some(Attempt { nonce: self.nonce, sent: self.sent, base });
    }

    async fn wait_after_conflict(&mut self) -> Result<()> {
        self.conflicts += 1;
        if self.records.wait_after_conflict().await {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Contended, "too many requests changed the session at once"))
    }
}

/// Returns where a record that was written under a new id is, and its values.
fn located(id: SessionId, version: Version, write: Write) -> (Located, Frames) {
    let Write { record, header } = write;
    let frames = Frames::of(&record.payload, &header);
    let (key, expires_at, owner) = (id.key(), record.expires_at, record.owner);
    (Located { id, key, version, header, expires_at, owner, redirected: false }, frames)
}

/// Another request has ended the session.
const LOST: Verdict = Verdict::Discarded { session_remains: false };

/// The results of earlier writes of the request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Known,
    /// The session is gone.
    Gone,
}

pub(crate) fn too_large(size: usize, most: usize, largest: &str) -> Error {
    let message = format!("the session has {size} bytes of at most {most}; its largest values: {largest}");
    Error::new(ErrorKind::TooLarge, message)
}
