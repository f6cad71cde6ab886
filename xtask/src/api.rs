//! Checks what users of the crates meet first: every public method of the types that applications use has an example, every
//! store's front page is a whole program, public types may grow without breaking programs, and every re-export is listed
//! by name.

use std::{ffi::OsStr, fs, path::Path};

use crate::shell::{Result, root};

/// The types whose every public method has an example, by the folder that holds their methods.
const TYPES: [(&str, &str); 7] = [
    ("engine/src", "Session"),
    ("engine/src", "PathRef"),
    ("engine/src", "UserSessions"),
    ("engine/src", "KeyRing"),
    ("engine/src", "Config"),
    ("adapters/tower/src", "SessionLayer"),
    ("adapters/actix/src", "SessionMiddleware"),
];

/// The folders of the crates that are published.
const PUBLISHED: [&str; 6] = ["adapters", "contract", "engine", "formats", "stores", "testing/conformance"];

/// The folders whose public types may grow.
const GROWING: [&str; 4] = ["adapters/actix/src", "adapters/tower/src", "contract/src", "engine/src"];

/// What the documentation of an enum says that callers must match completely, before the reason.
const COMPLETE: &str = "are complete:";

/// What the front page of a store shows.
const STORE_EXAMPLE: &str = "SessionLayer::new(store)";

/// A method without an example: its line and name.
type Bare = (usize, String);

pub(crate) fn run() -> Result {
    let (mut wrong, mut methods) = (Vec::new(), 0);
    for (folder, name) in TYPES {
        let mut found = 0;
        each_source(&root().join(folder), &mut |shown, source| {
            let (count, bare) = methods_of(source, name);
            found += count;
            wrong.extend(bare.into_iter().map(|(line, method)| {
                format!("{shown}:{line}: {name}::{method} has no example: 3 to 6 lines that show it")
            }));
        })?;
        if found == 0 {
            wrong.push(format!("{folder}: {name} has no public methods; is it somewhere else now?"));
        }
        methods += found;
    }
    for folder in PUBLISHED {
        each_source(&root().join(folder), &mut |shown, source| {
            wrong.extend(
                globs(source).map(|line| format!("{shown}:{line}: list by name what is re-exported")),
            );
        })?;
    }
    for folder in GROWING {
        each_source(&root().join(folder), &mut |shown, source| {
            wrong.extend(closed(source).into_iter().map(|(line, name)| {
                format!("{shown}:{line}: {name} lacks #[non_exhaustive], or \"{COMPLETE}\" and why")
            }));
        })?;
    }
    front_pages(&mut wrong)?;
    if wrong.is_empty() {
        println!(
            "{methods} public methods have examples, and so has the front page of every store; types may grow"
        );
        return Ok(());
    }
    Err(format!("{} places lack something:\n    {}", wrong.len(), wrong.join("\n    ")).into())
}

/// Notes the stores on servers and in databases whose front page does not show an application.
fn front_pages(wrong: &mut Vec<String>) -> Result {
    for entry in fs::read_dir(root().join("stores"))? {
        let page = entry?.path().join("README.md");
        let Ok(text) = fs::read_to_string(&page) else { continue };
        if !blocks(&text).any(|block| block.contains(STORE_EXAMPLE)) {
            let shown = page.strip_prefix(root()).unwrap_or(&page).display();
            wrong.push(format!("{shown}: no example has `{STORE_EXAMPLE}`"));
        }
    }
    Ok(())
}

/// Returns the blocks of code of a document.
fn blocks(document: &str) -> impl Iterator<Item = &str> {
    document.split("```").skip(1).step_by(2)
}

/// Calls `read` with the name and the text of every source of a folder that is not a test.
fn each_source(folder: &Path, read: &mut impl FnMut(&str, &str)) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if path.is_dir() {
            if !matches!(name, "tests" | "target") && !name.starts_with('.') {
                each_source(&path, read)?;
            }
        } else if path.extension() == Some(OsStr::new("rs")) {
            let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
            read(&shown, &fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// Returns how many public methods the type `name` has in a source, and those without an example.
fn methods_of(source: &str, name: &str) -> (usize, Vec<Bare>) {
    let (mut count, mut bare) = (0, Vec::new());
    let (mut is_inside, mut has_example) = (false, false);
    for (line, text) in (1..).zip(source.lines()) {
        if let Some(block) = text.strip_prefix("impl ") {
            let of = block.split(['<', ' ']).next();
            is_inside = of == Some(name) && !block.contains(" for ");
        }
        let text = text.trim();
        if let Some(comment) = text.strip_prefix("///") {
            has_example |= comment.trim().starts_with("```");
        } else if !text.starts_with("#[") {
            if let Some(method) = method(text).filter(|_| is_inside) {
                count += 1;
                bare.extend((!has_example).then(|| (line, method.to_owned())));
            }
            has_example = false;
        }
    }
    (count, bare)
}

/// Returns the name of the public method that a line begins.
fn method(code: &str) -> Option<&str> {
    let code = code.strip_prefix("pub ")?;
    let code = code.strip_prefix("const ").unwrap_or(code);
    let code = code.strip_prefix("async ").unwrap_or(code).strip_prefix("fn ")?;
    code.split(['(', '<']).next()
}

/// Finds public enums, and public structs with public fields, that could not get another variant or field.
fn closed(source: &str) -> Vec<Bare> {
    let mut found = Vec::new();
    let (mut may_grow, mut candidate) = (false, None);
    for (line, text) in (1..).zip(source.lines()) {
        let name = |code: &str| code.split(['<', ' ', '{', '(']).next().unwrap_or_default().to_owned();
        if text.starts_with("///") {
            may_grow |= text.contains(COMPLETE);
        } else if text.starts_with("#[") {
            may_grow |= text == "#[non_exhaustive]";
        } else if let Some(code) = text.strip_prefix("pub enum ") {
            found.extend((!may_grow).then(|| (line, name(code))));
            may_grow = false;
        } else if let Some(code) = text.strip_prefix("pub struct ") {
            candidate = (!may_grow && text.ends_with('{')).then(|| (line, name(code)));
            may_grow = false;
        } else if text.starts_with("    pub ") {
            found.extend(candidate.take());
        } else if !text.starts_with(' ') {
            (may_grow, candidate) = (false, None);
        }
    }
    found
}

/// Finds re-exports of all that another crate has, by lines.
fn globs(source: &str) -> impl Iterator<Item = usize> {
    let is_glob = |text: &str| text.starts_with("pub use ") && text.contains('*');
    (1..).zip(source.lines()).filter(move |(_, text)| is_glob(text)).map(|(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::{blocks, closed, globs, methods_of};

    const SOURCE: &str = "
impl Coat {
    /// Returns its colour.
    ///
    /// ```
    /// assert!(coat.colour());
    /// ```
    #[must_use]
    pub const fn colour(&self) {}

    /// Returns its size.
    pub fn size<T>(&self) {}

    /// Hangs it up.
    fn hang(&self) {}
}

impl<'a> Other for Coat {}

impl Hat<'_> {
    /// Returns its size.
    pub async fn size(&self) {}
}";

    #[test]
    fn a_public_method_without_an_example_is_found() {
        assert_eq!(methods_of(SOURCE, "Coat"), (2, vec![(12, "size".to_owned())]));
    }

    #[test]
    fn methods_of_other_types_are_not_looked_at() {
        assert_eq!(methods_of(SOURCE, "Hat"), (1, vec![(22, "size".to_owned())]));
        assert_eq!(methods_of(SOURCE, "Other"), (0, Vec::new()));
    }

    #[test]
    fn a_re_export_of_everything_is_found() {
        assert_eq!(
            globs("pub use a::B;\npub use b::*;\nuse c::*;\npub use d::{self, *};").collect::<Vec<_>>(),
            [2, 4]
        );
    }

    #[test]
    fn a_public_type_that_cannot_grow_is_found() {
        let source = "
pub struct Coat {
    pub size: u8,
}

#[non_exhaustive]
pub struct Hat {
    pub size: u8,
}

pub struct Scarf {
    length: u8,
}

pub enum Kind {
    Hat,
}

/// The answers are complete: there is no third.
pub enum Answer {
    Yes,
    No,
}";
        assert_eq!(closed(source), [(2, "Coat".to_owned()), (15, "Kind".to_owned())]);
    }

    #[test]
    fn only_code_is_an_example() {
        let document = "text\n```rust\ncode\n```\ntext\n```\nmore\n```";
        assert_eq!(blocks(document).map(|block| block.contains('m')).collect::<Vec<_>>(), [false, true]);
    }
}
