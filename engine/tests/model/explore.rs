//! Goes through all orders of events of a case.

use std::collections::BTreeMap;

use crate::script::Case;
use crate::world::{Choices, World};

/// A way through the tree of choices: what was chosen at each fork, and among how many.
#[derive(Debug, Default)]
struct Way {
    forks: Vec<(usize, usize)>,
    at: usize,
}

impl Choices for Way {
    fn choose(&mut self, many: usize) -> usize {
        if self.at == self.forks.len() {
            self.forks.push((0, many));
        }
        let (chosen, of) = self.forks[self.at];
        assert_eq!(of, many, "a run is the same each time it is run");
        self.at += 1;
        chosen
    }
}

impl Way {
    /// Advances to the next way that was not tried yet; `false` if all were.
    fn advance(&mut self) -> bool {
        self.at = 0;
        while let Some((chosen, of)) = self.forks.pop() {
            if chosen + 1 < of {
                self.forks.push((chosen + 1, of));
                return true;
            }
        }
        false
    }
}

/// Makes a runtime whose time passes only when all tasks wait for it.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be made")
}

/// Goes on where a tree is too large: one way after the other, by chance.
#[derive(Debug)]
struct Stroll(u64);

impl Choices for Stroll {
    fn choose(&mut self, many: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % many
    }
}

/// The results of many runs.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    runs: usize,
    /// The first course of events for each kind of broken promise.
    broken: BTreeMap<String, String>,
}

impl Findings {
    fn add(&mut self, outcome: Result<(), String>) {
        self.runs += 1;
        if let Err(story) = outcome {
            let first = story.trim_start().lines().next().unwrap_or_default();
            let kind: String = first.chars().filter(|letter| !letter.is_ascii_digit()).take(40).collect();
            self.broken.entry(kind).or_insert(story);
        }
    }

    /// Runs `case` in every order, or if there are more than `limit`, in that many and as many random ones.
    pub(crate) fn in_all_orders(&mut self, case: &Case, limit: usize) {
        self.in_all_orders_and(case, limit, async |_| Ok(()));
    }

    /// The same; in the end, `check` looks at the world too.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the closure in place")]
    pub(crate) fn in_all_orders_and(
        &mut self,
        case: &Case,
        limit: usize,
        check: impl AsyncFn(&mut World) -> Result<(), String>,
    ) {
        let runtime = runtime();
        let run = async |choices: &mut dyn Choices| {
            let mut world = World::run(case, choices).await?;
            let checked = check(&mut world).await;
            checked.map_err(|what| format!("{what}\n{case}\n{}", world.story()))
        };
        let mut way = Way::default();
        for _ in 0..limit {
            self.add(runtime.block_on(run(&mut way)));
            if !way.advance() {
                return;
            }
        }
        for seed in 0..limit as u64 {
            self.add(runtime.block_on(run(&mut Stroll(seed))));
        }
    }

    /// Says how many runs there were.
    ///
    /// # Panics
    /// If any of them broke a promise, with one course of events for each kind.
    pub(crate) fn expect_none(self) -> usize {
        let count = self.broken.len();
        let stories: Vec<String> = self.broken.into_values().collect();
        assert!(
            count == 0,
            "{count} kinds of broken promises in {} runs:\n{}",
            self.runs,
            stories.join("\n----\n")
        );
        self.runs
    }
}
