//! One change of a session's values, which can be replayed on other values.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, TryLockError};

use bytes::Bytes;

use super::json::{Made, Node, Place, mismatch, remove_seen};
use crate::{Error, ErrorKind, Result};

/// Where a change applies: a key, and a path into its value. Clones share their text.
#[derive(Clone)]
pub(crate) struct Target {
    text: Arc<str>,
    /// How much of the text is the key; a dot and the path follow.
    key: usize,
}

/// The names that lead to a place inside a value, with dots between them; `None`: no names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a>(Option<&'a str>);

impl Target {
    /// Makes the target that is the value of `key` as a whole.
    pub(crate) fn key(key: &str) -> Self {
        Self { text: key.into(), key: key.len() }
    }

    /// Makes the target that a dotted path names: `user.teams` is `teams` in the value of `user`.
    pub(crate) fn path(path: &str) -> Self {
        Self { text: path.into(), key: memchr::memchr(b'.', path.as_bytes()).unwrap_or(path.len()) }
    }

    /// Returns the key.
    #[inline]
    pub(crate) fn name(&self) -> &str {
        &self.text[..self.key]
    }

    /// Returns the path below the key.
    #[inline]
    pub(crate) fn below(&self) -> Path<'_> {
        Path(self.text.get(self.key + 1..))
    }

    /// Returns key and path as they were given, for errors.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl<'a> Path<'a> {
    pub(crate) const fn is_empty(self) -> bool {
        self.0.is_none()
    }

    /// Returns how many names it has.
    pub(crate) fn len(self) -> usize {
        self.0.map_or(0, |text| memchr::memchr_iter(b'.', text.as_bytes()).count() + 1)
    }

    /// Returns its first name, and the others.
    pub(crate) fn split_first(self) -> Option<(&'a str, Self)> {
        let text = self.0?;
        Some(match text.split_once('.') {
            Some((first, rest)) => (first, Self(Some(rest))),
            None => (text, Self(None)),
        })
    }
}

/// One recorded change.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// All values are removed.
    Clear,
    /// One value is changed.
    At(Target, Op, Places),
}

/// The items that a change saw in the lists on its path; most paths have no lists.
#[derive(Clone, Debug, Default)]
#[expect(clippy::box_collection, reason = "one word where it is empty, which is nearly always")]
pub(crate) struct Places(Option<Box<Vec<Place>>>);

impl Places {
    pub(super) fn take(&mut self) -> Vec<Place> {
        self.0.take().map_or_else(Vec::new, |places| *places)
    }

    pub(super) fn put(&mut self, places: Vec<Place>) {
        self.0 = if places.is_empty() { None } else { Some(Box::new(places)) };
    }
}

impl Change {
    pub(crate) fn at(target: Target, op: Op) -> Self {
        Self::At(target, op, Places::default())
    }

    pub(super) const fn has_closure(&self) -> bool {
        matches!(self, Self::At(_, Op::Update(_), _))
    }
}

/// The kind of a change.
#[derive(Clone)]
pub(crate) enum Op {
    Set(Bytes),
    /// Sets a flash value, which is gone after the next request.
    Flash(Bytes),
    /// Removes what was seen.
    Remove(Seen),
    /// Removes exactly one value, and notes whether it was there.
    Claim(Arc<Claim>),
    Increment(i64),
    Push(Bytes),
    Update(Updater),
}

/// What a removal removes.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// `None`: the value that is there when it is first carried out.
    value: Option<Bytes>,
    /// Whether the request had changed the value before.
    is_own: bool,
}

/// A one-time value that a request wants for itself.
pub(crate) struct Claim {
    value: Bytes,
    state: AtomicU8,
}

/// Computes a new value from the old one; runs again if another request has changed the old one.
pub(crate) type Updater = Arc<Mutex<dyn FnMut(Option<&[u8]>) -> Result<Bytes> + Send>>;

/// How a change is carried out.
#[derive(Clone, Copy)]
pub(super) struct How {
    /// The change's number among those of its request.
    pub(super) number: u64,
    /// Whether the request had changed the value before.
    pub(super) is_own: bool,
    /// Whether it was carried out before, on another base.
    pub(super) is_replay: bool,
}

/// The result of a change, besides the new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Done,
    /// Whether the value of a removal was there.
    Existed(bool),
    Count(i64),
    Length(usize),
}

impl Claim {
    const TAKEN: u8 = 0;
    const MISSED: u8 = 1;
    const WITHDRAWN: u8 = 2;

    pub(crate) fn new(value: Bytes) -> Arc<Self> {
        Arc::new(Self { value, state: AtomicU8::new(Self::TAKEN) })
    }

    /// Returns whether the removal was carried out on exactly this value when it was last carried out.
    pub(crate) fn is_taken(&self) -> bool {
        self.state.load(Ordering::Acquire) == Self::TAKEN
    }

    /// Turns the claim into a change that does nothing when it is replayed.
    pub(super) fn withdraw(&self) {
        self.state.store(Self::WITHDRAWN, Ordering::Release);
    }

    fn run(&self, old: Option<&mut Node>) -> Made {
        let is_there = old.is_some_and(|node| node.text() == self.value);
        let state = if is_there { Self::TAKEN } else { Self::MISSED };
        let set = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| {
            (old != Self::WITHDRAWN).then_some(state)
        });
        if is_there && set.is_ok() { Made::Gone } else { Made::Same }
    }
}

impl Seen {
    /// Removes this value, if it is there and no other.
    pub(crate) const fn exactly(value: Bytes) -> Self {
        Self { value: Some(value), is_own: false }
    }

    /// Returns whether this value is meant.
    pub(super) fn matches(&self, value: &Bytes) -> bool {
        self.value.as_ref().is_none_or(|seen| seen == value)
    }

    /// Means whatever is there.
    pub(super) fn forget(&mut self) {
        self.value = None;
    }

    fn run(&mut self, old: Option<&mut Node>, how: How) -> Made {
        let Some(node) = old else { return Made::Same };
        if how.is_replay {
            return self.value.as_ref().map_or(Made::Same, |seen| remove_seen(node, seen, self.is_own));
        }
        let text = node.text();
        let seen = self.value.get_or_insert_with(|| text.clone());
        self.is_own = how.is_own;
        if *seen == text { Made::Gone } else { Made::Same }
    }
}

impl Op {
    /// Removes what is there.
    pub(crate) fn remove() -> Self {
        Self::Remove(Seen::default())
    }

    /// Returns whether it removes, and so does nothing where there is nothing.
    pub(super) const fn removes(&self) -> bool {
        matches!(self, Self::Remove(_) | Self::Claim(_))
    }

    /// Returns the claim that it is.
    pub(super) const fn claim(&self) -> Option<&Arc<Claim>> {
        if let Self::Claim(claim) = self { Some(claim) } else { None }
    }

    /// Carries it out on the value `old` at the target's path.
    pub(super) fn run(&mut self, old: Option<&mut Node>, how: How) -> Result<(Made, Effect)> {
        Ok(match self {
            Self::Set(new) | Self::Flash(new) => (Made::New(Node::Raw(new.clone())), Effect::Done),
            Self::Remove(seen) => existed(seen.run(old, how)),
            Self::Claim(claim) => existed(claim.run(old)),
            Self::Increment(by) => {
                let count = increment(old.map(|node| node.text()).as_deref(), *by)?;
                let text = Bytes::copy_from_slice(itoa::Buffer::new().format(count).as_bytes());
                (Made::New(Node::Raw(text)), Effect::Count(count))
            }
            Self::Push(item) => {
                Node::push(old, item, how.number).map(|(made, length)| (made, Effect::Length(length)))?
            }
            Self::Update(update) => {
                let old = old.map(|node| node.text());
                (Made::New(Node::Raw(run_updater_again(update, old.as_deref())?)), Effect::Done)
            }
        })
    }
}

const fn existed(made: Made) -> (Made, Effect) {
    let existed = !matches!(made, Made::Same);
    (made, Effect::Existed(existed))
}

/// Adds `by` to the whole number `json` (a missing one is 0).
pub(super) fn increment(json: Option<&[u8]>, by: i64) -> Result<i64> {
    let now = match json.filter(|json| *json != b"null") {
        None => 0,
        Some(json) => std::str::from_utf8(json)
            .ok()
            .and_then(|text| text.parse::<i64>().ok())
            .ok_or_else(|| mismatch("cannot increment: not a whole number"))?,
    };
    now.checked_add(by).ok_or_else(|| mismatch("the counter would leave the range of an i64"))
}

/// Wraps a closure, so that copies of the changes share it.
pub(crate) fn share_updater(update: impl FnMut(Option<&[u8]>) -> Result<Bytes> + Send + 'static) -> Updater {
    Arc::new(Mutex::new(update))
}

/// Runs a closure of the application, under no lock except the closure's own.
///
/// A closure that is running already, because it waits for a commit that would run it again, is an error instead of a
/// wait without an end.
pub(crate) fn run_updater(update: &Updater, old: Option<&[u8]>) -> Result<Bytes> {
    match update.try_lock() {
        Ok(mut update) => update(old),
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner()(old),
        Err(TryLockError::WouldBlock) => {
            Err(mismatch("the closure of an update waits for itself: it is running already"))
        }
    }
}

/// Runs a closure again, in a commit. Its panic is an error then, and the session stays usable.
fn run_updater_again(update: &Updater, old: Option<&[u8]>) -> Result<Bytes> {
    catch_unwind(AssertUnwindSafe(|| run_updater(update, old)))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Mismatch, "the closure of an update panicked")))
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({:?})", self.text)
    }
}

impl fmt::Debug for Claim {
    /// Shows no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim(..)")
    }
}

impl fmt::Debug for Op {
    /// Shows no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Set(_) => "Set(..)",
            Self::Flash(_) => "Flash(..)",
            Self::Remove(_) => "Remove(..)",
            Self::Claim(_) => "Claim(..)",
            Self::Increment(_) => "Increment(..)",
            Self::Push(_) => "Push(..)",
            Self::Update(_) => "Update(..)",
        })
    }
}
