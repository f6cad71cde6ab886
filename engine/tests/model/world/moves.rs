//! What can happen next.

use super::Running;
use crate::gate::{Actor, Point, Verdict};

#[derive(Clone, Copy, Debug)]
pub(super) enum Move {
    Let(usize, Verdict),
    /// Not only this operation fails, but all that follow.
    LoseStore(usize, Verdict),
    Leave(usize),
    Leap(usize),
    /// An actor that waits for time to pass goes first.
    Sleep,
}

/// All that can happen next.
pub(super) fn moves(
    waiting: &[(Actor, Point)],
    running: &[Running],
    faults: usize,
    drops: usize,
    leaps: &[u64],
    busy: usize,
) -> Vec<Move> {
    let mut moves = Vec::new();
    for (place, (_, point)) in waiting.iter().enumerate() {
        moves.push(Move::Let(place, Verdict::Go));
        if faults > 0 && matches!(point, Point::Look | Point::Write) {
            moves.push(Move::Let(place, Verdict::Fail));
            moves.push(Move::LoseStore(place, Verdict::Fail));
        }
        if faults > 0 && *point == Point::Write {
            moves.push(Move::Let(place, Verdict::Lose));
            moves.push(Move::Let(place, Verdict::Hold));
            moves.push(Move::LoseStore(place, Verdict::Lose));
        }
    }
    if drops > 0 {
        let here = |one: &Running| !one.gone && !one.task.is_finished();
        moves.extend((0..running.len()).filter(|one| here(&running[*one])).map(Move::Leave));
    }
    moves.extend((0..leaps.len()).map(Move::Leap));
    if waiting.iter().map(|(actor, _)| actor).collect::<std::collections::HashSet<_>>().len() < busy {
        moves.push(Move::Sleep);
    }
    moves
}
