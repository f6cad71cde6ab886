//! The connection, and how it is asked: within a time, and logged in.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cloakroom_store::{Bytes, Clock, MissedTouches, Timestamp};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

use crate::error::Failure;
use crate::layout::Layout;
use crate::leases::Leases;
use crate::members::Members;
use crate::memory::Memory;
use crate::messages::{
    AuthenticateRequest, AuthenticateResponse, LeaseGrantRequest, LeaseGrantResponse, LeaseRevokeRequest,
    LeaseRevokeResponse, TxnRequest, TxnResponse,
};
use crate::transaction::{Keys, always, found, get, is_missing, only_reads, put};

/// The largest answer that is read: a page of large records.
const LARGEST_ANSWER: usize = 256 << 20;

/// etcd grants no lease of more than 285 years; what lasts longer is there for ever.
const LONGEST_LEASE: Duration = Duration::from_secs(8_999_999_998);

const TRANSACTION: &str = "/etcdserverpb.KV/Txn";

/// The token that the server returns for name and password.
pub(crate) type Token = MetadataValue<Ascii>;

/// What may be asked a second time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeats {
    /// To ask twice is the same as once.
    Freely,
    /// Only what certainly was not sent.
    Unsent,
}

/// Where the records are, and by which rules they are written.
pub(crate) struct Server {
    pub(crate) members: Members,
    pub(crate) credentials: Option<(String, String)>,
    pub(crate) layout: Layout,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) slack: Duration,
    pub(crate) leases: Leases,
    pub(crate) memory: Memory,
    /// The token of this client, if the server has authentication.
    pub(crate) token: Mutex<Option<Token>>,
    pub(crate) missed_touches: MissedTouches,
}

impl Server {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Carries out a transaction.
    pub(crate) async fn transact(&self, request: TxnRequest) -> Result<TxnResponse, Failure> {
        let repeats = if only_reads(&request) { Repeats::Freely } else { Repeats::Unsent };
        self.ask(TRANSACTION, request, repeats).await
    }

    /// Returns a lease for keys that are needed for so long; 0 if they are needed for ever. Shared, or a new one.
    pub(crate) async fn lease(&self, now: Timestamp, expires_at: Timestamp) -> Result<i64, Failure> {
        if expires_at == Timestamp::NEVER {
            return Ok(0);
        }
        let least = expires_at.since(now) + self.slack;
        let most = least + self.slack;
        if most > LONGEST_LEASE {
            return Ok(0);
        }
        if let Some(id) = self.leases.find(least, most) {
            return Ok(id);
        }
        // A little less than the most, so that what ends at the same moment finds it.
        let lasts = most.saturating_sub(self.slack / 16);
        let (asked, ttl) = (Instant::now(), lasts.as_secs() + 1);
        let request = LeaseGrantRequest { ttl: i64::try_from(ttl).unwrap_or(i64::MAX) };
        // A lease whose grant was not received ends by itself.
        let granted = self.ask("/etcdserverpb.Lease/LeaseGrant", request, Repeats::Freely);
        let LeaseGrantResponse { id } = granted.await?;
        self.leases.keep(id, asked, lasts);
        Ok(id)
    }

    /// Ends every lease that is remembered. A lease that has ended already is not an error.
    pub(crate) async fn end_leases(&self) -> Result<(), Failure> {
        for id in self.leases.take() {
            let request = LeaseRevokeRequest { id };
            let ended = self.ask("/etcdserverpb.Lease/LeaseRevoke", request, Repeats::Freely).await;
            match ended {
                Err(failure) if failure.is_lease_gone() => {}
                ended => {
                    let LeaseRevokeResponse {} = ended?;
                }
            }
        }
        Ok(())
    }

    /// Returns the value that identifies this life of the server, and makes it if it is missing.
    pub(crate) async fn live(&self) -> Result<Bytes, Failure> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| Failure::NO_RANDOMNESS)?;
        let key = self.layout.life();
        let mut request = always(vec![put(key.clone(), random.to_vec(), 0)]);
        request.compare = vec![is_missing(Keys::one(key.clone()))];
        request.failure = vec![get(key)];
        // A second attempt finds the first value.
        let response = self.ask(TRANSACTION, request, Repeats::Freely).await?;
        Ok(match found(&response, 0) {
            [there, ..] => there.value.clone(),
            [] => Bytes::copy_from_slice(&random),
        })
    }

    /// Asks one member after the other, until one answers: the next one is asked if nothing was sent to this one, or if
    /// to ask twice is the same as once.
    async fn ask<Q, A>(&self, path: &'static str, question: Q, repeats: Repeats) -> Result<A, Failure>
    where
        Q: prost::Message + Clone + 'static,
        A: prost::Message + Default + 'static,
    {
        let deadline = Instant::now() + self.timeout;
        let members = self.members.count();
        // The connection to an only one may have been cut while it was idle.
        let mut tries = members.max(2);
        let mut unasked = members;
        loop {
            let (channel, turn) = self.members.asked();
            let left = deadline.saturating_duration_since(Instant::now());
            let patience = match repeats {
                // One that hangs leaves time for the others.
                Repeats::Freely => left / u32::try_from(unasked.max(1)).unwrap_or(u32::MAX),
                Repeats::Unsent => left,
            };
            let asking = self.members.asking(turn, patience);
            let answer = tokio::time::timeout(patience, self.ask_member(&channel, path, question.clone()));
            let answer = answer.await.unwrap_or(Err(Failure::LATE));
            asking.answered();
            let failure = match answer {
                Err(failure) if failure.is_the_members() => failure,
                answer => return answer,
            };
            self.members.leave(turn);
            (tries, unasked) = (tries - 1, unasked.saturating_sub(1));
            let may_repeat = repeats == Repeats::Freely || failure.is_unsent();
            if tries == 0 || !may_repeat || deadline <= Instant::now() {
                return Err(failure);
            }
        }
    }

    /// Sends a request; authenticates again, once, if the server does not know the token any more.
    async fn ask_member<Q, A>(&self, channel: &Channel, path: &'static str, question: Q) -> Result<A, Failure>
    where
        Q: prost::Message + Clone + 'static,
        A: prost::Message + Default + 'static,
    {
        let token = self.log_in(channel, false).await?;
        match self.call(channel, path, question.clone(), token).await {
            Err(failure) if failure.is_token_gone() => {
                let token = self.log_in(channel, true).await?;
                self.call(channel, path, question, token).await
            }
            answer => answer,
        }
    }

    /// Gets a token, if it is missing or a new one is wanted; `None` if the server has no authentication.
    async fn log_in(&self, channel: &Channel, again: bool) -> Result<Option<Token>, Failure> {
        let Some((name, password)) = self.credentials.clone() else { return Ok(None) };
        let there = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if there.is_some() && !again {
            return Ok(there);
        }
        let request = AuthenticateRequest { name, password };
        let AuthenticateResponse { token } =
            self.call(channel, "/etcdserverpb.Auth/Authenticate", request, None).await?;
        let token = MetadataValue::try_from(token).map_err(|_| Failure::DAMAGED)?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(Some(token))
    }

    async fn call<Q, A>(
        &self,
        channel: &Channel,
        path: &'static str,
        question: Q,
        token: Option<Token>,
    ) -> Result<A, Failure>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let mut client = Grpc::new(channel.clone()).max_decoding_message_size(LARGEST_ANSWER);
        client.ready().await?;
        let mut request = tonic::Request::new(question);
        if let Some(token) = token {
            request.metadata_mut().insert("token", token);
        }
        let codec: ProstCodec<Q, A> = ProstCodec::default();
        Ok(client.unary(request, PathAndQuery::from_static(path), codec).await?.into_inner())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("prefix", &self.layout.prefix).finish_non_exhaustive()
    }
}
