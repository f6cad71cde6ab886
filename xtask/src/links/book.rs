//! The book is made of documents at their own places. Their links must lead to other pages of the book: what is not a
//! page is linked to by its address in the repository.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{links, path_of, targets};

/// The table of contents, and the folder whose symbolic links are the pages.
const CONTENTS: &str = "book/src/SUMMARY.md";

/// Finds the links of pages that lead to what is not in the book.
pub(super) fn faults(documents: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let contents = documents.get(Path::new(CONTENTS)).map_or("", String::as_str);
    let pages: BTreeSet<_> = contents.lines().flat_map(targets).map(PathBuf::from).collect();
    let read = pages.iter().filter_map(|page| Some((page, documents.get(page)?)));
    read.flat_map(|(page, text)| {
        let outside = links(page, text).into_iter().filter(|(_, target)| leads_outside(page, target, &pages));
        outside.map(|(line, target)| {
            format!(
                "{}:{line}: {target} is not in the book: add it to {CONTENTS}, or write its address",
                page.display()
            )
        })
    })
    .collect()
}

fn leads_outside(page: &Path, target: &str, pages: &BTreeSet<PathBuf>) -> bool {
    let path = path_of(page, target);
    // Of the folder, everything is copied.
    let is_copied = path.starts_with("docs") && path.extension().is_some_and(|extension| extension != "md");
    !target.contains("://")
        && !pages.contains(&path)
        && !pages.contains(&path.join("README.md"))
        && !is_copied
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::faults;

    #[test]
    fn a_page_links_to_pages_to_their_folders_and_to_files_that_are_copied() {
        let text = "[a](../README.md#x) [b](../cli) [c](d.json) [e](#f) [g](https://github.com/cloakroom-rs/cloakroom/tree/main/xtask)";
        let documents = BTreeMap::from([
            (
                "book/src/SUMMARY.md".into(),
                "[1](README.md)\n- [2](cli/README.md)\n- [3](docs/a.md)".to_owned(),
            ),
            ("docs/a.md".into(), text.to_owned()),
        ]);
        assert_eq!(faults(&documents), Vec::<String>::new());
    }

    #[test]
    fn a_link_to_a_source_or_to_a_document_outside_of_the_book_is_a_fault() {
        let documents = BTreeMap::from([
            ("book/src/SUMMARY.md".into(), "- [3](docs/a.md)".to_owned()),
            ("docs/a.md".into(), "[a](../README.md)\n[b](../xtask/src/main.rs)".to_owned()),
        ]);
        assert_eq!(faults(&documents).len(), 2);
    }
}
