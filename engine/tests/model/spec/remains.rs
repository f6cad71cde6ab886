//! What is there in the end.

use std::collections::HashSet;

use cloakroom::Timestamp;
use cloakroom::store::StoreKey;

use super::Model;
use super::life::Place;
use super::request::{Cookie, Request};

impl Model {
    /// Returns whether a client went away, or a store was lost for good.
    pub(crate) fn has_failed(&self) -> bool {
        self.requests.values().any(|request| request.failed)
    }

    /// When the user logged in, each time that it came to a session.
    pub(crate) fn log_ins_of(&self, user: &str) -> Vec<Timestamp> {
        let owned = self.sessions.iter().filter_map(|life| life.owner.as_ref());
        owned
            .filter(|owner| owner.key.as_bytes() == user.as_bytes())
            .map(|owner| owner.logged_in_at)
            .collect()
    }

    /// Every key that ever had a record.
    pub(crate) fn all_keys(&self) -> Vec<StoreKey> {
        self.used.iter().cloned().collect()
    }

    /// All ids that any client ever heard of.
    pub(crate) fn all_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.ids.keys().cloned().collect();
        ids.sort();
        ids
    }

    /// Records with an owner that no id leads to, unless their request failed before it could tell.
    pub(crate) fn look_for_orphans(&mut self, live: impl Fn(&StoreKey) -> bool) {
        let told: HashSet<&StoreKey> = self.ids.values().collect();
        let is_orphan = |key: &StoreKey| live(key) && !self.left_behind.contains(key);
        let mut orphans = Vec::new();
        for (key, place) in &self.places {
            match place {
                Place::Pending { by, .. } if is_orphan(key) => {
                    orphans.push((*by, "left a record that no id leads to"));
                }
                Place::Session(sid) if is_orphan(key) && self.sessions[*sid].owner.is_some() => {
                    let led_to = told.contains(key)
                        || self.places.iter().any(|(from, place)| {
                            matches!(place, Place::Trail { to: Some(to), .. } if to == key)
                                && told.contains(from)
                        });
                    if !led_to {
                        let made = |request: &Request| request.told == Cookie::Set(key.clone());
                        let by =
                            self.requests.iter().find(|(_, request)| made(request)).map(|(actor, _)| *actor);
                        orphans.push((by.unwrap_or_default(), "left a user's session that no id leads to"));
                    }
                }
                _ => {}
            }
        }
        for (actor, what) in orphans {
            let excused = self.requests.values().any(|request| request.failed);
            if !excused {
                self.violation(actor, what);
            }
        }
    }

    /// Returns whether every record that the model has is in the store, and no other.
    pub(crate) fn compare(&mut self, live: impl Fn(&StoreKey) -> bool) {
        let wrong = self.used.iter().filter(|key| live(key) != self.live(key).is_some()).count();
        if wrong > 0 {
            self.violations.push(format!("{wrong} records are there or missing against the model"));
        }
    }
}
