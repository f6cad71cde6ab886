//! One request against the engine, told to the model from begin to response.

use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::{ErrorKind, PlainRequest, RequestSession, ResponseUpdate, Session, SessionManager};
use tokio::task::JoinHandle;

use crate::client::{Jar, Told};
use crate::gate::{Actor, Gate, Point};
use crate::script::{Script, Step};
use crate::spec::{Call, Heard, Occasion, SharedModel, Skew};

/// One request under way.
pub(super) struct Running {
    pub(super) actor: Actor,
    pub(super) task: JoinHandle<()>,
    pub(super) request: Request,
    pub(super) gone: bool,
}

/// What a request needs to run.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) actor: Actor,
    pub(super) script: Arc<Script>,
    pub(super) model: SharedModel,
    pub(super) gate: Gate,
    pub(super) jar: Arc<Mutex<Jar>>,
    /// The id of a cookie of another path, and whether it comes first.
    pub(super) beside: Option<(String, bool)>,
    pub(super) engine: SessionManager,
    /// What the clock of its machine shows.
    pub(super) skew: Skew,
    /// What the engine has said in its events.
    pub(super) heard: Arc<Mutex<Heard>>,
    pub(super) waits_to_be_sent: bool,
    pub(super) pauses: bool,
    pub(super) pending: Arc<Mutex<Option<RequestSession>>>,
}

impl Running {
    pub(super) fn start(request: Request) -> Self {
        Self { actor: request.actor, task: tokio::spawn(request.clone().run()), request, gone: false }
    }

    /// The client goes away; the adapter does what adapters do then.
    pub(super) fn leave(&mut self) {
        self.gone = true;
        self.request.gate.note(self.actor, "is given up by its client", "");
        self.request.model.lock().is_left(self.actor);
        self.task.abort();
        let pending = self.request.pending.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(pending) = pending.filter(RequestSession::has_pending_logout) {
            tokio::spawn(async move { drop(pending.finish_aborted().await) });
        }
    }
}

/// Waits for what a request does behind its own back.
async fn hear_out(behind: &mut Vec<JoinHandle<()>>) {
    for task in behind.drain(..) {
        if let Err(error) = task.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

impl Request {
    /// The browser sends the request, with the cookie that it has now.
    pub(super) fn send(&self) {
        let id = self.jar.lock().unwrap_or_else(PoisonError::into_inner).0.clone();
        let mut ids: Vec<String> = id.into_iter().collect();
        match self.beside.clone() {
            Some((beside, true)) => ids.insert(0, beside),
            Some((beside, false)) => ids.push(beside),
            None => {}
        }
        self.model.lock().begin(self.actor, &ids, self.skew);
        let cookies = ids.iter().map(|id| format!("{}={id}", self.engine.cookie_name()));
        let pending = self.engine.begin(&PlainRequest::default().with_cookies(cookies));
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner) = Some(pending);
    }

    pub(super) async fn run(self) {
        if self.waits_to_be_sent {
            self.gate.pass(self.actor, Point::Line, "is sent").await;
            self.send();
        }
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let pending = pending.expect("the request was sent");
        let mut behind = Vec::new();
        for (line, step) in self.script.iter().enumerate() {
            if *step == Step::Pause || self.pauses && line > 0 {
                self.gate.pass(self.actor, Point::Line, "goes on").await;
            }
            if *step == Step::Pause {
                continue;
            }
            let Ok(session) = self.load(&pending).await else { return };
            if matches!(
                step,
                Step::Save | Step::SaveBehind | Step::Reload | Step::RevokeAll(_) | Step::RevokeOthers
            ) {
                // One at a time, so that the model knows whose operations it sees.
                hear_out(&mut behind).await;
            }
            let tag = i64::try_from(self.actor * 100 + line + 1).expect("cases are small");
            if *step == Step::SaveBehind {
                let (this, session) = (self.clone(), session);
                behind.push(tokio::spawn(async move { this.save(&session).await }));
            } else {
                self.perform(&session, *step, tag).await;
            }
        }
        hear_out(&mut behind).await;
        let outcome = pending.commit().await;
        self.respond(outcome);
    }

    pub(super) async fn load(&self, pending: &RequestSession) -> cloakroom::Result<Session> {
        self.model.lock().call(self.actor, Call::Load);
        let before = self.model.lock().trips.get(&self.actor).copied();
        let session = pending.load().await;
        let mut model = self.model.lock();
        let asked = model.trips.get(&self.actor).copied() != before;
        match &session {
            Ok(_) if asked || !model.has_loaded(self.actor) => model.loaded(self.actor),
            Ok(_) => model.call(self.actor, Call::None),
            Err(_) => model.fail(self.actor),
        }
        session
    }

    pub(super) fn respond(&self, outcome: cloakroom::Result<ResponseUpdate>) {
        let told = Told::read(outcome.as_ref().ok().and_then(|outcome| outcome.set_cookie.as_deref()));
        self.finish(outcome.map(drop), Occasion::Response);
        let mut jar = self.jar.lock().unwrap_or_else(PoisonError::into_inner);
        let before = jar.0.clone();
        jar.take_in(&told);
        let mut model = self.model.lock();
        if model.is_answered(self.actor) {
            model.tell(self.actor, &told, before.as_deref());
        } else {
            model.fail(self.actor);
        }
        drop(model);
        self.gate.note(
            self.actor,
            "has its response",
            match told {
                Told::Nothing => "",
                Told::Set(_) => ", with a new cookie",
                Told::Removed => ", which removes the cookie",
            },
        );
    }

    /// A commit or save has ended.
    pub(super) fn finish(&self, result: cloakroom::Result<()>, occasion: Occasion) {
        let heard = std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        let result = result.map_err(|error| error.kind());
        self.model.lock().finish(self.actor, result, heard, occasion);
    }

    pub(super) async fn save(&self, session: &Session) {
        let result = session.save().await;
        self.finish(result, Occasion::Save);
    }

    pub(super) async fn reload(&self, session: &Session) {
        self.model.lock().call(self.actor, Call::Load);
        let reloaded = session.reload().await;
        let mut model = self.model.lock();
        match reloaded.map_err(|error| error.kind()) {
            Ok(()) => {
                if !model.reloaded(self.actor) {
                    model.violation(self.actor, "a session that has ended was loaded again");
                }
            }
            Err(ErrorKind::Gone) => model.reload_found_nothing(self.actor),
            Err(_) => model.call(self.actor, Call::None),
        }
    }
}
