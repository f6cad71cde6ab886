//! Whether the store answers.

use std::sync::atomic::{AtomicBool, Ordering};

use cloakroom_store::{Error, ErrorKind};

use super::Engine;
use crate::observe::Event;

/// Whether the store was silent when it was last asked.
#[derive(Debug, Default)]
pub(super) struct Contact(AtomicBool);

impl Engine {
    /// Notes what the store said to an operation.
    #[inline]
    pub(super) fn heard<T>(&self, answer: &cloakroom_store::Result<T>) {
        match answer {
            Ok(_) => self.answered(),
            Err(error) => self.erred(error),
        }
    }

    /// The store carried out an operation.
    #[inline]
    pub(super) fn answered(&self) {
        // Asked at every operation, and hardly ever true.
        if self.0.contact.0.load(Ordering::Relaxed) && self.0.contact.0.swap(false, Ordering::Relaxed) {
            self.emit(&Event::Connected);
        }
    }

    /// An operation failed. Of errors only one means that nobody answered.
    pub(super) fn erred(&self, error: &Error) {
        if error.kind() == ErrorKind::Unavailable && !self.0.contact.0.swap(true, Ordering::Relaxed) {
            self.emit(&Event::Disconnected);
        }
    }
}
