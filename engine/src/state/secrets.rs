//! The secrets of a session that is not stored yet, or of the next id, and the header that they are part of.

use super::{Login, State};
use crate::SessionId;
use crate::id::NewSecrets;
use crate::record::Header;

impl State {
    /// Returns what the session knows about itself, as far as that was decided: a new session has no secrets yet until
    /// something asks for them.
    pub(crate) fn known_header(&self) -> Option<Header> {
        let mut known = match (self.stored(), self.secrets()) {
            (Some(located), _) => Some(located.header.clone()),
            (None, Some(secrets)) => Some(Header::new(self.loaded_at, secrets.public_id, secrets.csrf)),
            (None, None) => None,
        };
        if let Some(header) = &mut known {
            if let Some(login) = self.intent.login() {
                login.apply(header);
            }
            self.header_changes.apply(header);
        }
        known
    }

    /// Returns what the session knows about itself; of one without secrets, all but those.
    pub(crate) fn header_without_secrets(&self) -> Header {
        self.known_header().unwrap_or_else(|| {
            let mut header = Header::new(self.loaded_at, [0; 16], [0; 16]);
            self.header_changes.apply(&mut header);
            header
        })
    }

    /// Returns whether [`known_header`](Self::known_header) has nothing to say until secrets are drawn.
    pub(crate) fn lacks_secrets(&self) -> bool {
        self.stored().is_none() && self.secrets().is_none()
    }

    /// Returns the secrets of a session that is not stored yet, or of the next id.
    pub(super) fn secrets(&self) -> Option<&NewSecrets> {
        match self.intent.login() {
            Some(login) => Some(&login.secrets),
            None => self.secrets.as_deref(),
        }
    }

    /// Gives a session that has none its secrets.
    pub(crate) fn give_secrets(&mut self, secrets: NewSecrets) {
        if self.secrets().is_none() {
            self.secrets = Some(Box::new(secrets));
        }
    }

    pub(super) fn forget_secrets(&mut self) {
        self.secrets = None;
    }

    /// Discards the new id, which was taken already or belonged to a record that was removed; the other secrets stay.
    pub(crate) fn set_next_id(&mut self, id: SessionId, is_chosen: bool) {
        if let Some(login) = self.intent.login_mut() {
            (login.secrets.id, login.secrets.is_chosen) = (id, is_chosen);
        } else if let Some(secrets) = &mut self.secrets {
            (secrets.id, secrets.is_chosen) = (id, is_chosen);
        }
    }

    /// Notes that the next id is never tried again.
    pub(crate) fn burn_next_id(&mut self) {
        let id = self.next_id().cloned();
        let rare = self.rare();
        rare.burnt_id = rare.burnt_id.take().or(id);
    }

    /// Returns whether the application made the id that comes next.
    pub(crate) fn next_id_is_chosen(&self) -> bool {
        self.secrets().is_some_and(|secrets| secrets.is_chosen)
    }

    /// Returns the id that a new session, or a new id of this one, will have.
    pub(crate) fn next_id(&self) -> Option<&SessionId> {
        self.secrets().map(|secrets| &secrets.id)
    }
}

impl Login {
    /// Makes `header` that of the session that the user has from now on.
    pub(crate) fn apply(&self, header: &mut Header) {
        header.set_authenticated_at(self.began_at);
        header.set_started_at(self.began_at);
        header.set_public_id(self.secrets.public_id);
        header.set_csrf(self.secrets.csrf);
    }
}
