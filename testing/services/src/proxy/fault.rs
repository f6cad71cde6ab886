//! What can go wrong between a client and a server.

use std::time::Duration;

/// What the proxy does to bytes and to new connections, until another fault is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: everything passes.
    #[default]
    None,
    /// New connections are refused, as by a server that is down. Those that are there go on.
    Refuse,
    /// Bytes are this late, in either direction.
    Delay(Duration),
    /// Nothing passes in either direction while this lasts, and arrives afterwards: a network that is gone for a while.
    Stall,
    /// New connections are accepted and go nowhere, also afterwards: a server that hangs. Those that are there go on.
    Silence,
    /// The next request that has these bytes is lost, and its connection is cut: the server never sees it.
    ///
    /// They are looked for in each piece of bytes as it was read; no bytes are in every request. Once is all.
    LoseRequest {
        /// The bytes.
        with: Vec<u8>,
    },
    /// The next request that has these bytes reaches the server; the answer is lost, and the connection is cut.
    ///
    /// They are looked for as in [`LoseRequest`](Self::LoseRequest). Once is all.
    LoseAnswer {
        /// The bytes.
        to: Vec<u8>,
    },
    /// The next request that has one of these bytes reaches the server, and after that nothing passes on its connection in either
    /// direction, which stays open: a client whose machine is gone. Once is all.
    LoseMachine {
        /// The bytes, in any of several spellings.
        after: Vec<Vec<u8>>,
    },
}

impl Fault {
    /// Loses the next request, whatever it is.
    pub fn lose_request() -> Self {
        Self::LoseRequest { with: Vec::new() }
    }

    /// Loses the answer to the next request, whatever it is.
    pub fn lose_answer() -> Self {
        Self::LoseAnswer { to: Vec::new() }
    }
}
