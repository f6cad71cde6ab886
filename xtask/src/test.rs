//! All tests, from the unit tests to the browser, on a machine that has only Rust and apt.

use std::{env, num::NonZero, thread};

use cloakroom_services::Service;

use crate::{
    node, services,
    setup::{Tool, ensure},
    shell::{Result, cargo, in_memory, root, run as execute, run_and_see, step},
};

const BROWSER: [Tool; 2] = [
    Tool { program: "chromium", package: "chromium" },
    Tool { program: "chromedriver", package: "chromium-driver" },
];

/// Everything but the browser tests, whose client switches on features of shared dependencies: a crate that
/// leans on those by mistake must not pass. Both steps that use it choose the same features, so nothing is built twice.
const CRATES: &str = "--workspace --exclude cloakroom-browser-tests --all-features";

pub(crate) fn run() -> Result {
    step("browser and driver", || ensure(&BROWSER))?;
    step("packages of the Node applications", node::run)?;
    step("binaries and examples", || execute(&mut cargo(&format!("build {CRATES} --bins --examples"))))?;
    step("tests of the crates and of their documentation, with real servers", || {
        services::with(&Service::here(), |variables| {
            let variables = variables.iter().map(|(name, value)| (name, value));
            let mut command = cargo(&format!("test {CRATES} --no-fail-fast"));
            command.env("RUST_TEST_THREADS", threads());
            execute(in_memory(command.envs(variables)))
        })
    })?;
    step("stores in memory under shuttle, which tries many schedules", shuttle)?;
    step("playground in a browser", || execute(&mut cargo("test --package cloakroom-browser-tests")))
}

/// Returns how many tests run at once: most of them wait for a server most of the time.
fn threads() -> String {
    env::var("RUST_TEST_THREADS")
        .unwrap_or_else(|_| (2 * thread::available_parallelism().map_or(1, NonZero::get)).to_string())
}

/// `cfg(shuttle)` swaps the synchronisation of everything that knows it, so it is built in a folder of its own.
fn shuttle() -> Result {
    let mut command = cargo("test --package cloakroom-memory --package cloakroom-cached --lib");
    command.arg("--target-dir").arg(root().join("target/shuttle")).arg("shuttle");
    command.env("RUSTFLAGS", format!("{} --cfg shuttle", env::var("RUSTFLAGS").unwrap_or_default()).trim());
    let mut ran = 0;
    run_and_see(&mut command, |line| ran += passed(line).unwrap_or(0))?;
    if ran == 0 {
        Err("no test ran: is there still one whose name has `shuttle` in it?".into())
    } else {
        Ok(())
    }
}

/// How many tests passed, if this line is a summary of the test harness.
fn passed(line: &str) -> Option<usize> {
    let summary = line.strip_prefix("test result: ok. ")?;
    summary.split_once(" passed")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::passed;

    #[test]
    fn the_tests_that_passed_are_counted() {
        let summary =
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.00s";
        assert_eq!(passed(summary), Some(12));
    }

    #[test]
    fn only_summaries_are_counted() {
        assert_eq!(passed("test shuttle::two_creates_have_one_winner ... ok"), None);
        assert_eq!(passed("running 12 tests"), None);
    }
}
