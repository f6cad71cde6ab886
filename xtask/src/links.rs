//! Every link from one document to a file of this repository, and to a heading in it, leads somewhere.
//!
//! Links that begin with the repository's address are looked up here too. Other addresses are not asked.

mod book;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::shell::{Result, root};

/// What a link to the main branch begins with: in documents that are also read where the other files are not, on
/// docs.rs and crates.io.
const REPOSITORY: [&str; 2] = [
    "https://github.com/cloakroom-rs/cloakroom/blob/main/",
    "https://github.com/cloakroom-rs/cloakroom/tree/main/",
];

pub(crate) fn run() -> Result {
    let mut documents = BTreeMap::new();
    look(root(), &mut documents)?;
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (path, text) in &documents {
        for (line, target) in links(path, text) {
            count += 1;
            let broken = is_broken(path, &target, &documents);
            wrong.extend(broken.then(|| format!("{}:{line}: {target}", path.display())));
        }
    }
    wrong.extend(book::faults(&documents));
    if wrong.is_empty() {
        println!("{count} links lead to files and headings that exist");
        return Ok(());
    }
    Err(format!("links that lead nowhere:\n    {}", wrong.join("\n    ")).into())
}

/// Reads the documents and the Rust sources of a folder, by their paths from the root. A symbolic link is another name
/// of a file that is read at its own place.
fn look(folder: &Path, documents: &mut BTreeMap<PathBuf, String>) -> Result {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let is_left_out =
            name == "target" || name == "node_modules" || name.as_encoded_bytes().starts_with(b".");
        if is_left_out || entry.file_type()?.is_symlink() {
            continue;
        }
        if path.is_dir() {
            look(&path, documents)?;
        } else if matches!(path.extension().and_then(OsStr::to_str), Some("md" | "rs")) {
            let shown = path.strip_prefix(root()).unwrap_or(&path).to_owned();
            documents.insert(shown, fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// Returns the links of a document that lead to this repository, by lines. Of a Rust source, only those to its address
/// are read: `rustdoc` looks at the others.
fn links(path: &Path, text: &str) -> Vec<(usize, String)> {
    let is_source = path.extension() == Some(OsStr::new("rs"));
    let mut found = Vec::new();
    let (mut in_code, mut line) = (false, 0);
    for text in text.lines() {
        line += 1;
        let is_fence = text.trim_start().starts_with("```");
        in_code ^= is_fence && !is_source;
        if in_code || is_fence {
            continue;
        }
        let text: String = text.split('`').step_by(2).collect::<Vec<_>>().join("code");
        let of_line = targets(&text).filter(|target| is_ours(target, is_source));
        found.extend(of_line.map(|target| (line, target.to_owned())));
    }
    found
}

/// Returns the targets of inline links, `[text](target)`, and of definitions, `[text]: target`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let comment = line.trim_start().trim_start_matches(['/', '!', ' ']);
    let definition = comment.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    inline.chain(definition.and_then(|(_, target)| target.split_whitespace().next()))
}

/// Returns whether a target is a file of this repository, and no address elsewhere and no item for `rustdoc`.
fn is_ours(target: &str, is_source: bool) -> bool {
    if REPOSITORY.iter().any(|repository| target.starts_with(repository)) {
        return true;
    }
    let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
    let is_item = !target.contains(['.', '/']) && !target.starts_with('#') || target.contains("::");
    !is_source && !is_elsewhere && !is_item && !target.is_empty()
}

fn is_broken(from: &Path, target: &str, documents: &BTreeMap<PathBuf, String>) -> bool {
    let path = path_of(from, target);
    if !root().join(&path).exists() {
        return true;
    }
    // A number of a line is an address on the server only.
    let document = documents.get(&path).filter(|_| path.extension() == Some(OsStr::new("md")));
    let heading = target.split_once('#').map_or("", |(_, heading)| heading);
    !heading.is_empty() && document.is_some_and(|text| !headings(text).any(|known| known == heading))
}

/// Returns the path, from the root, of what a link in a document leads to.
fn path_of(from: &Path, target: &str) -> PathBuf {
    let here = from.parent().unwrap_or(from);
    let in_repository = REPOSITORY.iter().find_map(|repository| target.strip_prefix(repository));
    let (folder, target) = in_repository.map_or((here, target), |target| (Path::new(""), target));
    let file = target.split('#').next().unwrap_or_default();
    if file.is_empty() { from.to_owned() } else { straight(&folder.join(file)) }
}

/// Takes `.` and `..` out of a path.
fn straight(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if straight.pop() => {}
            other => straight.push(other),
        }
    }
    straight
}

/// Returns the names of the headings, as they are linked to. A name that comes again gets a number.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let (mut in_code, mut seen) = (false, BTreeMap::new());
    text.lines().filter_map(move |line| {
        in_code ^= line.trim_start().starts_with("```");
        let heading =
            line.strip_prefix('#').filter(|_| !in_code)?.trim_start_matches('#').strip_prefix(' ')?;
        let name = name_of(heading);
        let again = seen.entry(name.clone()).and_modify(|times| *times += 1).or_insert(0);
        Some(if *again == 0 { name } else { format!("{name}-{again}") })
    })
}

/// Returns the name of a heading: lower case, without punctuation, with hyphens for spaces.
fn name_of(heading: &str) -> String {
    let shown = heading.split("](").enumerate().map(|(number, part)| {
        if number == 0 { part } else { part.split_once(')').map_or("", |(_, rest)| rest) }
    });
    let kept = shown.collect::<String>().trim().to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::{headings, is_broken, links};

    #[test]
    fn links_are_read_outside_of_code_and_by_lines() {
        let text = "[a](b.md) and [c](d/e.rs)\n```\n[no](x.md)\n```\n`[no](y.md)`\n[f]: ../g.md#h\n[i](https://j.k/l.md)\n[m](Item)";
        let found = links(Path::new("a.md"), text);
        let found: Vec<_> = found.iter().map(|(line, target)| (*line, target.as_str())).collect();
        assert_eq!(found, [(1, "b.md"), (1, "d/e.rs"), (6, "../g.md#h")]);
    }

    #[test]
    fn of_a_source_only_links_to_the_repository_are_read() {
        let text = "//! [a](b.md)\n//! [c]: https://github.com/cloakroom-rs/cloakroom/blob/main/docs/wire.md";
        assert_eq!(links(Path::new("a.rs"), text).len(), 1);
    }

    #[test]
    fn headings_are_named_as_they_are_linked_to() {
        let text = "# `Store`: what, and why?\n```\n# no\n```\n## A-b c\n## A-b c\n### A [link](to/it) here";
        let expected = ["store-what-and-why", "a-b-c", "a-b-c-1", "a-link-here"];
        assert_eq!(headings(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_link_leads_to_a_file_that_exists_and_to_a_heading_in_it() {
        let documents = BTreeMap::from([("README.md".into(), "# One".to_owned())]);
        let broken = |target: &str| is_broken(Path::new("docs/a.md"), target, &documents);
        assert!(!broken("../README.md") && !broken("../README.md#one") && !broken("../xtask"));
        assert!(broken("../README.md#two") && broken("README.md") && broken("../gone.md"));
        let there = "https://github.com/cloakroom-rs/cloakroom/blob/main/";
        assert!(!broken(&format!("{there}README.md#one")) && broken(&format!("{there}gone.md")));
    }
}
