//! Cases drawn by chance: three requests, longer handlers, several faults.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
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
        1 => Just(SaveBehind),
        1 => Just(Exists),
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

/// A cookie of another path, in every fourth case: whose session it is, and whether it comes first.
fn beside() -> impl Strategy<Value = (Vec<Script>, bool)> {
    let script =
        prop_oneof![Just(vec![Increment]), Just(vec![LogIn("alice")]), Just(vec![LogIn("bob"), Push])];
    let some = (script, any::<bool>()).prop_map(|(script, is_first)| (vec![script], is_first));
    prop_oneof![3 => Just((vec![], false)), 1 => some]
}

/// How wrong the machines' clocks are, in every fourth case.
fn skews() -> impl Strategy<Value = Vec<i64>> {
    let ahead = select(vec![-3_600, -181, -1, 0, 1, 30, 181, 3_600]);
    prop_oneof![3 => Just(vec![]), 1 => vec(ahead, 3)]
}

/// Any case whose operations all go well.
fn fair_weather() -> impl Strategy<Value = Case> {
    let requests = vec(script(5), 1..=3);
    (rules(), vec(script(5), 0..3), requests, leaps(), any::<bool>(), beside(), skews()).prop_map(
        |(rules, before, requests, leaps, sent_one_by_one, (beside, beside_is_first), skews)| Case {
            rules: Rules { skewed: !skews.is_empty(), ..rules },
            before,
            requests,
            leaps,
            sent_one_by_one,
            beside,
            beside_is_first,
            skews,
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
    // The same cases every time, so that no build fails by chance; a run that asks for more gets other ones.
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

/// Found by the run over ten million interleavings, after 273,871.
#[test]
fn an_id_that_a_save_tried_in_vain_is_not_tried_again_by_what_was_decided_meanwhile() {
    const CHOICES: [u8; 10] = [77, 118, 126, 181, 39, 127, 89, 83, 239, 233];
    let rules = Rules { renew_every: Some(60), short_lives: true, memory_store: true, ..Rules::default() };
    let case = Case {
        rules,
        before: vec![vec![Save, Increment]],
        requests: vec![
            vec![Remove("u"), Insert("b"), Reload],
            vec![SaveBehind, Pause, RenewId, Flash, Flash],
        ],
        faults: 3,
        leaps: vec![1200, 240],
        sent_one_by_one: true,
        ..Case::default()
    };
    if let Err(story) = runtime().block_on(World::run(&case, &mut Drawn(CHOICES.iter()))) {
        panic!("{story}");
    }
}

/// Found by the run over ten million interleavings, after 305,843.
#[test]
fn logging_out_the_others_of_a_user_dates_no_session_of_another_user() {
    const CHOICES: [u8; 52] = [
        17, 181, 198, 36, 76, 158, 128, 173, 25, 166, 101, 183, 204, 67, 207, 173, 217, 211, 27, 13, 185,
        144, 194, 68, 164, 198, 211, 245, 213, 70, 6, 152, 118, 154, 126, 227, 168, 67, 216, 78, 32, 17, 19,
        216, 177, 21, 255, 24, 13, 135, 166, 169,
    ];
    let rules = Rules { short_lives: true, memory_store: true, skewed: true, ..Rules::default() };
    let case = Case {
        rules,
        before: vec![
            vec![LogIn("alice"), RevokeOthers, SaveBehind, Push],
            vec![ReadAll, LogIn("bob"), RevokeOthers, Discard, RenewId],
        ],
        requests: vec![
            vec![ReadAll, Flash, RenewId, Remove("n"), RevokeOthers],
            vec![Take("n"), Increment, Read("a"), ReadAll, Increment],
            vec![Reset],
        ],
        drops: 1,
        skews: vec![-181, 0, 30],
        ..Case::default()
    };
    if let Err(story) = runtime().block_on(World::run(&case, &mut Drawn(CHOICES.iter()))) {
        panic!("{story}");
    }
}

/// How many interleavings are asked for, and from which number on they are counted.
fn asked_for() -> Option<(u64, u64)> {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse().ok());
    Some((number("CLOAKROOM_INTERLEAVINGS")?, number("CLOAKROOM_FIRST_INTERLEAVING").unwrap_or(0)))
}

/// `CLOAKROOM_INTERLEAVINGS=10000000` runs so many, each drawn from its own number, and prints how many there were.
/// `CLOAKROOM_FIRST_INTERLEAVING` goes on where another run has stopped.
#[test]
fn as_many_interleavings_as_are_asked_for_never_break_a_promise() {
    const AT_A_TIME: u64 = 10_000;
    let (many, first) = asked_for().unwrap_or((500, 0));
    let (mut done, mut requests, mut faulty) = (0, 0, 0);
    let case = foul_weather();
    let runtime = runtime();
    while done < many {
        let seed = (first + done) / AT_A_TIME;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        for _ in 0..AT_A_TIME.min(many - done) {
            let drawn = (&case, vec(any::<u8>(), 0..60)).new_tree(&mut runner).expect("cases can be drawn");
            let (case, choices) = drawn.current();
            let mut drawn = Drawn(choices.iter());
            if let Err(story) = runtime.block_on(World::run(&case, &mut drawn)) {
                panic!("after {done} interleavings, in lot {seed}:\n{story}\nthe choices: {choices:?}");
            }
            done += 1;
            requests += case.before.len() + case.requests.len();
            faulty += u64::from(case.faults + case.drops > 0);
        }
        println!("{done} interleavings, {requests} requests, {faulty} with faults: no promise broken");
    }
}
