//! The servers of a cluster, of which one is asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use crate::address::Address;
use crate::error::Failure;

/// The members of a cluster, in the order of the URL. Any of them can answer anything.
pub(crate) struct Members {
    channels: Vec<Channel>,
    /// Counts on whenever the member that is asked fails; the remainder is the place of the one that is asked.
    turns: AtomicUsize,
}

impl Members {
    /// Connects to each when it is first asked: one connection for all that is asked at once.
    pub(crate) fn connect(
        address: &Address,
        tls: Option<&ClientTlsConfig>,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        // Within the time, each can be found unreachable.
        let share = timeout / u32::try_from(address.servers.len()).unwrap_or(u32::MAX);
        let channel = |server: &String| {
            let endpoint = Endpoint::from_shared(server.clone()).map_err(|_| Failure::WRONG_URL)?;
            let endpoint = endpoint
                .connect_timeout(share)
                .http2_keep_alive_interval(timeout)
                .keep_alive_timeout(timeout)
                .tcp_nodelay(true);
            let endpoint = match tls {
                Some(tls) => endpoint.tls_config(tls.clone()).map_err(|_| Failure::WRONG_CERTIFICATE)?,
                None => endpoint,
            };
            Ok(endpoint.connect_lazy())
        };
        let channels = address.servers.iter().map(channel).collect::<Result<_, Failure>>()?;
        Ok(Self { channels, turns: AtomicUsize::new(0) })
    }

    pub(crate) fn count(&self) -> usize {
        self.channels.len()
    }

    /// The one that is asked now, and whose turn it is.
    pub(crate) fn asked(&self) -> (Channel, usize) {
        let turn = self.turns.load(Ordering::Relaxed);
        (self.channels[turn % self.channels.len()].clone(), turn)
    }

    /// Has the next one asked from now on. Whoever else met the same failure has done it already.
    pub(crate) fn leave(&self, turn: usize) {
        let next = turn.wrapping_add(1);
        let _ = self.turns.compare_exchange(turn, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_that_meet_one_failure_leave_one_member() {
        let address = Address::parse("etcd://a,b,c").unwrap_or_else(|_| unreachable!());
        let members =
            Members::connect(&address, None, Duration::from_secs(1)).unwrap_or_else(|_| unreachable!());
        let turn = |members: &Members| members.asked().1 % members.count();
        assert_eq!(turn(&members), 0, "the first of the URL");
        let (_, first) = members.asked();
        members.leave(first);
        members.leave(first);
        assert_eq!(turn(&members), 1);
        for place in [2, 0] {
            members.leave(members.asked().1);
            assert_eq!(turn(&members), place);
        }
    }
}
