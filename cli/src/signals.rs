//! The signals that ask a command to end.

use crate::trouble::Trouble;

/// The signals that end the command: SIGTERM and SIGINT, or Ctrl-C on systems without signals.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Catches the signals: from now on they do not kill the process.
    pub(crate) fn catch() -> Result<Self, Trouble> {
        use tokio::signal::unix::{SignalKind, signal};
        let catch =
            |kind| signal(kind).map_err(|error| Trouble::failure("cannot catch signals").because(&error));
        Ok(Self { terminate: catch(SignalKind::terminate())?, interrupt: catch(SignalKind::interrupt())? })
    }

    /// Waits for the next one; one that came since the last call is not lost.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn catch() -> Result<Self, Trouble> {
        Ok(Self {})
    }

    /// Waits for the next one; one that came since the last call is not lost.
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
