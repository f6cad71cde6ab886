//! Refuses the turns of phrase that readers stumbled over, in comments, messages, names of functions and documents; and
//! doc comments of public functions that do not begin with a verb.
//!
//! Text in backticks is code, and is not read.

mod docs;
mod rust;

use std::{ffi::OsStr, fs, path::Path};

use crate::shell::{Result, root};

/// A turn of phrase to refuse.
struct Phrase {
    words: &'static str,
    /// The word before it that makes it plain: "there is no".
    plain_after: &'static str,
    /// The words after it that make it plain: "is no longer".
    plain_before: &'static [&'static str],
    /// Tells what to write in its place.
    instead: &'static str,
}

const fn phrase(words: &'static str, instead: &'static str) -> Phrase {
    Phrase { words, plain_after: "", plain_before: &[], instead }
}

/// Every phrase that is refused.
const REFUSED: &[Phrase] = &[
    phrase("whoever", "name the caller, client, process or thread"),
    phrase("nobody", "name what is absent: no caller, no client, no process"),
    phrase("somebody", "name the caller, client, process or request"),
    phrase("anybody", "name the caller, client, process or request"),
    phrase("everybody", "name them: all callers, all clients, all processes"),
    phrase("what became of", "write the result of, the state of"),
    phrase("what has become of", "write the result of, the state of"),
    phrase("what becomes of", "write the result of, the state of"),
    phrase("for who", "name the caller: the caller holds the lock"),
    phrase("goes without saying", "write default, implied"),
    phrase("is none", "say what is missing: if there is no path"),
    phrase("are none", "say what is missing: if there are no records"),
    phrase("was none", "say what was missing"),
    phrase("is told", "name the act: receives, is configured to, is notified"),
    phrase("are told", "name the act: receive, are configured to, are notified"),
    phrase("was told", "name the act: received, was configured to, was notified"),
    phrase("were told", "name the act: received, were configured to, were notified"),
    phrase("told apart", "write distinguished"),
    phrase("is said", "name the act: is logged, is returned, is documented"),
    phrase("are said", "name the act: are logged, are returned, are documented"),
    phrase("was said", "name the act: was logged, was returned, was documented"),
    phrase("makes of", "write converts to, returns for"),
    phrase("sees to it", "write ensures"),
    Phrase { words: "is no", plain_after: "there", plain_before: &["longer"], instead: "write is not a" },
    Phrase { words: "are no", plain_after: "there", plain_before: &["longer"], instead: "write are not" },
];

/// A line, and what to change in it.
type Fault = (usize, String);

/// A word of prose, in lower case, and its line. An empty one stands between two texts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Word {
    text: String,
    line: usize,
}

pub(crate) fn run() -> Result {
    let mut wrong = Vec::new();
    look(root(), &mut wrong)?;
    if wrong.is_empty() {
        println!("{} phrases are nowhere, and public functions are described by verbs", REFUSED.len());
        return Ok(());
    }
    Err(format!("{} places to write plainly:\n    {}", wrong.len(), wrong.join("\n    ")).into())
}

/// Reads the files of a folder, apart from this list.
fn look(folder: &Path, wrong: &mut Vec<String>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if path.is_dir() {
            if !matches!(name, "target" | "node_modules") && !name.starts_with('.') {
                look(&path, wrong)?;
            }
            continue;
        }
        let Some(read) = reader(&path) else { continue };
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        let found = read(&fs::read_to_string(&path)?);
        wrong.extend(found.into_iter().map(|(line, what)| format!("{shown}:{line}: {what}")));
    }
    Ok(())
}

/// Returns what reads a file of this kind and finds its faults, by lines.
fn reader(path: &Path) -> Option<fn(&str) -> Vec<Fault>> {
    if path.starts_with(root().join("xtask/src/words")) || path.ends_with("xtask/src/words.rs") {
        return None;
    }
    match path.extension()?.to_str()? {
        "rs" => Some(|source| {
            let mut found = refused(&rust::prose_of(source));
            found.extend(docs::without_verb(source));
            found
        }),
        "md" | "toml" | "lua" | "sql" | "yaml" | "html" | "css" => Some(|text| {
            let mut words = Vec::new();
            prose(text, 1, &mut words);
            refused(&words)
        }),
        _ => None,
    }
}

/// Splits text into words, leaving out what is in backticks.
fn prose(text: &str, first_line: usize, words: &mut Vec<Word>) {
    for (line, text) in (first_line..).zip(text.lines()) {
        for part in text.split('`').step_by(2) {
            for (number, sentence) in part.split(['.', ';', ':', '|']).enumerate() {
                words.extend((number > 0).then(Word::default));
                words.extend(words_of(sentence).map(|text| Word { text, line }));
            }
        }
        if text.trim().is_empty() {
            words.push(Word::default());
        }
    }
    words.push(Word::default());
}

/// Returns the words of a sentence in lower case, without the `'s` of a genitive.
fn words_of(sentence: &str) -> impl Iterator<Item = String> {
    let is_letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '\'' | '_');
    let words = sentence.split(move |letter| !is_letter(letter)).filter(|word| !word.is_empty());
    words.map(|word| word.trim_end_matches("'s").trim_matches('\'').to_lowercase())
}

/// Finds the refused phrases in a text.
fn refused(words: &[Word]) -> Vec<Fault> {
    let mut found = Vec::new();
    for phrase in REFUSED {
        let sought: Vec<_> = phrase.words.split(' ').collect();
        for (at, window) in words.windows(sought.len()).enumerate() {
            let word =
                |at: Option<usize>| at.and_then(|at| words.get(at)).map_or("", |word| word.text.as_str());
            if window.iter().map(|word| word.text.as_str()).eq(sought.iter().copied())
                && (phrase.plain_after.is_empty() || word(at.checked_sub(1)) != phrase.plain_after)
                && !phrase.plain_before.contains(&word(Some(at + sought.len())))
            {
                found.push((window[0].line, format!("\"{}\": {}", phrase.words, phrase.instead)));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::{prose, refused};

    fn lines(text: &str) -> Vec<usize> {
        let mut words = Vec::new();
        prose(text, 1, &mut words);
        refused(&words).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn a_refused_word_is_found_in_every_case_and_as_a_genitive() {
        assert_eq!(lines("Nobody\nfine\nit is somebody's"), [1, 3]);
    }

    #[test]
    fn a_phrase_is_found_across_the_end_of_a_line_and_not_across_a_full_stop() {
        assert_eq!(lines("the user is\ntold"), [1]);
        assert!(lines("That it is. Told once").is_empty());
    }

    #[test]
    fn code_in_backticks_is_not_read() {
        assert_eq!(lines("runs as `nobody`, not as nobody"), [1]);
        assert!(lines("runs as `nobody`").is_empty());
    }

    #[test]
    fn there_is_no_and_is_no_longer_are_plain() {
        assert!(lines("there is no path, and it is no longer there").is_empty());
        assert_eq!(lines("a text that is no path"), [1]);
    }

    #[test]
    fn every_report_says_what_to_write_instead() {
        let mut words = Vec::new();
        prose("whoever", 7, &mut words);
        assert_eq!(
            refused(&words),
            [(7, "\"whoever\": name the caller, client, process or thread".to_owned())]
        );
    }
}
