//! Endings as they happen: the last ones, found by looking at the store again and again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom_tower::Timestamp;

use super::Admin;
use crate::operate::{Change, Look};

/// How many endings are kept.
const MOST: usize = 200;

/// An ending: of a session, or of those of a user.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) at: Timestamp,
    /// The public id, or how many sessions ended.
    pub(super) what: String,
    pub(super) user: Option<String>,
    pub(super) why: String,
}

/// The last endings, the newest first.
#[derive(Debug, Default)]
pub(super) struct Endings(Mutex<VecDeque<Ending>>);

impl Endings {
    pub(super) fn add(&self, ending: Ending) {
        let mut all = self.lock();
        all.push_front(ending);
        all.truncate(MOST);
    }

    pub(super) fn all(&self) -> Vec<Ending> {
        self.lock().iter().cloned().collect()
    }

    /// Returns whether this page has ended the session and said why.
    fn has(&self, what: &str) -> bool {
        self.lock().iter().any(|ending| ending.what == what)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Ending>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for sessions that are gone. A store that does not answer is asked again at the next look.
pub(super) async fn look_forever(admin: Arc<Admin>, every: Duration) {
    let mut look = Look::default();
    loop {
        let changes = look.again(&admin.sessions, None).await.unwrap_or_default();
        for seen in changes {
            let why = match seen.change {
                Change::Began => continue,
                Change::Ended => "ended",
                Change::Expired => "expired",
            };
            let what = seen.public_id.to_string();
            if !admin.endings.has(&what) {
                let user = seen.user.map(String::from);
                admin.endings.add(Ending { at: Timestamp::now(), what, user, why: why.to_owned() });
            }
        }
        tokio::time::sleep(every).await;
    }
}
