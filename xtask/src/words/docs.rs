//! The first words of doc comments.

use super::Fault;

/// Words that end like a verb in the third person.
const NO_VERBS: [&str; 7] = ["Always", "As", "Is", "Its", "This", "Thus", "Which"];

/// Finds the public functions whose doc comment does not begin with a verb in the third person, by lines.
pub(super) fn without_verb(source: &str) -> Vec<Fault> {
    let (mut found, mut doc) = (Vec::new(), None);
    for (line, text) in (1..).zip(source.lines().map(str::trim)) {
        if let Some(text) = text.strip_prefix("///") {
            doc.get_or_insert((line, text.split_whitespace().next().unwrap_or_default()));
        } else if text.starts_with("#[") {
            // An attribute stands between the comment and the function.
        } else {
            let first = doc.take().filter(|(_, first)| is_function(text) && !is_verb(first));
            found.extend(first.map(|(line, first)| {
                (line, format!("\"{first}\": begin with a verb: returns, makes, waits"))
            }));
        }
    }
    found
}

fn is_function(code: &str) -> bool {
    let Some(code) = code.strip_prefix("pub ") else { return false };
    let code = code.strip_prefix("const ").unwrap_or(code);
    code.strip_prefix("async ").unwrap_or(code).starts_with("fn ")
}

fn is_verb(word: &str) -> bool {
    let word = word.trim_end_matches([',', ':', ';']);
    word.starts_with(char::is_uppercase)
        && word.ends_with('s')
        && word.chars().all(char::is_alphabetic)
        && !NO_VERBS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::without_verb;

    #[test]
    fn a_public_function_is_described_by_a_verb() {
        let source = "
            /// Returns the name.
            pub fn name() {}
            /// The name.
            #[must_use]
            pub const fn other() {}
            /// Its
            /// name.
            pub async fn third() {}";
        let lines: Vec<_> = without_verb(source).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [4, 7]);
    }

    #[test]
    fn other_items_may_be_described_by_nouns() {
        assert!(without_verb("/// A name.\npub struct Name;\n/// A sentence.\nfn private() {}").is_empty());
    }
}
