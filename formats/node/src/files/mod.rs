//! Bodies in a folder, as session-file-store and node-session's file driver keep them.

mod disk;
mod folder;
mod layout;
mod marks;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::store::{
    Body, BodyCapabilities, BodyIds, BodyStore, Clock, Cursor, Ended, Error, ErrorKind, IdPage, Replaced,
    Result, Sweep, SweepStats, SystemClock, Timestamp, Version, async_trait,
};

use folder::{Folder, Step, Try};

pub use layout::FileLayout;

/// Keeps the bodies of Node's sessions in a folder: the same files that the Node application reads and writes.
///
/// ```
/// use cloakroom_node::{Express, FileBodies, FileLayout};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let parent = tempfile::tempdir()?;
/// # let folder = parent.path().join("sessions");
/// let bodies = FileBodies::open(folder, FileLayout::session_file_store()).await?;
/// let store = Express::new(["keyboard cat"])?.store(bodies);
/// # let _ = store;
/// # Ok(()) }
/// ```
///
/// # Writes
/// A file is written under another name, synced and renamed, so that a reader sees the old body or the new one. A step that
/// changes a file holds a lock of ours and reads the file again: of several Rust processes none undoes what another has
/// written. Node knows no lock. What it writes in the instant between that look and the rename is lost, as it is between
/// two Node processes.
///
/// node-session writes in place, so that a reader may find half a file or an empty one. Such a file is read again for a tenth
/// of a second. It is never removed: a request that still cannot read it is anonymous.
///
/// # Ends
/// The mark of an end is a file in the folder `.cloakroom-ended`, which neither package looks into. It stays for one to two
/// days.
///
/// # Sweeps
/// A sweep removes the files that the package's own clean-up would remove, so that a Rust process alone cleans up, too. It looks
/// again under the lock. A file that Node writes in the instant between that look and the removal is lost, as it is with the
/// clean-up of another Node process.
///
/// # Limits
/// For a local disk. Only letters, digits, `-` and `_` make an id that has a file, so no id leads out of the folder. A new file
/// has the permissions that the process's umask leaves, as Node's files have; one that is replaced keeps its own.
#[derive(Clone)]
pub struct FileBodies {
    folder: Arc<Folder>,
}

/// How often a file without a whole body is read, and how long it is left alone in between.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(20);

impl FileBodies {
    /// Opens a folder, and makes it if it is missing.
    ///
    /// # Errors
    /// [`ErrorKind::Setup`] if the folder cannot be made or used.
    pub async fn open(folder: impl Into<PathBuf>, layout: FileLayout) -> Result<Self> {
        Self::open_with_clock(folder, layout, SystemClock).await
    }

    /// Opens a folder like [`open`](Self::open), with a clock that decides what has expired.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with_clock(
        folder: impl Into<PathBuf>,
        layout: FileLayout,
        clock: impl Clock,
    ) -> Result<Self> {
        let folder = Folder::new(folder.into(), layout, Arc::new(clock));
        let folder = blocking(move || folder.make().map(|()| folder)).await?;
        Ok(Self { folder: Arc::new(folder.map_err(|source| explain("open", source))?) })
    }

    /// Carries out a step on a thread for blocking work. While the file does not hold a whole body, waits and tries again.
    async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        step: impl Fn(&Folder, Try) -> io::Result<Step<T>> + Clone + Send + 'static,
    ) -> Result<T> {
        for number in 1..=TRIES {
            let (folder, step) = (self.folder.clone(), step.clone());
            let this = if number < TRIES { Try::Early } else { Try::Last };
            match blocking(move || step(&folder, this)).await? {
                Ok(Step::Done(done)) => return Ok(done),
                Ok(Step::Again) => tokio::time::sleep(PAUSE).await,
                Err(source) => return Err(explain(doing, source)),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "the file is still being written"))
    }

    fn name(&self, id: &str) -> Option<Arc<str>> {
        self.folder.layout.is_id(id).then(|| id.into())
    }
}

#[async_trait]
impl BodyStore for FileBodies {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        let Some(id) = self.name(id) else { return Ok(None) };
        self.run("read a session", move |folder, this| folder.read(&id, this)).await
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        let id = self.name(id).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "the package names no file by such a session id")
        })?;
        let body: Arc<[u8]> = checked(body)?.into();
        self.run("write a session", move |folder, this| folder.insert(&id, &body, expires_at, this)).await
    }

    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        let Some(id) = self.name(id) else { return Ok(Replaced::Missing) };
        let body: Arc<[u8]> = checked(body)?.into();
        self.run("write a session", move |folder, this| {
            folder.replace(&id, expected, &body, expires_at, this)
        })
        .await
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        let Some(id) = self.name(id) else { return Ok(false) };
        self.run("touch a session", move |folder, this| folder.touch(&id, expires_at, this)).await
    }

    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        let Some(id) = self.name(id) else { return Ok(Ended::Missing) };
        self.run("end a session", move |folder, this| folder.end(&id, expected, this)).await
    }

    fn capabilities(&self) -> BodyCapabilities<'_> {
        BodyCapabilities::NONE.with_sweep(self).with_ids(self)
    }
}

/// How many files a thread looks at before another one may have it.
const BATCH: usize = 256;

#[async_trait]
impl Sweep for FileBodies {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let mut removed = 0;
        for batch in self.ids_in_order().await?.chunks(BATCH) {
            let (folder, batch, room) = (self.folder.clone(), batch.to_vec(), limit - removed);
            let swept = blocking(move || {
                let mut swept = 0;
                for id in &batch {
                    if swept == room {
                        break;
                    }
                    swept += usize::from(folder.sweep(id)?);
                }
                io::Result::Ok(swept)
            });
            removed += swept.await?.map_err(|source| explain("sweep", source))?;
            if removed == limit {
                break;
            }
        }
        Ok(SweepStats::of_bodies(removed, limit))
    }
}

#[async_trait]
impl BodyIds for FileBodies {
    /// Reads the names of all files for each page.
    async fn ids(&self, after: Option<&Cursor>, limit: usize) -> Result<IdPage> {
        let last = IdPage::last_of(after)?;
        let ids = self.ids_in_order().await?.into_iter().filter(|id| *id > last);
        Ok(IdPage::in_order(ids.take(limit.max(1)).collect(), limit))
    }
}

impl FileBodies {
    async fn ids_in_order(&self) -> Result<Vec<String>> {
        let folder = self.folder.clone();
        let mut ids =
            blocking(move || folder.ids()).await?.map_err(|source| explain("list files", source))?;
        ids.sort_unstable();
        Ok(ids)
    }
}

impl fmt::Debug for FileBodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileBodies")
            .field("folder", &self.folder.root)
            .field("layout", &self.folder.layout)
            .finish_non_exhaustive()
    }
}

fn checked(body: &[u8]) -> Result<&[u8]> {
    if body.len() <= crate::body::MAX_BYTES {
        return Ok(body);
    }
    Err(Error::new(ErrorKind::TooLarge, "the body is larger than 64 MiB"))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let runtime = tokio::runtime::Handle::try_current().map_err(|source| {
        Error::new(ErrorKind::Setup, "session files need a Tokio runtime").with_source(source)
    })?;
    runtime.spawn_blocking(work).await.map_err(|source| {
        Error::new(ErrorKind::Other, "the thread for session files ended early").with_source(source)
    })
}

/// Makes the error for a refusal of the system. It names no file, as that would name an id.
fn explain(doing: &str, source: io::Error) -> Error {
    use io::ErrorKind as Io;
    let (kind, why) = match source.kind() {
        Io::StorageFull | Io::QuotaExceeded => (ErrorKind::Full, "the disk is full"),
        Io::FileTooLarge => (ErrorKind::TooLarge, "the file is too large"),
        Io::NotFound | Io::NotADirectory | Io::AlreadyExists => {
            (ErrorKind::Setup, "the folder is missing, or something else is in its place")
        }
        Io::PermissionDenied | Io::ReadOnlyFilesystem => {
            (ErrorKind::Setup, "the process may not read and write the folder")
        }
        Io::Unsupported => (ErrorKind::Setup, "the file system has no locks; use a local disk"),
        Io::Interrupted | Io::TimedOut | Io::WouldBlock | Io::ResourceBusy => {
            (ErrorKind::Unavailable, "the system is busy")
        }
        _ => (ErrorKind::Other, "the system refused"),
    };
    Error::new(kind, format!("cannot {doing} in the session folder: {why}")).with_source(source)
}
