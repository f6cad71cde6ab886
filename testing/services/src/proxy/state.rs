//! What the connections of a proxy share: the fault in force, and what it did.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::watch;

use super::Fault;

#[derive(Debug)]
pub(crate) struct State {
    fault: watch::Sender<Fault>,
    /// Counts up whenever all connections are cut.
    cuts: watch::Sender<usize>,
    pub(crate) accepted: AtomicUsize,
    pub(crate) losses: AtomicUsize,
    pub(crate) turns: AtomicUsize,
    pub(crate) received: AtomicUsize,
}

/// What the proxy does with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    /// They pass, and the answer to them is lost.
    PassAndTrap,
    /// They pass, and nothing after them, in either direction.
    PassAndHang,
    /// They are lost, and the connection is cut.
    Lost,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            fault: watch::Sender::default(),
            cuts: watch::Sender::default(),
            accepted: AtomicUsize::default(),
            losses: AtomicUsize::default(),
            turns: AtomicUsize::default(),
            received: AtomicUsize::default(),
        }
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    pub(crate) fn cuts(&self) -> watch::Receiver<usize> {
        self.cuts.subscribe()
    }

    pub(crate) fn is(&self, fault: &Fault) -> bool {
        *self.fault.borrow() == *fault
    }

    /// Decides what to do with bytes from the client. A fault that strikes once is over with this.
    pub(crate) fn fate_of_request(&self, bytes: &[u8]) -> Fate {
        let mut fate = Fate::Pass;
        self.fault.send_if_modified(|fault| {
            fate = match fault {
                Fault::LoseRequest { with } if has(bytes, with) => Fate::Lost,
                Fault::LoseAnswer { to } if has(bytes, to) => Fate::PassAndTrap,
                Fault::LoseMachine { after } if after.iter().any(|part| has(bytes, part)) => {
                    Fate::PassAndHang
                }
                _ => return false,
            };
            *fault = Fault::None;
            true
        });
        fate
    }

    pub(crate) fn lost(&self) {
        self.losses.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits as long as bytes that have just come have to wait.
    pub(crate) async fn hold_up(&self) {
        let delay = match *self.fault.borrow() {
            Fault::Delay(delay) => delay,
            _ => Duration::ZERO,
        };
        tokio::time::sleep(delay).await;
        // The sender is in `self`, so it cannot be gone.
        let _ = self.fault.subscribe().wait_for(|fault| *fault != Fault::Stall).await;
    }
}

/// Returns whether `part` is in `bytes`.
fn has(bytes: &[u8], part: &[u8]) -> bool {
    part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_lost_once_and_only_if_it_has_the_bytes() {
        let state = State::new();
        state.set(Fault::LoseRequest { with: b"SET".to_vec() });
        assert_eq!(state.fate_of_request(b"GET x"), Fate::Pass);
        assert_eq!(state.fate_of_request(b"SET x"), Fate::Lost);
        assert_eq!(state.fate_of_request(b"SET x"), Fate::Pass);
    }

    #[test]
    fn no_bytes_are_in_every_request() {
        let state = State::new();
        state.set(Fault::lose_answer());
        assert_eq!(state.fate_of_request(b"anything"), Fate::PassAndTrap);
        assert_eq!(state.fate_of_request(b"anything"), Fate::Pass);
    }
}
