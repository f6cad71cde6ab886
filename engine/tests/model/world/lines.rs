//! The lines of a handler, done in the engine and in the model.

use cloakroom::{ErrorKind, Session};
use serde_json::Value;

use super::Request;
use crate::plan::owner;
use crate::script::Step;
use crate::spec::Call;
use crate::values::{Change, grow};

impl Request {
    pub(super) fn check<T: PartialEq + std::fmt::Debug>(&self, what: Step, got: &T, want: &T) {
        let mut model = self.model.lock();
        if got != want && model.is_sure(self.actor) {
            model.violation(self.actor, format!("{what:?} gave {got:?} instead of {want:?}"));
        }
    }

    /// Does one line of the script, in the engine and in the model.
    pub(super) async fn perform(&self, session: &Session, step: Step, tag: i64) {
        let actor = self.actor;
        let change = |change| self.model.lock().mind(actor).changes.push(change);
        let view = || self.model.lock().mind(actor).view();
        let seen = |key: &str| view().get(key).map(|held| held.value.clone());
        let remove = |key: &'static str, value: Value| {
            let is_own = self.model.lock().mind(actor).changes.iter().any(|change| change.concerns(key));
            if !self.model.lock().mind(actor).forget_shown(key) {
                change(Change::Remove(key, value, is_own));
            }
        };
        match step {
            Step::Read(key) => self.check(step, &session.get::<Value>(key).expect("it is JSON"), &seen(key)),
            Step::ReadAll => {
                let mut all = session.entries::<Value>().expect("it is JSON");
                all.sort_by(|a, b| a.0.cmp(&b.0));
                let want: Vec<_> =
                    view().into_iter().map(|(key, held)| (key.to_owned(), held.value)).collect();
                self.check(step, &all, &want);
                let user = self.model.lock().mind(actor).owner.clone();
                let user = user.map(|owner| owner.key.as_str().unwrap_or_default().to_owned());
                self.check(step, &session.user(), &user);
                let exists = self.model.lock().mind(actor).exists();
                self.check(Step::Exists, &session.exists(), &exists);
            }
            Step::Insert(key) => {
                session.insert(key, tag).expect("it is JSON");
                change(Change::Set(key, tag));
            }
            Step::Remove(key) => {
                let there = seen(key);
                self.check(step, &session.remove(key), &there.is_some());
                if let Some(there) = there {
                    remove(key, there);
                }
            }
            Step::Take(key) => {
                let want = seen(key);
                self.check(step, &session.take::<Value>(key).expect("it is JSON"), &want);
                if let Some(there) = want {
                    remove(key, there);
                }
            }
            Step::Increment => {
                let count = session.increment("n", tag).expect("it is a number");
                change(Change::Add("n", tag));
                self.check(step, &Some(Value::from(count)), &seen("n"));
            }
            Step::Push => {
                let length = session.push("l", tag).expect("it is a list");
                change(Change::Push("l", tag));
                let want = seen("l").and_then(|list| list.as_array().map(Vec::len));
                self.check(step, &Some(length), &want);
            }
            Step::Update => {
                session.update("u", move |old: Option<i64>| grow(old, tag)).expect("it is a number");
                change(Change::Grow("u", tag));
            }
            Step::Flash => {
                session.flash("f", tag).expect("it is JSON");
                change(Change::Flash("f", tag));
            }
            Step::Clear => {
                session.clear();
                self.model.lock().mind(actor).clear();
            }
            Step::Exists => {
                let exists = self.model.lock().mind(actor).exists();
                self.check(step, &session.exists(), &exists);
            }
            Step::Touch => {
                session.touch();
                self.model.lock().mind(actor).touch = true;
            }
            Step::Save => self.save(session).await,
            Step::Reload => self.reload(session).await,
            Step::Pause | Step::SaveBehind => {}
            _ => self.decide(session, step).await,
        }
    }

    /// Does a line that is about the session as a whole.
    pub(super) async fn decide(&self, session: &Session, step: Step) {
        let now = self.model.lock().now(self.actor);
        match step {
            Step::RenewId => session.cycle_id(),
            Step::LogIn(user) => session.log_in(user).expect("the user has a name"),
            Step::LogOut => session.log_out(),
            Step::Destroy => session.destroy(),
            Step::Reset => session.reset(),
            Step::Discard => session.discard_changes(),
            _ => {}
        }
        {
            let mut model = self.model.lock();
            let mind = model.mind(self.actor);
            match step {
                Step::RenewId => mind.renew(),
                Step::LogIn(user) => mind.log_in(owner(user, now)),
                Step::LogOut | Step::Destroy => mind.end(),
                Step::Reset => {
                    mind.end();
                    mind.must_exist = true;
                }
                Step::Discard => mind.discard(),
                _ => model.call(self.actor, Call::Revoke),
            }
        }
        let sessions = self.engine.sessions();
        let revoked = match step {
            Step::RevokeAll(user) => sessions.revoke_all(user).await.map(drop),
            Step::RevokeOthers => self.revoke_others(session).await,
            _ => Ok(()),
        };
        let mut model = self.model.lock();
        model.call(self.actor, Call::None);
        if revoked.is_err() {
            model.fail(self.actor);
        }
    }

    pub(super) async fn revoke_others(&self, session: &Session) -> cloakroom::Result<()> {
        match self.engine.sessions().revoke_others(session).await {
            Ok(_) => self.model.lock().spared(self.actor),
            Err(error) if matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Gone) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
