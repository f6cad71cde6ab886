//! Writes of a request that may or may not be in the store.

use super::{Attempt, PlainWrite, State};

impl State {
    /// Returns whether a write of this request may be in the store although no answer came.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.unsettled.is_empty())
    }

    pub(crate) fn unsettled(&self) -> &[Attempt] {
        self.rare.as_ref().map_or(&[], |rare| &rare.unsettled)
    }

    pub(crate) fn clear_unsettled(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.unsettled.clear();
        }
    }

    pub(crate) fn end_is_unsettled(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.end_unsettled)
    }

    pub(crate) fn note_unsettled_end(&mut self) {
        self.rare().end_unsettled = true;
    }

    /// Notes a write that may be in the store.
    pub(crate) fn note_attempt(&mut self, write: &PlainWrite) {
        self.note_sent(write.nonce, write.sent);
    }

    /// Notes a write that carries the first `sent` changes.
    pub(super) fn note_sent(&mut self, nonce: u64, sent: usize) {
        let base = self.location.stored().map_or(0, |located| located.header.number());
        self.rare().unsettled.push(Attempt { nonce, sent, base });
    }
}
