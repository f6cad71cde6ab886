//! Replay: changes carried out again on another base are the changes made on that base in the first place.

use cloakroom_store::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::record::{Header, Payload};
use crate::state::change::Target;
use crate::state::share_updater;

/// A change as it can be made any number of times.
#[derive(Clone, Debug)]
enum Recipe {
    Set(&'static str, i64),
    SetList(&'static str, i64),
    Flash(&'static str, i64),
    Remove(&'static str),
    Increment(&'static str, i64),
    Push(&'static str, i64),
    Grow(&'static str, i64),
    Clear,
}

fn json(number: i64) -> Bytes {
    Bytes::from(number.to_string())
}

impl Recipe {
    fn make(&self) -> Change {
        let at = |path: &str, op| Change::at(Target::path(path), op);
        match self.clone() {
            Self::Set(path, value) => at(path, Op::Set(json(value))),
            Self::SetList(path, value) => at(path, Op::Set(Bytes::from(format!("[{value}]")))),
            Self::Flash(path, value) => Change::at(Target::key(path), Op::Flash(json(value))),
            Self::Remove(path) => at(path, Op::remove()),
            Self::Increment(path, by) => at(path, Op::Increment(by)),
            Self::Push(path, item) => at(path, Op::Push(json(item))),
            Self::Grow(path, by) => at(path, Op::Update(grower(by))),
            Self::Clear => Change::Clear,
        }
    }
}

/// An update that does not commute with itself.
fn grower(by: i64) -> Updater {
    share_updater(move |old: Option<&[u8]>| {
        let old: i64 = old.and_then(|old| serde_json::from_slice(old).ok()).unwrap_or(1);
        Ok(json((old.wrapping_mul(3).wrapping_add(by)) % 1_000_003))
    })
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let path = || proptest::sample::select(vec!["a", "b", "c", "a.x", "a.x.y", "b.0"]);
    let number = || 0..1_000i64;
    prop_oneof![
        3 => (path(), number()).prop_map(|(path, value)| Recipe::Set(path, value)),
        2 => (path(), number()).prop_map(|(path, value)| Recipe::SetList(path, value)),
        2 => (proptest::sample::select(vec!["a", "b", "c"]), number())
            .prop_map(|(key, value)| Recipe::Flash(key, value)),
        2 => path().prop_map(Recipe::Remove),
        3 => (path(), number()).prop_map(|(path, by)| Recipe::Increment(path, by)),
        3 => (path(), number()).prop_map(|(path, item)| Recipe::Push(path, item)),
        2 => (path(), number()).prop_map(|(path, by)| Recipe::Grow(path, by)),
        1 => Just(Recipe::Clear),
    ]
}

/// Makes each change that can be made, and says which those were.
fn apply(draft: &mut WorkingCopy, recipes: &[Recipe]) -> Vec<Recipe> {
    let applies = |recipe: &&Recipe| draft.apply(recipe.make()).is_ok();
    recipes.iter().filter(applies).cloned().collect()
}

fn header(number: u64) -> Header {
    let mut header = Header::new(Timestamp::from_millis(1), [1; 16], [2; 16]);
    header.set_number(number);
    header
}

/// What a commit of the working copy leaves in the store.
fn commit(draft: &WorkingCopy, number: u64) -> Frames {
    let Ok(Payload::Session(_, frames)) = Payload::decode(&draft.encode(&header(number))) else { panic!() };
    frames
}

fn stored(recipes: &[Recipe]) -> Frames {
    let mut draft = WorkingCopy::default();
    apply(&mut draft, recipes);
    commit(&draft, 1)
}

fn recipes() -> impl Strategy<Value = Vec<Recipe>> {
    vec(recipe(), 0..8)
}

/// Changes that do the same whatever was there when they were made. Removals and indexes of lists mean what they saw.
fn blind_recipes() -> impl Strategy<Value = Vec<Recipe>> {
    let is_blind = |recipe: &Recipe| match recipe {
        Recipe::Remove(_) => false,
        Recipe::Set(path, _)
        | Recipe::SetList(path, _)
        | Recipe::Increment(path, _)
        | Recipe::Push(path, _)
        | Recipe::Grow(path, _) => *path != "b.0",
        Recipe::Flash(..) | Recipe::Clear => true,
    };
    vec(recipe().prop_filter("not blind", is_blind), 0..8)
}

/// A list of a few small numbers, so that items are often equal.
fn list() -> impl Strategy<Value = Vec<u8>> {
    vec(0..3_u8, 0..5)
}

fn text(list: &[u8]) -> Bytes {
    serde_json::to_vec(list).unwrap().into()
}

/// The values of a request to a session that holds `list`.
fn holding(list: &[u8]) -> WorkingCopy {
    let mut first = WorkingCopy::default();
    first.apply(Change::at(Target::key("list"), Op::Set(text(list)))).unwrap();
    WorkingCopy::loaded(commit(&first, 1), 1)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replaying_on_another_base_is_making_the_changes_there(
        mine in recipes(),
        theirs in recipes(),
        changes in blind_recipes(),
    ) {
        let (mine, theirs) = (stored(&mine), stored(&theirs));
        let mut replayed = WorkingCopy::loaded(mine, 0);
        let changes = apply(&mut replayed, &changes);
        let replay = replayed.rebase(theirs.clone());
        let mut direct = WorkingCopy::loaded(theirs, 0);
        let applied = apply(&mut direct, &changes);
        prop_assert_eq!(replay.is_ok(), applied.len() == changes.len());
        if replay.is_ok() {
            prop_assert_eq!(replayed.entries(), direct.entries());
            let (replayed, direct) = (commit(&replayed, 2), commit(&direct, 2));
            prop_assert_eq!(replayed.bytes(), direct.bytes());
        }
    }

    #[test]
    fn replaying_on_the_same_base_changes_nothing(base in recipes(), changes in recipes()) {
        let base = stored(&base);
        let mut replayed = WorkingCopy::loaded(base.clone(), 0);
        apply(&mut replayed, &changes);
        let before = commit(&replayed, 2);
        for _ in 0..2 {
            replayed.rebase(base.clone()).unwrap();
            let after = commit(&replayed, 2);
            prop_assert_eq!(after.bytes(), before.bytes());
        }
    }

    #[test]
    fn f02_a_removal_removes_what_it_saw(seen in list(), there in list()) {
        let mut mine = holding(&seen);
        mine.apply(Change::at(Target::key("list"), Op::remove())).unwrap();
        let other = commit(&holding(&there), 1);
        mine.rebase(other).unwrap();
        let left = match there.strip_prefix(&seen[..]) {
            Some([]) => None,
            Some(pushed) => Some(text(pushed)),
            None => Some(text(&there)),
        };
        prop_assert_eq!(mine.get("list"), left);
    }

    #[test]
    fn f02_a_removal_by_index_finds_its_item(seen in list(), there in list(), index in 0..5_usize) {
        prop_assume!(index < seen.len());
        let mut mine = holding(&seen);
        mine.apply(Change::at(Target::path(&format!("list.{index}")), Op::remove())).unwrap();
        let other = commit(&holding(&there), 1);
        mine.rebase(other).unwrap();
        let equal = (0..there.len()).filter(|place| there[*place] == seen[index]);
        let mut left = there.clone();
        if let Some(nearest) = equal.min_by_key(|place| place.abs_diff(index)) {
            left.remove(nearest);
        }
        prop_assert_eq!(mine.get("list"), Some(text(&left)));
    }

    #[test]
    fn what_a_working_copy_shows_is_what_the_next_request_reads(base in recipes(), changes in recipes()) {
        let mut draft = WorkingCopy::loaded(stored(&base), 0);
        apply(&mut draft, &changes);
        let next = WorkingCopy::loaded(commit(&draft, 2), 2);
        let sorted = |draft: &WorkingCopy| {
            let mut entries = draft.entries();
            entries.sort();
            entries
        };
        prop_assert_eq!(sorted(&next), sorted(&draft));
        for (key, value) in draft.entries() {
            prop_assert_eq!(next.get(&key), Some(value));
        }
    }

    #[test]
    fn a_commit_in_the_middle_changes_nothing(base in recipes(), first in recipes(), second in recipes()) {
        let mut at_once = WorkingCopy::loaded(stored(&base), 0);
        apply(&mut at_once, &first);
        apply(&mut at_once, &second);
        let mut in_two = WorkingCopy::loaded(stored(&base), 0);
        apply(&mut in_two, &first);
        let (sent, frames) = (in_two.len(), commit(&in_two, 2));
        apply(&mut in_two, &second);
        in_two.committed(frames, sent).unwrap();
        let sorted = |draft: &WorkingCopy| {
            let mut entries: Vec<_> = draft.entries().into_iter().collect();
            entries.sort();
            entries
        };
        prop_assert_eq!(sorted(&in_two), sorted(&at_once));
    }

    #[test]
    fn discarding_leaves_what_was_stored(base in recipes(), changes in recipes()) {
        let mut draft = WorkingCopy::loaded(stored(&base), 0);
        let before = draft.entries();
        apply(&mut draft, &changes);
        drop(draft.discard());
        prop_assert_eq!(draft.entries(), before);
        prop_assert!(!draft.is_changed());
    }
}
