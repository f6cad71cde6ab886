//! The summary of a migration.

use std::collections::BTreeSet;
use std::fmt;

use crate::trouble::Trouble;

/// The results for the records that were seen in the old store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Moved by this command, and the same when read back.
    pub(super) moved: u64,
    /// Of these, changed by a request before they were read back.
    pub(super) changed: u64,
    /// Ended or expired before they could move.
    pub(super) ended: u64,
    /// Read back, and neither the same nor changed by another process: a fault of a store.
    pub(super) wrong: u64,
    /// What the new store cannot keep, one by one: it stays in the old one.
    pub(super) kept: BTreeSet<String>,
    /// Whether processes kept writing records to the old store.
    pub(super) unfinished: bool,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.moved += other.moved;
        self.changed += other.changed;
        self.ended += other.ended;
        self.wrong += other.wrong;
        self.kept.extend(other.kept.iter().cloned());
    }

    pub(super) fn verdict(&self) -> Result<(), Trouble> {
        if self.wrong > 0 {
            let wrong = format!("{} records are not in the new store as they were written", self.wrong);
            return Err(Trouble::failure(wrong));
        }
        if !self.kept.is_empty() {
            let kept = format!(
                "{} records stay in the old store, because the new one cannot keep them",
                self.kept.len()
            );
            return Err(Trouble::failure(kept));
        }
        if self.unfinished {
            return Err(Trouble::failure(
                "records keep coming to the old store; run the same command again when every process moves them",
            ));
        }
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { moved, changed, ended, wrong, .. } = self;
        write!(f, "{moved} records moved and read back ({changed} changed by requests meanwhile), ")?;
        write!(f, "{ended} ended before they moved, {wrong} wrong")?;
        self.kept.iter().try_for_each(|kept| write!(f, "\nkept: {kept}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_is_well_if_all_moved_and_is_as_it_was() {
        let tally = Tally { moved: 9, changed: 2, ended: 1, ..Tally::default() };
        assert!(tally.verdict().is_ok());
        let kept = [String::from("a record")].into();
        for tally in [
            Tally { kept, ..tally.clone() },
            Tally { wrong: 1, ..tally.clone() },
            Tally { unfinished: true, ..tally },
        ] {
            assert!(tally.verdict().is_err(), "{tally:?}");
        }
    }
}
