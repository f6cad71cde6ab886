//! Random bytes, as an argument.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// Gives random bytes for ids, CSRF secrets and handles, so that tests can be given others.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes` with bytes that an attacker cannot guess.
    ///
    /// # Errors
    /// [`Error::random_unavailable`] if the source has none; the request then fails, and no weaker id is made.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes).map_err(Error::random_unavailable)
    }
}

/// Numbers commits, so that a record can say whether it holds one of them.
///
/// A nonce distinguishes commits of one session and need not be secret: a counter from a random start needs no system call.
#[derive(Debug)]
pub(crate) struct Nonces(AtomicU64);

impl Nonces {
    pub(crate) fn new(random: &dyn Random) -> Result<Self> {
        let mut start = [0; 8];
        random.fill(&mut start)?;
        Ok(Self(AtomicU64::new(u64::from_le_bytes(start))))
    }

    pub(crate) fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}
