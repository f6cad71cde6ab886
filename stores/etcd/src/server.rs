//! The connection, and how it is asked: within a time, and logged in.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cloakroom_store::{Bytes, Clock, Timestamp};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic_prost::ProstCodec;

use crate::error::Failure;
use crate::layout::Layout;
use crate::leases::Leases;
use crate::memory::Memory;
use crate::messages::{
    AuthenticateRequest, AuthenticateResponse, LeaseGrantRequest, LeaseGrantResponse, TxnRequest, TxnResponse,
};
use crate::transaction::{Keys, always, found, get, is_missing, only_reads, put};

/// The largest answer that is read: a page of large records.
const LARGEST_ANSWER: usize = 256 << 20;

/// etcd grants no lease of more than 285 years; what lasts longer is there for ever.
const LONGEST_LEASE: Duration = Duration::from_secs(8_999_999_998);

/// Where the records are, and by which rules they are written.
pub(crate) struct Server {
    pub(crate) channel: Channel,
    pub(crate) credentials: Option<(String, String)>,
    pub(crate) layout: Layout,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) slack: Duration,
    pub(crate) leases: Leases,
    pub(crate) memory: Memory,
    /// What the server gave us when we said who we are.
    pub(crate) token: Mutex<Option<MetadataValue<Ascii>>>,
}

impl Server {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Carries out a transaction; one that only reads once more, if the connection turns out to be cut.
    pub(crate) async fn transact(&self, request: TxnRequest) -> Result<TxnResponse, Failure> {
        const PATH: &str = "/etcdserverpb.KV/Txn";
        if !only_reads(&request) {
            return self.ask(PATH, request).await;
        }
        match self.ask(PATH, request.clone()).await {
            Err(failure) if failure.is_cut() => self.ask(PATH, request).await,
            answer => answer,
        }
    }

    /// A lease for keys that are needed for so long; 0 if they are needed for ever. Shared, or a new one.
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
        let LeaseGrantResponse { id } = self.ask("/etcdserverpb.Lease/LeaseGrant", request).await?;
        self.leases.keep(id, asked, lasts);
        Ok(id)
    }

    /// The value that tells this life of the server from others; made if there is none.
    pub(crate) async fn live(&self) -> Result<Bytes, Failure> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| Failure::NO_RANDOMNESS)?;
        let key = self.layout.life();
        let mut request = always(vec![put(key.clone(), random.to_vec(), 0)]);
        request.compare = vec![is_missing(Keys::one(key.clone()))];
        request.failure = vec![get(key)];
        let response = self.transact(request).await?;
        Ok(match found(&response, 0) {
            [there, ..] => there.value.clone(),
            [] => Bytes::copy_from_slice(&random),
        })
    }

    /// Asks, and says again who asks if the server has forgotten it.
    async fn ask<Q, A>(&self, path: &'static str, question: Q) -> Result<A, Failure>
    where
        Q: prost::Message + Clone + 'static,
        A: prost::Message + Default + 'static,
    {
        let work = async {
            self.log_in(false).await?;
            match self.call(path, question.clone()).await {
                Err(failure) if failure.is_token_gone() => {
                    self.log_in(true).await?;
                    self.call(path, question).await
                }
                answer => answer,
            }
        };
        tokio::time::timeout(self.timeout, work).await.map_err(|_| Failure::LATE)?
    }

    /// Gets a token, if there is none or if a new one is wanted.
    async fn log_in(&self, again: bool) -> Result<(), Failure> {
        let Some((name, password)) = self.credentials.clone() else { return Ok(()) };
        if self.token().is_some() && !again {
            return Ok(());
        }
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let request = AuthenticateRequest { name, password };
        let AuthenticateResponse { token } = self.call("/etcdserverpb.Auth/Authenticate", request).await?;
        let token = MetadataValue::try_from(token).map_err(|_| Failure::DAMAGED)?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        Ok(())
    }

    fn token(&self) -> Option<MetadataValue<Ascii>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn call<Q, A>(&self, path: &'static str, question: Q) -> Result<A, Failure>
    where
        Q: prost::Message + 'static,
        A: prost::Message + Default + 'static,
    {
        let mut client = Grpc::new(self.channel.clone()).max_decoding_message_size(LARGEST_ANSWER);
        client.ready().await?;
        let mut request = tonic::Request::new(question);
        if let Some(token) = self.token() {
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
