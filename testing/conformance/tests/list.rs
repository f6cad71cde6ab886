//! The list of cases says what the cases say.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cloakroom_conformance::{Case, cases};

/// Every case in the source: its name and its doc comment.
fn in_the_source() -> BTreeSet<(String, String)> {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cases"), &mut files);
    files.iter().flat_map(|file| cases_in(&fs::read_to_string(file).unwrap())).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

fn cases_in(source: &str) -> Vec<(String, String)> {
    let (mut found, mut sentence) = (Vec::new(), Vec::new());
    for line in source.lines() {
        if let Some(words) = line.strip_prefix("/// ") {
            sentence.push(words);
            continue;
        }
        let name = line
            .strip_prefix("pub(crate) async fn ")
            .and_then(|rest| rest.split_once("(t: &Trial<'_>) -> Outcome {"));
        if let Some((name, _)) = name {
            found.push((name.to_owned(), sentence.join(" ")));
        }
        sentence.clear();
    }
    found
}

#[test]
fn every_case_is_in_the_list_with_its_sentence() {
    let listed = cases().iter().map(|case| (case.name().to_owned(), case.sentence().to_owned()));
    assert_eq!(listed.collect::<BTreeSet<_>>(), in_the_source());
}

#[test]
fn no_name_and_no_sentence_is_there_twice() {
    let names = cases().iter().map(Case::name).collect::<BTreeSet<_>>();
    let sentences = cases().iter().map(Case::sentence).collect::<BTreeSet<_>>();
    assert_eq!((names.len(), sentences.len()), (cases().len(), cases().len()));
}

#[test]
fn a_sentence_is_a_sentence() {
    for case in cases() {
        let first = case.sentence().chars().next().unwrap();
        let begins = first.is_uppercase() || case.sentence().starts_with('`');
        assert!(begins && case.sentence().ends_with('.'), "{}", case.sentence());
    }
}
