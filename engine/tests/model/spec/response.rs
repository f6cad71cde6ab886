//! What a response tells its client.

use cloakroom::Clock;

use super::Model;
use super::request::Cookie;
use crate::client::Told;
use crate::gate::Actor;
use crate::plan::Found;

impl Model {
    /// Notes that the client received the response; its cookie was `before` until now.
    pub(crate) fn tell(&mut self, actor: Actor, told: &Told, before: Option<&str>) {
        let expected = self.requests[&actor].told.clone();
        match (told, &expected) {
            (Told::Nothing, Cookie::Unchanged | Cookie::Perhaps(_)) | (Told::Removed, Cookie::Removed) => {}
            (Told::Set(id), Cookie::Set(key) | Cookie::Perhaps(key)) => {
                if self.ids.insert(id.clone(), key.clone()).is_some() {
                    self.violation(actor, "sent an id that was sent before");
                }
            }
            (Told::Set(id), _) if self.requests[&actor].unsure => {
                if let Some(made) = self.requests[&actor].made.clone() {
                    self.ids.insert(id.clone(), made);
                }
            }
            _ if self.requests[&actor].unsure => {}
            (Told::Removed, _) => {
                self.violation(actor, "removed the cookie of a session that it did not end");
            }
            _ => self.violation(actor, format!("told the client {told:?} instead of {expected:?}")),
        }
        self.must_not_log_out(actor, told, before);
    }

    /// A late response never logs anyone out.
    fn must_not_log_out(&mut self, actor: Actor, told: &Told, before: Option<&str>) {
        let now = self.clock.now();
        let request = &self.requests[&actor];
        let was = before.and_then(|id| self.ids.get(id)).map(|key| self.look(key, now, now));
        let Some(Found::Session { sid: was, owner: Some(_), .. }) = was else { return };
        let (is, made_in_time) = match told {
            Told::Nothing => return,
            Told::Removed => (None, true),
            Told::Set(id) => {
                let Some(key) = self.ids.get(id) else { return };
                // The session was revoked with all others of its user, as a handler asked, before the client heard of it.
                let begun = self.first_led_to.get(key).map(|sid| &self.sessions[*sid]);
                if begun.is_some_and(|begun| self.is_revoked(begun.owner.as_ref())) {
                    return;
                }
                let since = self.superseded_at.get(key);
                let found = self.look(key, now, now);
                (Some(found), since.is_none_or(|since| *since <= request.last_operation))
            }
        };
        let still_in = match is {
            Some(Found::Session { sid, owner, .. }) => sid == was || owner.is_some(),
            _ => false,
        };
        // A request that brought nothing, or the id of a session that had ended, may begin a session of its own; so may
        // one that ended its session, and what a log-in at the same moment means is for the user to say.
        // The id that led to the session; what happens to those beside it is not this rule's.
        let cookie = request.cookies.get(request.ids_seen.saturating_sub(1));
        let family = self.is_of_the_family(was, cookie);
        if !still_in && family && request.found_something && !request.ended && made_in_time && !request.unsure
        {
            self.violation(actor, "a late response logged the user out");
        }
    }
}
