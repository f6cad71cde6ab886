//! The suite for bodies passes on a store that is right, and finds what is wrong with one that is not.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use cloakroom_conformance::bodies::{self, Harness, OtherPackage};
use cloakroom_store::{
    Body, BodyCapabilities, BodyIds, BodyStore, Bytes, Clock as _, Cursor, Ended, IdPage, ManualClock,
    Replaced, Result, Sweep, SweepStats, Timestamp, Version, async_trait,
};

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    InsertOverwrites,
    InsertIgnoresEnds,
    ReplaceIsBlind,
    ConflictHandsBackTheWrongBody,
    ReplaceCreates,
    RoundsDown,
    NeverExpires,
    ExpiresASecondLate,
    TouchShortens,
    TouchDoesNothing,
    EndIsBlind,
    EndLeavesTheBody,
    EndLeavesNoMark,
    MarksHideAndRemoveNothing,
    MarksHideFromReadsOnly,
    IdsAreCutOff,
    IdsAreTrimmed,
    LettersAreLower,
    SweepsTheLiving,
    SweepsNothing,
    PagesOverlook,
}

#[derive(Debug)]
struct Shelf {
    clock: ManualClock,
    fault: Fault,
    rows: Mutex<HashMap<String, (Vec<u8>, Timestamp)>>,
    marks: Mutex<HashSet<String>>,
    /// Held for a whole operation: a right store does each in one step.
    step: Mutex<()>,
}

fn version_of(body: &[u8]) -> Version {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    Version::new(hasher.finish())
}

fn body_of((bytes, expires_at): &(Vec<u8>, Timestamp)) -> Body {
    Body::new(Bytes::from(bytes.clone()), *expires_at, version_of(bytes))
}

impl Shelf {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn name(&self, id: &str) -> String {
        match self.fault {
            Fault::IdsAreCutOff => id.chars().take(128).collect(),
            Fault::IdsAreTrimmed => id.trim_end_matches(' ').to_owned(),
            Fault::LettersAreLower => id.to_lowercase(),
            _ => id.to_owned(),
        }
    }

    fn round(&self, moment: Timestamp) -> Timestamp {
        let millis = moment.as_millis();
        let seconds = if self.has(Fault::RoundsDown) { millis / 1_000 } else { millis.div_ceil(1_000) };
        Timestamp::from_millis(seconds * 1_000)
    }

    fn live(&self, name: &str) -> Option<Body> {
        let now = match self.fault {
            Fault::NeverExpires => Timestamp::EPOCH,
            Fault::ExpiresASecondLate => self.clock.now() - std::time::Duration::from_secs(1),
            _ => self.clock.now(),
        };
        self.rows.lock().unwrap().get(name).map(body_of).filter(|body| body.expires_at >= now)
    }

    fn is_marked(&self, name: &str) -> bool {
        self.marks.lock().unwrap().contains(name)
    }

    /// What a write or a touch finds.
    fn found(&self, name: &str) -> Option<Body> {
        let hidden = self.is_marked(name) && !self.has(Fault::MarksHideFromReadsOnly);
        self.live(name).filter(|_| !hidden)
    }

    fn put(&self, name: String, body: &[u8], expires_at: Timestamp) -> Version {
        self.rows.lock().unwrap().insert(name, (body.to_vec(), self.round(expires_at)));
        version_of(body)
    }
}

#[async_trait]
impl BodyStore for Shelf {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        let _step = self.step.lock().unwrap();
        let name = self.name(id);
        if self.is_marked(&name) {
            if !self.has(Fault::MarksHideAndRemoveNothing) {
                self.rows.lock().unwrap().remove(&name);
            }
            return Ok(None);
        }
        Ok(self.live(&name))
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        let _step = self.step.lock().unwrap();
        let name = self.name(id);
        if self.live(&name).is_some() && !self.has(Fault::InsertOverwrites) {
            return Ok(None);
        }
        if self.is_marked(&name) && !self.has(Fault::InsertIgnoresEnds) {
            return Ok(None);
        }
        Ok(Some(self.put(name, body, expires_at)))
    }

    async fn replace(
        &self,
        id: &str,
        expected: Version,
        body: &[u8],
        expires_at: Timestamp,
    ) -> Result<Replaced> {
        let _step = self.step.lock().unwrap();
        let name = self.name(id);
        Ok(match self.found(&name) {
            None if self.has(Fault::ReplaceCreates) => Replaced::Replaced(self.put(name, body, expires_at)),
            None => Replaced::Missing,
            Some(there) if there.version == expected || self.has(Fault::ReplaceIsBlind) => {
                Replaced::Replaced(self.put(name, body, expires_at))
            }
            Some(there) if self.has(Fault::ConflictHandsBackTheWrongBody) => {
                Replaced::Changed(Body::new(body.to_vec().into(), there.expires_at, there.version))
            }
            Some(there) => Replaced::Changed(there),
        })
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        let _step = self.step.lock().unwrap();
        let name = self.name(id);
        let Some(there) = self.found(&name) else { return Ok(false) };
        let shortens = self.has(Fault::TouchShortens);
        if !self.has(Fault::TouchDoesNothing) && (shortens || there.expires_at < expires_at) {
            self.put(name, &there.bytes, expires_at);
        }
        Ok(true)
    }

    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        let _step = self.step.lock().unwrap();
        let name = self.name(id);
        let Some(there) = self.found(&name) else { return Ok(Ended::Missing) };
        if expected.is_some_and(|expected| expected != there.version) && !self.has(Fault::EndIsBlind) {
            return Ok(Ended::Changed(there));
        }
        if !self.has(Fault::EndLeavesTheBody) {
            self.rows.lock().unwrap().remove(&name);
        }
        if !self.has(Fault::EndLeavesNoMark) {
            self.marks.lock().unwrap().insert(name);
        }
        Ok(Ended::Ended(there))
    }

    fn capabilities(&self) -> BodyCapabilities<'_> {
        BodyCapabilities::NONE.with_sweep(self).with_ids(self)
    }
}

#[async_trait]
impl Sweep for Shelf {
    async fn sweep(&self, limit: usize) -> Result<SweepStats> {
        let (now, mut removed) = (self.clock.now(), 0);
        self.rows.lock().unwrap().retain(|_, (_, expires_at)| {
            let is_over = *expires_at < now || self.has(Fault::SweepsTheLiving);
            let goes = is_over && removed < limit && !self.has(Fault::SweepsNothing);
            removed += usize::from(goes);
            !goes
        });
        Ok(SweepStats::of_bodies(removed, limit))
    }
}

#[async_trait]
impl BodyIds for Shelf {
    async fn ids(&self, after: Option<&Cursor>, limit: usize) -> Result<IdPage> {
        let last = IdPage::last_of(after)?;
        let mut ids: Vec<_> = self.rows.lock().unwrap().keys().filter(|id| **id > last).cloned().collect();
        ids.sort_unstable();
        ids.truncate(limit);
        let page = IdPage::in_order(ids, limit);
        if self.has(Fault::PagesOverlook) && page.next.is_some() {
            return Ok(IdPage::new(page.ids[1..].to_vec(), page.next));
        }
        Ok(page)
    }
}

/// The other package on the same shelf.
#[derive(Debug)]
struct Other(Arc<Shelf>);

#[async_trait]
impl OtherPackage for Other {
    async fn write(&self, id: &str, body: &str, expires_at: Timestamp) -> Result<()> {
        let _step = self.0.step.lock().unwrap();
        self.0.put(self.0.name(id), body.as_bytes(), expires_at);
        Ok(())
    }

    async fn finds(&self, id: &str) -> Result<bool> {
        Ok(self.0.rows.lock().unwrap().contains_key(&self.0.name(id)))
    }
}

/// The same shelf, for the suite.
#[derive(Debug)]
struct Shared(Arc<Shelf>);

#[async_trait]
impl BodyStore for Shared {
    async fn read(&self, id: &str) -> Result<Option<Body>> {
        self.0.read(id).await
    }

    async fn insert(&self, id: &str, body: &[u8], expires_at: Timestamp) -> Result<Option<Version>> {
        self.0.insert(id, body, expires_at).await
    }

    async fn replace(&self, id: &str, expected: Version, body: &[u8], until: Timestamp) -> Result<Replaced> {
        self.0.replace(id, expected, body, until).await
    }

    async fn touch(&self, id: &str, expires_at: Timestamp) -> Result<bool> {
        self.0.touch(id, expires_at).await
    }

    async fn end(&self, id: &str, expected: Option<Version>) -> Result<Ended> {
        self.0.end(id, expected).await
    }

    fn capabilities(&self) -> BodyCapabilities<'_> {
        self.0.capabilities()
    }
}

async fn suite_on(fault: Fault) -> Result<(), String> {
    let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000_123_456));
    let shelf = Arc::new(Shelf {
        clock: clock.clone(),
        fault,
        rows: Mutex::default(),
        marks: Mutex::default(),
        step: Mutex::default(),
    });
    bodies::all(&Harness::new(Shared(Arc::clone(&shelf)), clock, Other(shelf))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_store_of_bodies_passes() {
    suite_on(Fault::None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_breaks_its_sentence() {
    for (fault, sentence) in [
        (Fault::InsertOverwrites, "a_body_is_created_once"),
        (Fault::InsertIgnoresEnds, "where_a_session_has_ended_no_body_is_made"),
        (Fault::ReplaceIsBlind, "a_conflict_hands_back_what_is_there"),
        (Fault::ConflictHandsBackTheWrongBody, "a_conflict_hands_back_what_is_there"),
        (Fault::ReplaceCreates, "a_replacement_creates_nothing"),
        (Fault::RoundsDown, "an_expiry_is_rounded_as_the_layout_says"),
        (Fault::NeverExpires, "an_expired_body_makes_room_and_is_nothing_to_work_on"),
        (Fault::ExpiresASecondLate, "a_body_is_there_until_its_expiry_and_gone_a_second_later"),
        (Fault::TouchShortens, "a_touch_never_shortens"),
        (Fault::TouchDoesNothing, "a_touch_moves_the_expiry_and_leaves_the_body"),
        (Fault::EndIsBlind, "an_end_of_another_version_changes_nothing"),
        (Fault::EndLeavesTheBody, "an_end_hands_back_what_it_removed"),
        (
            Fault::EndLeavesNoMark,
            "what_is_written_back_after_an_end_is_not_a_body_and_is_removed_when_it_is_read",
        ),
        (
            Fault::MarksHideAndRemoveNothing,
            "what_is_written_back_after_an_end_is_not_a_body_and_is_removed_when_it_is_read",
        ),
        (Fault::MarksHideFromReadsOnly, "what_is_written_back_after_an_end_is_nothing_to_work_on"),
        (Fault::IdsAreCutOff, "ids_of_many_lengths_are_kept_whole_or_refused"),
        (Fault::IdsAreTrimmed, "ids_with_odd_characters_are_kept_apart_or_refused"),
        (Fault::LettersAreLower, "ids_with_odd_characters_are_kept_apart_or_refused"),
        (Fault::SweepsTheLiving, "a_sweep_removes_what_has_expired_and_nothing_else"),
        (Fault::SweepsNothing, "a_sweep_removes_what_has_expired_and_nothing_else"),
        (Fault::PagesOverlook, "the_ids_of_all_bodies_are_listed_page_by_page"),
    ] {
        let broken = suite_on(fault).await.unwrap_err();
        assert!(broken.lines().any(|line| line.starts_with(sentence)), "{fault:?}:\n{broken}");
    }
}
