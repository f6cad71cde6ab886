//! The options of a store, and their defaults.

use std::sync::{Arc, RwLock};

use cloakroom_store::{Clock, Error, ErrorKind, Result, StoreUrl, SystemClock};

use crate::database::{Place, Shared};
use crate::store::RedbStore;

/// redb keeps no value of 3 GiB, and a record has more than a payload.
const LARGEST_PAYLOAD: usize = 1 << 30;

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The crash of the machine, and a power failure: the file is flushed before a write is answered.
    #[default]
    Machine,
    /// The crash or kill of the process only: the file is never flushed. **The crash of the machine may damage it
    /// beyond repair**, so this is for sessions that may all be lost then.
    Process,
}

impl Durability {
    fn read(text: &str) -> Option<Self> {
        match text {
            "machine" => Some(Self::Machine),
            "process" => Some(Self::Process),
            _ => None,
        }
    }
}

/// Sets the options of a [`RedbStore`]; [`RedbStore::builder`] and [`RedbStore::from_url`] make one.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    place: Place,
    clock: Arc<dyn Clock>,
    durability: Durability,
    cache_bytes: usize,
    max_payload_bytes: usize,
    create: bool,
}

impl Builder {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            clock: Arc::new(SystemClock),
            durability: Durability::default(),
            cache_bytes: 64 << 20,
            max_payload_bytes: 16 << 20,
            create: true,
        }
    }

    pub(crate) fn from_url(url: &str) -> Result<Self> {
        let mut url = StoreUrl::parse(url)?;
        if url.scheme() != "redb" {
            return Err(Error::new(ErrorKind::Invalid, "the url of this store begins with redb:"));
        }
        let mut builder = Self::new(Place::File(url.path()?.into()));
        builder.durability = url.read("durability", Durability::read)?.unwrap_or(builder.durability);
        builder.cache_bytes = url.parsed("cache_bytes")?.unwrap_or(builder.cache_bytes);
        builder.create = url.flag("create_if_missing")?.unwrap_or(builder.create);
        if let Some(bytes) = url.parsed("max_payload_bytes")? {
            builder = builder.max_payload_bytes(bytes);
        }
        url.finish()?;
        Ok(builder)
    }

    /// Sets the clock that decides what has expired. The operating system's unless set.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets what an acknowledged write survives. [`Durability::Machine`] unless set.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets how many bytes of the file are kept in memory. 64 MiB unless set.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Sets the largest payload that is kept, in bytes; a larger one is [`ErrorKind::TooLarge`].
    /// 16 MiB unless set; at most 1 GiB.
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes.min(LARGEST_PAYLOAD);
        self
    }

    /// Sets whether opening makes the file if it is missing, as it does unless set. If not, a file that is not there, or
    /// is empty, is an [`ErrorKind::Setup`], and nothing is made: for programs that only read what others wrote.
    pub fn create_if_missing(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Opens the file, and makes it if it is missing.
    ///
    /// After a process was killed, redb looks through the whole file first, which takes as long as reading it.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if another process has the file open, if the folder is missing or cannot be written, or if
    /// the file is not ours; [`ErrorKind::Corrupt`] if it is damaged; [`ErrorKind::Full`]; [`ErrorKind::Invalid`] if the
    /// path can never be right.
    pub async fn build(self) -> Result<RedbStore> {
        if matches!(&self.place, Place::File(path) if path.as_os_str().is_empty()) {
            return Err(Error::new(ErrorKind::Invalid, "the path names no file"));
        }
        if let (Place::File(path), false) = (&self.place, self.create)
            && std::fs::metadata(path).map_or(true, |file| file.len() == 0)
        {
            return Err(Error::new(
                ErrorKind::Setup,
                "there are no sessions in that place; is the path right?",
            ));
        }
        let shared = Shared {
            place: self.place,
            durability: self.durability,
            cache: self.cache_bytes,
            clock: self.clock,
            database: RwLock::new(None),
            pause: std::sync::Mutex::default(),
        };
        RedbStore::start(shared, self.max_payload_bytes).await
    }
}
