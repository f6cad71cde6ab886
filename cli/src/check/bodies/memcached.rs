//! Bodies in memcached, as connect-memcached keeps them, under a prefix of the check's own.

use std::io::{Error, Result as IoResult};
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom_conformance::bodies::{Expiry, Harness, OtherPackage, Rounding};
use cloakroom_memcached::{MemcachedBodies, MemcachedStore};
use cloakroom_tower::store::{
    Body, BodyCapabilities, BodyStore, Ended, Replaced, Result, Timestamp, Version, async_trait,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Bodies, refused, unusable};
use crate::stores::{self, Tidied, Trial};
use crate::trouble::Trouble;

/// The port, unless the URL names another.
const PORT: u16 = 11_211;

/// What connect-memcached does, on connections of its own.
#[derive(Clone, Debug)]
struct Node {
    address: String,
    prefix: String,
    /// The ids that had a body at some time: the server lists none.
    used: Arc<Mutex<Vec<String>>>,
}

/// Opens them on one server, where the client of the package can be: without a password.
pub(super) async fn open(url: &str, trial: &Trial) -> std::result::Result<Bodies, Trouble> {
    let url = stores::bodies::client_url(url, &["layout", "prefix"])?;
    let address = address(&url)?;
    let prefix = format!("{}:", trial.prefix);
    let builder = MemcachedStore::from_url(&url)
        .map_err(|error| unusable(&error))?
        .prefix(&*prefix)
        .clock(trial.clock.clone());
    let store = builder.build_bodies().await.map_err(|error| unusable(&error))?;
    let node = Node { address, prefix, used: Arc::default() };
    let store = Watched { store, used: Arc::clone(&node.used) };
    let harness = Harness::new(store, trial.clock.clone(), node.clone());
    let harness = harness.rounding(Rounding::Exact).expiry(Expiry::ServersClock);
    Ok(Bodies { harness, tidy: Box::pin(remove(node)) })
}

/// Returns the host and the port of a URL.
fn address(url: &str) -> std::result::Result<String, Trouble> {
    let place = url.strip_prefix("memcached://").map(|place| place.trim_end_matches('/'));
    let place = place.filter(|place| !place.contains('@')).ok_or_else(|| {
        Trouble::usage(
            "bodies are checked at memcached://host:port, without a password, as the client of Node has it",
        )
    })?;
    let has_port = place.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Ok(if has_port { place.to_owned() } else { format!("{place}:{PORT}") })
}

/// Removes the bodies. Marks of ended sessions stay for a day: their names are hashes.
async fn remove(node: Node) -> Tidied {
    let used = std::mem::take(&mut *node.used.lock().unwrap_or_else(PoisonError::into_inner));
    let names = used.iter().map(|id| format!("{}{id}", node.prefix));
    for name in names.filter(|name| is_name(name)) {
        node.send(&format!("delete {name}\r\n"), "").await?;
    }
    Ok(())
}

/// Returns whether the server takes it as a name.
fn is_name(name: &str) -> bool {
    name.len() <= 250 && !name.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
}

impl Node {
    /// Sends a command, and returns how many lines its answer has, up to one that begins with `end`.
    async fn send(&self, command: &str, end: &str) -> IoResult<usize> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.write_all(command.as_bytes()).await?;
        let (mut count, mut lines) = (0, BufReader::new(stream).lines());
        while let Some(line) = lines.next_line().await? {
            if line.contains("ERROR") {
                return Err(Error::other(line));
            }
            count += 1;
            if line.starts_with(end) {
                return Ok(count);
            }
        }
        Err(Error::other("the server hung up"))
    }
}

#[async_trait]
impl OtherPackage for Node {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let seconds = expires_at.since(Timestamp::now()).as_secs();
        // By these flags the client of Node knows that it is JSON.
        let command = format!("set {}{id} 2 {seconds} {}\r\n{body}\r\n", self.prefix, body.len());
        remember(&self.used, id);
        self.send(&command, "").await.map(drop).map_err(refused)
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        let lines = self.send(&format!("get {}{id}\r\n", self.prefix), "END").await;
        Ok(lines.map_err(refused)? > 1)
    }
}

fn remember(used: &Mutex<Vec<String>>, id: &str) {
    used.lock().unwrap_or_else(PoisonError::into_inner).push(id.to_owned());
}

/// The store that is checked; it remembers the ids of what it makes.
#[derive(Debug)]
struct Watched {
    store: MemcachedBodies,
    used: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl BodyStore for Watched {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        self.store.read(id).await
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        remember(&self.used, id);
        self.store.insert(id, body, expires_at).await
    }

    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        self.store.replace(id, expected, body, expires_at).await
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        self.store.touch(id, expires_at).await
    }

    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        self.store.end(id, expected).await
    }

    fn capabilities(&self) -> BodyCapabilities<'_> {
        self.store.capabilities()
    }
}
