//! The document shows the code that is tested.

use std::fs;

const DOCUMENT: &str = include_str!("../../../docs/cookbook.md");

/// The line that ends what is shown of a file.
const END: &str = "\n// The test:\n";

/// Returns what the document shows of each program.
fn shown() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cookbook");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut shown = Vec::new();
    for path in files {
        let source = fs::read_to_string(&path).unwrap();
        let Some((program, _)) = source.split_once(END) else { continue };
        let (_about, program) = program.split_once("\n\n").unwrap();
        shown.push((path.file_stem().unwrap().to_string_lossy().into_owned(), program.trim_end().to_owned()));
    }
    shown
}

/// Returns the blocks of Rust in the document.
fn blocks() -> Vec<&'static str> {
    let blocks = DOCUMENT.split("\n```rust\n").skip(1);
    blocks.map(|block| block.split("\n```\n").next().unwrap_or(block)).collect()
}

#[test]
fn the_document_shows_every_program_as_it_is_tested() {
    let blocks = blocks();
    for (name, program) in shown() {
        assert!(blocks.contains(&program.as_str()), "docs/cookbook.md has to show {name}.rs:\n\n{program}\n");
    }
}

#[test]
fn every_program_that_the_document_shows_is_tested() {
    let shown = shown();
    for block in blocks() {
        assert!(shown.iter().any(|(_, program)| program == block), "no file has this:\n\n{block}\n");
    }
    assert!(shown.len() > 15);
}
