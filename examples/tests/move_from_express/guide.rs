//! `docs/moving-from-express.md` quotes the example as it is.

use std::collections::BTreeSet;

use crate::{Example, STAGES, text};

const GUIDE: &str = include_str!("../../../docs/moving-from-express.md");
const EXPRESS: &str = include_str!("../../src/bin/move-from-express/express.js");
const RUST: &str =
    concat!(include_str!("../../src/bin/move-from-express/rust_app.rs"), include_str!("own_store.rs"));
/// What moves the sessions to a store of another format; the tests of the command run it.
const MIGRATE: &str = "cloakroom migrate ";

/// The lines of all code blocks in a language.
fn quoted(language: &str) -> Vec<&'static str> {
    let fence = format!("\n```{language}\n");
    let blocks = GUIDE.split(&*fence).skip(1);
    blocks.flat_map(|block| block.split("\n```").next().unwrap_or_default().lines()).collect()
}

#[test]
fn every_line_of_code_in_the_guide_is_one_of_the_example() {
    for (language, source) in [("js", EXPRESS), ("rust", RUST)] {
        let lines: BTreeSet<_> = source.lines().map(str::trim).collect();
        let quoted = quoted(language);
        assert!(quoted.len() > 4, "{language}");
        for line in quoted {
            assert!(lines.contains(line.trim()), "{language}: {line}");
        }
    }
}

#[test]
fn every_command_of_the_guide_starts_what_the_tests_walk_through() {
    let mut stages = BTreeSet::from(["/account"]);
    let commands = quoted("console").into_iter().filter_map(|line| line.strip_prefix("$ "));
    for line in commands.filter(|line| !line.starts_with(MIGRATE)) {
        let options = line.strip_prefix("cargo run -p cloakroom-examples --bin move-from-express");
        let options = options.unwrap_or_else(|| panic!("another command: {line}"));
        stages.extend(options.strip_prefix(" -- --rust "));
    }
    assert_eq!(stages, BTreeSet::from(STAGES));
}

#[test]
fn the_example_says_what_the_guide_says_that_it_says() -> crate::Result {
    let printed: Vec<_> = quoted("console").into_iter().filter(|line| !line.starts_with("$ ")).collect();
    let folder = tempfile::tempdir()?;
    let example = Example::start(text(folder.path())?, "/account")?;
    let own = |line: &String| line.replace(&example.address, "127.0.0.1:3000");
    let lines: Vec<_> = example.lines.iter().map(own).collect();
    assert_eq!(lines, printed);
    Ok(())
}
