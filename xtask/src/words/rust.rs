//! The prose of a Rust file: comments, texts in quotes, names of functions.

use super::{Word, prose};

/// Returns the words of comments, of strings with a space, and of names of functions.
pub(super) fn prose_of(source: &str) -> Vec<Word> {
    let mut reader = Reader { rest: source, line: 1, words: Vec::new() };
    while !reader.rest.is_empty() {
        reader.step();
    }
    reader.words
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    words: Vec<Word>,
}

impl<'a> Reader<'a> {
    fn step(&mut self) {
        if self.rest.starts_with("//") {
            self.comment();
        } else if let Some(hashes) = raw_string(self.rest) {
            let start = hashes + 2; // `r`, the hashes, the quote
            let end = format!("\"{}", "#".repeat(hashes));
            let length = self.rest[start..].find(&end).unwrap_or(self.rest.len() - start);
            self.string(start, length, end.len());
        } else if self.rest.starts_with('"') {
            self.string(1, quoted(&self.rest[1..]), 1);
        } else if let Some(length) = character(self.rest) {
            self.advance(length);
        } else if self.rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
            self.identifier();
        } else {
            self.advance(self.rest.chars().next().map_or(1, char::len_utf8));
        }
    }

    /// Reads a comment, and those on the lines after it, as one text.
    fn comment(&mut self) {
        let (line, mut text) = (self.line, String::new());
        while self.rest.trim_start_matches(' ').starts_with("//") {
            let end = self.rest.find('\n').map_or(self.rest.len(), |end| end + 1);
            text.push_str(self.advance(end).trim_start().trim_start_matches(['/', '!']));
        }
        prose(&text, line, &mut self.words);
    }

    fn string(&mut self, start: usize, length: usize, end: usize) {
        self.advance(start);
        let line = self.line;
        let text = self.advance(length);
        self.advance(end.min(self.rest.len()));
        // Without a space it is a name, not a sentence.
        if text.contains(' ') {
            prose(text, line, &mut self.words);
        }
    }

    /// Passes over a word; reads the name after `fn`.
    fn identifier(&mut self) {
        let line = self.line;
        let length = |rest: &str| {
            rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len())
        };
        let word = self.advance(length(self.rest));
        if word == "fn" && self.rest.starts_with(' ') {
            self.advance(1);
            let name = self.advance(length(self.rest)).replace('_', " ");
            prose(&name, line, &mut self.words);
        }
    }

    fn advance(&mut self, length: usize) -> &'a str {
        let (passed, rest) = self.rest.split_at(length);
        self.line += passed.matches('\n').count();
        self.rest = rest;
        passed
    }
}

/// Returns how many hashes a raw string begins with, if `rest` begins with one.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// Returns the length of a string up to its closing quote.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    let is_end = |letter: char| {
        let end = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        end
    };
    text.find(is_end).unwrap_or(text.len())
}

/// Returns the length of a character in quotes, if `rest` begins with one and not with a lifetime.
fn character(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    if first == '\\' {
        return Some(1 + 2 + inside.get(2..)?.find('\'')? + 1);
    }
    inside[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::{Word, prose_of};

    fn texts(source: &str) -> String {
        let shown = |word: Word| format!("{}:{} ", word.line, word.text);
        prose_of(source).into_iter().map(shown).collect::<Vec<_>>().concat()
    }

    #[test]
    fn comments_on_consecutive_lines_are_one_text() {
        assert_eq!(texts("//! one\n    /// two\ncode(); // three"), "1:one 2:two 0: 3:three 0: ");
    }

    #[test]
    fn strings_are_read_when_they_are_sentences() {
        assert_eq!(texts(r#"f("a \" b"); g("name");"#), "1:a 1:b 0: ");
        assert_eq!(texts("r#\"a\nb \" c\"# // d"), "1:a 2:b 2:c 0: 2:d 0: ");
    }

    #[test]
    fn characters_and_lifetimes_begin_no_string() {
        assert_eq!(
            texts("let a = '\"'; let b = '\\''; fn long_name<'a>() {} // c"),
            "1:long 1:name 0: 1:c 0: "
        );
    }

    #[test]
    fn names_of_functions_are_read_and_other_code_is_not() {
        assert_eq!(texts("let nobody = 1;\nasync fn is_told() {}"), "2:is 2:told 0: ");
    }
}
