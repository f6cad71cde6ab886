//! The steps of a body store, one file at a time. They block.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use cloakroom::store::{Body, Bytes, Clock, Ended, Replaced, Timestamp, Version};

use super::disk::{self, Content};
use super::layout::{FileLayout, Prepared, Touched};
use super::marks::Marks;
use crate::body::Object;

/// Our own folder in the folder. node-session's clean-up passes over names that begin with a dot, and session-file-store
/// looks at names with its extension only.
const OWN: &str = ".cloakroom-ended";

/// How many locks there are: a session's is found by its id.
const LOCKS: u32 = 64;

pub(super) struct Folder {
    pub(super) root: PathBuf,
    pub(super) layout: FileLayout,
    clock: Arc<dyn Clock>,
    own: PathBuf,
    marks: Marks,
}

/// What a step came to.
#[derive(Debug)]
pub(super) enum Step<T> {
    Done(T),
    /// The file does not hold a whole body: Node may be writing it.
    Again,
}

/// Whether a file without a whole body is left for a later try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Try {
    Early,
    Last,
}

/// What is under an id.
enum Seen {
    /// No file, or one that has expired.
    Nothing,
    Half,
    There(Found),
}

struct Found {
    content: Content,
    expires_at: Timestamp,
    version: Version,
}

impl Found {
    fn body(self) -> Body {
        Body::new(Bytes::from(self.content.bytes), self.expires_at, self.version)
    }
}

/// What a step that changes a body finds under its lock.
enum Held<T> {
    There(Found),
    Other(Step<T>),
}

impl Folder {
    pub(super) fn new(root: PathBuf, layout: FileLayout, clock: Arc<dyn Clock>) -> Self {
        let own = root.join(OWN);
        Self { marks: Marks::new(own.clone()), root, layout, clock, own }
    }

    pub(super) fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.own)
    }

    pub(super) fn read(&self, id: &str, this: Try) -> io::Result<Step<Option<Body>>> {
        let seen = self.look(id, this)?;
        if matches!(seen, Seen::Nothing) || !self.is_marked(id)? {
            return Ok(match seen {
                Seen::Nothing => Step::Done(None),
                Seen::Half => Step::Again,
                Seen::There(found) => Step::Done(Some(found.body())),
            });
        }
        let _lock = self.lock(id)?;
        self.remove_again(id)?;
        Ok(Step::Done(None))
    }

    pub(super) fn insert(
        &self,
        id: &str,
        body: &[u8],
        expires_at: Timestamp,
        this: Try,
    ) -> io::Result<Step<Option<Version>>> {
        let content = self.layout.prepare(body, expires_at);
        let version = self.layout.version_of(&content.bytes);
        if expires_at <= self.clock.now() {
            // What has expired is gone as soon as it is written.
            return Ok(Step::Done(Some(version)));
        }
        let _lock = self.lock(id)?;
        if self.is_marked(id)? {
            return Ok(Step::Done(None));
        }
        match self.look(id, this)? {
            Seen::There(_) => Ok(Step::Done(None)),
            Seen::Half => Ok(Step::Again),
            Seen::Nothing => {
                self.put(id, &content, None)?;
                Ok(Step::Done(Some(version)))
            }
        }
    }

    pub(super) fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
        this: Try,
    ) -> io::Result<Step<Replaced>> {
        let _lock = self.lock(id)?;
        let found = match self.look_held(id, this, || Replaced::Missing)? {
            Held::There(found) => found,
            Held::Other(step) => return Ok(step),
        };
        if found.version != expected {
            return Ok(Step::Done(Replaced::Changed(found.body())));
        }
        let content = self.layout.prepare(body, expires_at);
        let version = self.layout.version_of(&content.bytes);
        if expires_at <= self.clock.now() {
            disk::remove(&self.path(id))?;
        } else {
            self.put(id, &content, Some(&found))?;
        }
        Ok(Step::Done(Replaced::Replaced(version)))
    }

    pub(super) fn touch(&self, id: &str, expires_at: Timestamp, this: Try) -> io::Result<Step<bool>> {
        let _lock = self.lock(id)?;
        let found = match self.look_held(id, this, || false)? {
            Held::There(found) => found,
            Held::Other(step) => return Ok(step),
        };
        if found.expires_at < expires_at {
            match self.layout.touch(&found.content.bytes, expires_at) {
                Some(Touched::Bytes(bytes)) => self.put(id, &Prepared { bytes, time: None }, Some(&found))?,
                Some(Touched::Time(time)) => disk::touch(&self.path(id), time)?,
                None => {}
            }
        }
        Ok(Step::Done(true))
    }

    pub(super) fn end(&self, id: &str, expected: Option<Version>, this: Try) -> io::Result<Step<Ended>> {
        let _lock = self.lock(id)?;
        let found = match self.look_held(id, this, || Ended::Missing)? {
            Held::There(found) => found,
            Held::Other(step) => return Ok(step),
        };
        if expected.is_some_and(|expected| expected != found.version) {
            return Ok(Step::Done(Ended::Changed(found.body())));
        }
        // The mark comes first: if the process is killed in between, the session has ended for us.
        self.remove_again(id)?;
        Ok(Step::Done(Ended::Ended(found.body())))
    }

    /// Returns the ids of all files, in no order.
    pub(super) fn ids(&self) -> io::Result<Vec<String>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let name = entry?.file_name();
            ids.extend(name.to_str().and_then(|name| self.layout.id_of(name)).map(str::to_owned));
        }
        Ok(ids)
    }

    /// Removes a file if the package's clean-up would; returns whether it did.
    pub(super) fn sweep(&self, id: &str) -> io::Result<bool> {
        if !self.is_over(id)? {
            return Ok(false);
        }
        let _lock = self.lock(id)?;
        // One of ours may have written it since.
        if !self.is_over(id)? {
            return Ok(false);
        }
        disk::remove(&self.path(id)).map(|()| true)
    }
}

impl Folder {
    fn is_over(&self, id: &str) -> io::Result<bool> {
        let path = self.path(id);
        let Some((written, accessed)) = disk::times(&path)? else { return Ok(false) };
        let removed_at = match self.layout.removed_at(written, accessed) {
            Some(moment) => moment,
            // A file that is being written, or that cannot be read, stays.
            None => match disk::read(&path)? {
                Some(content) => self.layout.expires_at(&content.bytes, content.written),
                None => return Ok(false),
            },
        };
        Ok(removed_at <= self.clock.now())
    }

    fn look(&self, id: &str, this: Try) -> io::Result<Seen> {
        let Some(content) = disk::read(&self.path(id))? else { return Ok(Seen::Nothing) };
        if this == Try::Early && Object::parse(&content.bytes).is_err() {
            return Ok(Seen::Half);
        }
        let expires_at = self.layout.expires_at(&content.bytes, content.written);
        if expires_at <= self.clock.now() {
            return Ok(Seen::Nothing);
        }
        let version = self.layout.version_of(&content.bytes);
        Ok(Seen::There(Found { content, expires_at, version }))
    }

    /// Looks while the lock is held, and removes what was written back after an end.
    fn look_held<T>(&self, id: &str, this: Try, missing: impl Fn() -> T) -> io::Result<Held<T>> {
        let seen = self.look(id, this)?;
        if !matches!(seen, Seen::Nothing) && self.is_marked(id)? {
            self.remove_again(id)?;
            return Ok(Held::Other(Step::Done(missing())));
        }
        Ok(match seen {
            Seen::Nothing => Held::Other(Step::Done(missing())),
            Seen::Half => Held::Other(Step::Again),
            Seen::There(found) => Held::There(found),
        })
    }

    fn put(&self, id: &str, content: &Prepared, before: Option<&Found>) -> io::Result<()> {
        let temp = self.own.join(format!("new-{}", shard(id)));
        disk::write(&temp, &self.path(id), content, before.map(|found| &found.content.permissions))
    }

    fn is_marked(&self, id: &str) -> io::Result<bool> {
        self.marks.is_set(id, self.clock.now())
    }

    /// Leaves a mark, then removes what is under the id.
    fn remove_again(&self, id: &str) -> io::Result<()> {
        self.marks.set(id, self.clock.now())?;
        disk::remove(&self.path(id))
    }

    fn lock(&self, id: &str) -> io::Result<File> {
        disk::lock(&self.own.join(format!("lock-{}", shard(id))))
    }

    fn path(&self, id: &str) -> PathBuf {
        self.root.join(self.layout.file_name(id))
    }
}

/// Returns the number of an id's lock: the same in every process.
fn shard(id: &str) -> u32 {
    id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % LOCKS
}
