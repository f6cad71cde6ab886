//! Every behaviour of the Node packages has a row that says how it is here, and the tests and counts that it names are there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::shell::{Result, root};

const DOCUMENT: &str = "docs/node-behaviours.md";

/// The packages: what their rows begin with, and how many rows there are.
const PACKAGES: [(&str, &str, u32); 4] = [
    ("express-session", "e", 160),
    ("koa-generic-session", "k", 64),
    ("node-session", "n", 83),
    ("@socialtables/session", "st", 12),
];

/// How a behaviour is here.
#[derive(Debug, PartialEq, Eq)]
enum Here<'a> {
    /// These tests show it.
    Shown(Vec<&'a str>),
    /// It cannot be in Rust.
    NotApplicable,
    NotYet,
}

pub(crate) fn check(tests: &BTreeSet<String>) -> Result {
    let text = fs::read_to_string(root().join(DOCUMENT)).map_err(|error| format!("{DOCUMENT}: {error}"))?;
    let wrong = mistakes(&text, tests);
    if wrong.is_empty() {
        println!("{DOCUMENT} is true");
        return Ok(());
    }
    Err(format!("{DOCUMENT} is not true:\n    {}", wrong.join("\n    ")).into())
}

fn mistakes(document: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let (rows, mut wrong) = table(document);
    for (row, here) in &rows {
        if let Some(Here::Shown(names)) = here {
            let lost = names.iter().filter(|name| !tests.contains(**name));
            wrong.extend(lost.map(|name| format!("{row}: there is no test `{name}`")));
        } else if here.is_none() {
            wrong.push(format!("{row}: the row names no test, and says neither `n/a: ` nor `not yet: `"));
        }
    }
    for test in tests {
        let Some((row, _)) = test.split_once('_').filter(|(row, _)| number(row).is_some()) else { continue };
        if !matches!(rows.get(row), Some(Some(Here::Shown(names))) if names.contains(&test.as_str())) {
            wrong.push(format!("{test}: row {row} does not name it"));
        }
    }
    for (package, letters, count) in PACKAGES {
        let missing = (1..=count).map(|number| name(letters, number)).filter(|row| !rows.contains_key(row));
        wrong.extend(missing.map(|row| format!("{row}: there is no such row")));
        let line = counts(package, letters, &rows);
        if !document.lines().any(|there| there == line) {
            wrong.push(format!("the counts of {package} are: {line}"));
        }
    }
    wrong
}

/// Reads the rows of the tables, and what is wrong with them.
fn table(document: &str) -> (BTreeMap<String, Option<Here<'_>>>, Vec<String>) {
    let (mut rows, mut wrong) = (BTreeMap::new(), Vec::new());
    for line in document.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [first, _, last] = cells[..] else { continue };
        for row in first.split(", ").flat_map(rows_of) {
            if rows.insert(row.clone(), here(last)).is_some() {
                wrong.push(format!("{row}: the row is there twice"));
            }
        }
    }
    (rows, wrong)
}

fn here(cell: &str) -> Option<Here<'_>> {
    if cell.starts_with("n/a: ") {
        return Some(Here::NotApplicable);
    }
    if cell.starts_with("not yet: ") {
        return Some(Here::NotYet);
    }
    // Between every other pair of backticks is a name.
    let names: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
    (!names.is_empty()).then_some(Here::Shown(names))
}

/// Returns the rows of a part of a first cell: `e001`, `e067–e077`.
fn rows_of(part: &str) -> Vec<String> {
    let (first, last) = part.split_once('–').unwrap_or((part, part));
    match (number(first), number(last)) {
        (Some((letters, first)), Some((other, last))) if letters == other => {
            (first..=last).map(|number| name(letters, number)).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the letters and the number of a row: of `k54`, not of `key`, `e2e` or `s3`.
fn number(row: &str) -> Option<(&'static str, u32)> {
    PACKAGES.iter().find_map(|(_, letters, _)| {
        let digits = row.strip_prefix(letters)?;
        let number = digits.parse().ok()?;
        (name(letters, number) == row).then_some((*letters, number))
    })
}

fn name(letters: &str, number: u32) -> String {
    if letters == "e" { format!("e{number:03}") } else { format!("{letters}{number}") }
}

fn counts(package: &str, letters: &str, rows: &BTreeMap<String, Option<Here<'_>>>) -> String {
    let of_package = || rows.iter().filter(|(row, _)| number(row).is_some_and(|(own, _)| own == letters));
    let count = |is_it: fn(&Here<'_>) -> bool| {
        of_package().filter(|(_, here)| here.as_ref().is_some_and(is_it)).count()
    };
    let shown = count(|here| matches!(here, Here::Shown(_)));
    let not_applicable = count(|here| *here == Here::NotApplicable);
    let not_yet = count(|here| *here == Here::NotYet);
    format!("| {package} | {} | {shown} | {not_applicable} | {not_yet} |", of_package().count())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Here, here, mistakes, number, rows_of};

    #[test]
    fn rows_are_read_one_by_one_and_in_ranges() {
        assert_eq!(rows_of("e009–e011"), ["e009", "e010", "e011"]);
        assert_eq!(rows_of("st4"), ["st4"]);
        assert!(rows_of("row").is_empty() && rows_of("e001–k2").is_empty());
    }

    #[test]
    fn other_names_are_of_no_row() {
        for name in ["e2e", "e1", "key", "s3", "st", "k01", "n", "node", "k8s"] {
            assert_eq!(number(name), None, "{name}");
        }
    }

    #[test]
    fn a_row_is_shown_or_says_why_not() {
        assert_eq!(here("`e001_one`, and `two`"), Some(Here::Shown(vec!["e001_one", "two"])));
        assert_eq!(here("n/a: no `unset`"), Some(Here::NotApplicable));
        assert_eq!(here("not yet: paths"), Some(Here::NotYet));
        assert_eq!(here("works"), None);
    }

    #[test]
    fn what_is_not_true_is_found() {
        let document = "| e001 | a | `e001_a` |\n| e002, e002 | b | n/a: c |\n| e003 | d | fine |";
        let tests = ["e002_b", "k1_c", "other"].map(str::to_owned);
        let found = mistakes(document, &BTreeSet::from(tests)).join("\n");
        for expected in [
            "e001: there is no test `e001_a`",
            "e002: the row is there twice",
            "e003: the row names no test",
            "e002_b: row e002 does not name it",
            "k1_c: row k1 does not name it",
            "e004: there is no such row",
            "the counts of express-session are: | express-session | 3 | 1 | 1 | 0 |",
        ] {
            assert!(found.contains(expected), "{expected}");
        }
    }
}
