//! Every row that a document promises has a test named after it, and every such test is of a row that is promised.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    path::Path,
};

use crate::behaviours;
use crate::shell::{Result, root};

/// A document with a table of rows, and what the names of their tests begin with.
struct Promise {
    document: &'static str,
    /// How the test of a row begins, if the row's name is not that already.
    prefix: &'static str,
}

const PROMISES: [Promise; 3] = [
    Promise { document: "SECURITY.md", prefix: "r" },
    Promise { document: "docs/mistakes.md", prefix: "never_" },
    Promise { document: "docs/parity.md", prefix: "" },
];

pub(crate) fn run() -> Result {
    let mut promised = BTreeMap::new();
    for Promise { document, prefix } in PROMISES {
        let text =
            fs::read_to_string(root().join(document)).map_err(|error| format!("{document}: {error}"))?;
        let rows: Vec<_> = rows(&text).collect();
        if rows.is_empty() {
            return Err(format!("{document} has no table of rows").into());
        }
        promised.extend(rows.into_iter().map(|row| (beginning(prefix, &row), document)));
    }
    let mut tests = BTreeSet::new();
    look_for_tests(root(), &mut tests)?;
    report(&promised, &by_row(&tests))?;
    behaviours::check(&tests)
}

/// Returns the tests by the rows that their names begin with.
fn by_row(tests: &BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut tested: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for test in tests {
        if let Some(row) = row_of(test) {
            tested.entry(row).or_default().insert(test.clone());
        }
    }
    tested
}

/// Returns what the tests of a row begin with: `r07`, `never_12`, `a4`.
fn beginning(prefix: &str, row: &str) -> String {
    if prefix.is_empty() { row.to_owned() } else { format!("{prefix}{row:0>2}") }
}

fn report(promised: &BTreeMap<String, &str>, tested: &BTreeMap<String, BTreeSet<String>>) -> Result {
    let lost = promised.iter().filter(|(row, _)| !tested.contains_key(*row));
    let lost = lost.map(|(row, document)| format!("{document}: no test's name begins with `{row}_`"));
    let stray = tested.iter().filter(|(row, _)| !promised.contains_key(*row)).flat_map(|(_, tests)| tests);
    let stray = stray.map(|test| format!("{test}: no document has this row"));
    let wrong: Vec<_> = lost.chain(stray).collect();
    if wrong.is_empty() {
        let tests: usize = tested.values().map(BTreeSet::len).sum();
        println!("{} rows are held by {tests} tests", promised.len());
        return Ok(());
    }
    Err(format!("promised and tested differ:\n    {}", wrong.join("\n    ")).into())
}

/// Returns the rows of a document's tables, from their first cells: `7`, `6, 7`, `16–20`, `a4`.
fn rows(document: &str) -> impl Iterator<Item = String> {
    let cells = document.lines().filter_map(|line| line.strip_prefix("| ")?.split('|').next());
    cells.flat_map(|cell| cell.split(',')).flat_map(|part| numbers(part.trim()))
}

fn numbers(part: &str) -> Vec<String> {
    if let Some((first, last)) = part.split_once('–')
        && let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>())
    {
        return (first..=last).map(|number| number.to_string()).collect();
    }
    let digits = part.strip_prefix(['a', 'b', 'c']).unwrap_or(part);
    let is_row = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_row.then(|| part.to_owned()).into_iter().collect()
}

/// Notes the tests of a folder.
fn look_for_tests(folder: &Path, found: &mut BTreeSet<String>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            look_for_tests(&path, found)?;
        } else if path.extension() == Some(OsStr::new("rs")) {
            found.extend(tests(&fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// How lists of functions begin that a macro makes tests of.
const MACROS: [&str; 2] = ["races! {", "on_both_adapters! {"];

/// Returns the tests that run: marked as such and not ignored, or named in a list for a macro.
fn tests(source: &str) -> Vec<String> {
    let (mut tests, mut is_test, mut in_races) = (Vec::new(), false, false);
    for line in source.lines().map(str::trim) {
        if in_races {
            tests.extend(line.split(',').map(str::trim).filter(|name| is_name(name)).map(str::to_owned));
            in_races = !line.starts_with('}');
        } else if MACROS.contains(&line) {
            in_races = true;
        } else if ["#[test]", "#[tokio::test", "#[actix_web::test"].iter().any(|it| line.starts_with(it)) {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            is_test = false;
        } else if let Some((before, after)) = line.split_once("fn ")
            && matches!(before, "" | "async ")
        {
            let name = after.split('(').next().unwrap_or_default();
            tests.extend((is_test && is_name(name)).then(|| name.to_owned()));
            is_test = false;
        }
    }
    tests
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Returns the row that a test's name begins with: `r07` of `r07_absolute_timeout`.
fn row_of(test: &str) -> Option<String> {
    let (mistake, rest) = test.strip_prefix("never_").map_or(("", test), |rest| ("never_", rest));
    let (row, _) = rest.split_once('_')?;
    let digits = if mistake.is_empty() { row.strip_prefix(['a', 'b', 'c', 'r'])? } else { row };
    let is_row = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_row.then(|| format!("{mistake}{row}"))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{beginning, report, row_of, rows, tests};

    #[test]
    fn rows_are_read_one_by_one_in_lists_and_in_ranges() {
        let document =
            "text | 9\n| # | promise |\n|---|---|\n| 1 | a |\n| 6, 7 | b |\n| 16–18 | c |\n| a4 | d |";
        assert_eq!(rows(document).collect::<Vec<_>>(), ["1", "6", "7", "16", "17", "18", "a4"]);
    }

    #[test]
    fn the_test_of_a_row_begins_with_its_number() {
        for (prefix, row, test) in [
            ("r", "7", "r07_absolute_timeout"),
            ("never_", "12", "never_12_a_bare_name_is_read"),
            ("", "a4", "a4_push"),
        ] {
            assert_eq!(row_of(test), Some(beginning(prefix, row)));
        }
    }

    #[test]
    fn other_names_are_of_no_row() {
        for test in ["never_fits", "a_counter_counts", "s3_log_out", "r_1", "c", "run_1_time"] {
            assert_eq!(row_of(test), None, "{test}");
        }
    }

    #[test]
    fn only_what_runs_is_a_test() {
        let source = "
            races! {
                name1_on_every_store,
            }
            async fn name1_on_every_store(kind: Kind) {}
            #[test]
            fn name2_marked() {}
            #[tokio::test(flavor = \"multi_thread\")]
            #[expect(clippy::unwrap_used)]
            async fn name3_marked() {}
            #[test]
            #[ignore = \"slow\"]
            fn name4_ignored() {}
            fn name5_helper() {}";
        assert_eq!(tests(source), ["name1_on_every_store", "name2_marked", "name3_marked"]);
    }

    #[test]
    fn a_row_without_a_test_and_a_test_without_a_row_are_reported() {
        let promised = |row: &str| BTreeMap::from([(row.to_owned(), "SECURITY.md")]);
        let tested = BTreeMap::from([("r01".to_owned(), BTreeSet::from(["r01_so_it_is".to_owned()]))]);
        assert!(report(&promised("r01"), &tested).is_ok());
        let error = report(&promised("r02"), &tested).unwrap_err().to_string();
        assert!(error.contains("`r02_`") && error.contains("r01_so_it_is"), "{error}");
    }
}
