//! The servers of a cluster; requests go to one of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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
        // Within the time, each can be found unreachable; TLS has a time of its own.
        let share = timeout / u32::try_from(address.servers.len()).unwrap_or(u32::MAX);
        let channel = |server: &String| {
            let endpoint = Endpoint::from_shared(server.clone()).map_err(|_| Failure::WRONG_URL)?;
            let endpoint = endpoint
                .connect_timeout(share)
                .http2_keep_alive_interval(timeout)
                .keep_alive_timeout(timeout)
                .tcp_nodelay(true);
            let endpoint = match tls {
                Some(tls) => {
                    endpoint.tls_config(tls.clone().timeout(share)).map_err(|_| Failure::WRONG_CERTIFICATE)?
                }
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

    /// Returns the channel to the member that is asked now, and the number of its turn.
    pub(crate) fn asked(&self) -> (Channel, usize) {
        let turn = self.turns.load(Ordering::Relaxed);
        (self.channels[turn % self.channels.len()].clone(), turn)
    }

    /// Fails over from a hung member even if the caller's own timeout is shorter than the store's.
    pub(crate) fn asking(&self, turn: usize, patience: Duration) -> Asking<'_> {
        Asking { members: self, turn, patience, since: Instant::now() }
    }

    /// Makes the next member the one to ask from now on, unless another caller that met the same failure has done so.
    pub(crate) fn leave(&self, turn: usize) {
        let next = turn.wrapping_add(1);
        let _ = self.turns.compare_exchange(turn, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// A question that is under way. Dropped without an answer, after at least half of the patience, it leaves the member.
pub(crate) struct Asking<'a> {
    members: &'a Members,
    turn: usize,
    patience: Duration,
    since: Instant,
}

impl Asking<'_> {
    pub(crate) fn answered(self) {
        std::mem::forget(self);
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if self.since.elapsed() >= self.patience / 2 {
            self.members.leave(self.turn);
        }
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

    #[tokio::test]
    async fn who_gives_up_on_a_member_after_a_while_leaves_it_and_who_is_answered_does_not() {
        let address = Address::parse("etcd://a,b").unwrap_or_else(|_| unreachable!());
        let members =
            Members::connect(&address, None, Duration::from_secs(1)).unwrap_or_else(|_| unreachable!());
        let turn = || members.asked().1;
        members.asking(turn(), Duration::ZERO).answered();
        drop(members.asking(turn(), Duration::from_secs(600)));
        assert_eq!(turn(), 0);
        drop(members.asking(turn(), Duration::ZERO));
        assert_eq!(turn(), 1);
    }
}
