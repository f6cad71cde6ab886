//! One recorded intention on a session, which can be carried out again on another base.

use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::json;
use crate::Result;

/// Where a change applies: a key, and a path into its value.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) key: Box<str>,
    pub(super) path: Box<[Box<str>]>,
}

impl Target {
    /// The value of `key` as a whole.
    pub(super) fn key(key: &str) -> Self {
        Self { key: key.into(), path: Box::default() }
    }

    /// The place that a dotted path names: `user.teams` is `teams` in the value of `user`.
    pub(super) fn path(path: &str) -> Self {
        let mut parts = path.split('.').map(Into::into);
        Self { key: parts.next().unwrap_or_default(), path: parts.collect() }
    }
}

/// One recorded intention.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// All values go.
    Clear,
    /// Something happens to one value.
    At(Target, Op),
}

/// What happens to a value.
#[derive(Clone)]
pub(super) enum Op {
    Set(Bytes),
    /// Set, and gone after the next request.
    Flash(Bytes),
    Remove,
    Increment(i64),
    Push(Bytes),
    Update(Arc<Mutex<Updater>>),
}

/// Makes a new value of the old one; run again if the old one turns out to be another.
pub(super) type Updater = Box<dyn FnMut(Option<&[u8]>) -> Result<Bytes> + Send>;

/// What a change did, besides changing the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Done,
    Existed(bool),
    Count(i64),
    Length(usize),
}

impl Op {
    /// What becomes of the value `old` at the target's path (`None`: it goes).
    fn on_value(&mut self, old: Option<&[u8]>, effect: &mut Effect) -> Result<Option<Vec<u8>>> {
        Ok(Some(match self {
            Self::Set(new) | Self::Flash(new) => new.to_vec(),
            Self::Remove => {
                *effect = Effect::Existed(old.is_some());
                return Ok(None);
            }
            Self::Increment(by) => {
                let (new, count) = json::increment(old, *by)?;
                *effect = Effect::Count(count);
                new
            }
            Self::Push(item) => {
                let (new, length) = json::push(old, item)?;
                *effect = Effect::Length(length);
                new
            }
            Self::Update(update) => match update.try_lock() {
                Ok(mut update) => update(old)?.into(),
                Err(_) => return Err(crate::Error::new(crate::ErrorKind::Mismatch, "a closure given to update runs already")),
            },
        }))
    }

    /// What becomes of the whole value `old` of the target's key.
    pub(super) fn run(&mut self, path: &[Box<str>], old: Option<&[u8]>) -> Result<(Option<Bytes>, Effect)> {
        if let (Self::Set(new) | Self::Flash(new), []) = (&*self, path) {
            return Ok((Some(new.clone()), Effect::Done));
        }
        let mut effect = Effect::Done;
        if matches!(self, Self::Remove) && !path.is_empty() {
            let found = old.is_some_and(|old| json::find(old, path).is_some());
            if !found {
                return Ok((old.map(Bytes::copy_from_slice), Effect::Existed(false)));
            }
        }
        let new = json::edit(old, path, &mut |old| self.on_value(old, &mut effect))?;
        Ok((new.map(Bytes::from), effect))
    }
}

impl fmt::Debug for Op {
    /// Shows no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Set(_) => "Set(..)",
            Self::Flash(_) => "Flash(..)",
            Self::Remove => "Remove",
            Self::Increment(_) => "Increment(..)",
            Self::Push(_) => "Push(..)",
            Self::Update(_) => "Update(..)",
        })
    }
}
