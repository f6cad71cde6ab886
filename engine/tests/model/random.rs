//! Cases drawn by chance: three requests, longer handlers, several faults.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::explore::runtime;
use crate::script::{Case, Rules, Script, Step, Step::*};
use crate::thoroughness;
use crate::world::{Choices, World};

/// What the scheduler does, as drawn; the first thing it can when it has run out.
#[derive(Debug)]
struct Drawn<'a>(std::slice::Iter<'a, u8>);

impl Choices for Drawn<'_> {
    fn choose(&mut self, many: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % many
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let key = || select(vec!["a", "b", "n", "l", "u", "f"]);
    let user = || select(vec!["alice", "bob"]);
    prop_oneof![
        3 => Just(ReadAll),
        1 => key().prop_map(Read),
        2 => select(vec!["a", "b"]).prop_map(Insert),
        2 => key().prop_map(Remove),
        1 => key().prop_map(Take),
        3 => Just(Increment),
        2 => Just(Push),
        2 => Just(Update),
        2 => Just(Flash),
        1 => Just(Clear),
        2 => Just(RenewId),
        2 => user().prop_map(LogIn),
        2 => Just(LogOut),
        1 => Just(Destroy),
        1 => Just(Reset),
        1 => Just(Discard),
        2 => Just(Save),
        1 => Just(Reload),
        1 => Just(Touch),
        1 => Just(Pause),
        1 => user().prop_map(RevokeAll),
        1 => Just(RevokeOthers),
    ]
}

pub(crate) fn script(most: usize) -> impl Strategy<Value = Script> {
    vec(any_step(), 0..=most)
}

fn rules() -> impl Strategy<Value = Rules> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(renews, short_lives, memory_store)| Rules {
        renew_every: renews.then_some(60),
        short_lives,
        cap: None,
        memory_store,
        skewed: false,
        wrong: None,
    })
}

fn leaps() -> impl Strategy<Value = Vec<u64>> {
    vec(select(vec![1, 11, 61, 4 * 60, 20 * 60, 31 * 60, 61 * 60]), 0..3)
}

/// Any case whose operations all go well.
fn fair_weather() -> impl Strategy<Value = Case> {
    let requests = vec(script(5), 1..=3);
    (rules(), vec(script(5), 0..3), requests, leaps(), any::<bool>()).prop_map(
        |(rules, before, requests, leaps, sent_one_by_one)| Case {
            rules,
            before,
            requests,
            leaps,
            sent_one_by_one,
            ..Case::default()
        },
    )
}

pub(crate) fn foul_weather() -> impl Strategy<Value = Case> {
    (fair_weather(), 0..4usize, 0..2usize).prop_map(|(case, faults, drops)| Case { faults, drops, ..case })
}

/// Tries `cases` cases; what fails is made small, and told as a story.
fn try_many(cases: u32, case: impl Strategy<Value = Case>) {
    if let Err(story) = tried(cases * thoroughness(), case, Config::default().max_shrink_iters) {
        panic!("{story}");
    }
}

/// The same; the story is handed back.
pub(crate) fn tried(
    cases: u32,
    case: impl Strategy<Value = Case>,
    max_shrink_iters: u32,
) -> Result<(), String> {
    let config = Config { cases, max_shrink_iters, failure_persistence: None, ..Config::default() };
    // The same cases every time, so that no build fails by chance; whoever asks for more gets other ones.
    let mut runner = match thoroughness() {
        1 => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        _ => TestRunner::new(config),
    };
    let drawn = (case, vec(any::<u8>(), 0..60));
    let runtime = runtime();
    let tried = runner.run(&drawn, |(case, choices)| {
        let mut drawn = Drawn(choices.iter());
        runtime.block_on(World::run(&case, &mut drawn)).map(drop).map_err(TestCaseError::fail)
    });
    match tried {
        Err(TestError::Fail(story, (_, choices))) => Err(format!("{story}\nthe choices: {choices:?}")),
        Err(TestError::Abort(reason)) => Err(reason.to_string()),
        Ok(()) => Ok(()),
    }
}

#[test]
fn three_requests_never_break_a_promise_in_fair_weather() {
    try_many(1_500, fair_weather());
}

#[test]
fn three_requests_never_break_a_promise_in_foul_weather() {
    try_many(2_500, foul_weather());
}
