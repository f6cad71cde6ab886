//! What waits for an operation.

use std::pin::pin;
use std::task::Poll;

use cloakroom::store::{Error, ErrorKind, Result};

use crate::Gate;

/// An operation of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A load.
    Load,
    /// A create.
    Create,
    /// An update.
    Update,
    /// A touch that does not ride on a load.
    Touch,
    /// A delete.
    Delete,
    /// A list of an owner's records.
    List,
    /// A revocation.
    Revoke,
    /// A page of a scan, a count, a clear.
    Scan,
    /// A step of a sweep.
    Sweep,
}

impl Op {
    /// What a log-out may end a record with.
    pub const ENDING: [Self; 2] = [Self::Delete, Self::Update];

    pub(super) const COUNT: usize = Self::Sweep as usize + 1;
}

/// When, seen from the operation, something happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It has not begun.
    Before,
    /// It has begun: its future was polled once. A store that answers at once is then done.
    Within,
    /// It took effect.
    After,
}

pub(super) struct Trap {
    pub(super) ops: Vec<Op>,
    pub(super) when: When,
    pub(super) deed: Deed,
}

pub(super) enum Deed {
    Stop(Gate),
    StopAndFail(Gate),
    Fail(ErrorKind),
    Spare,
}

impl Trap {
    /// The first trap for `op`, taken out.
    pub(super) fn take(traps: &mut Vec<Self>, op: Op) -> Option<Self> {
        let place = traps.iter().position(|trap| trap.ops.contains(&op))?;
        Some(traps.remove(place))
    }

    /// Does `work`, and what the trap does to it.
    pub(super) async fn spring<T>(self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(work);
        match self.when {
            When::Before => {
                self.deed.happen().await?;
                work.await
            }
            When::Within => {
                let begun = std::future::poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
                self.deed.happen().await?;
                match begun {
                    Poll::Ready(answer) => answer,
                    Poll::Pending => work.await,
                }
            }
            When::After => {
                let answer = work.await;
                self.deed.happen().await?;
                answer
            }
        }
    }
}

impl Deed {
    async fn happen(self) -> Result<()> {
        let fail = |kind| Err(Error::new(kind, "the gated store is set to fail"));
        match self {
            Self::Stop(gate) => {
                gate.pass().await;
                Ok(())
            }
            Self::StopAndFail(gate) => {
                gate.pass().await;
                fail(ErrorKind::Unavailable)
            }
            Self::Fail(kind) => fail(kind),
            Self::Spare => Ok(()),
        }
    }
}
