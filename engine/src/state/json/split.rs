//! Cuts the text of a container at its commas, without parsing what is between them.

use std::ops::Range;

/// Returns the ranges between the brackets of a JSON array or object, cut at its commas, white space included.
///
/// The text must be valid JSON; of any other text the ranges mean nothing.
pub(super) fn parts(text: &[u8]) -> Vec<Range<usize>> {
    #[cfg(test)]
    super::work::add(text.len());
    let mut parts = Vec::new();
    let (mut start, mut at, mut depth) = (1, 1, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = string_end(text, at) - 1,
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth == 0 => break,
            b']' | b'}' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    let last = start.min(text.len())..at.min(text.len());
    if !parts.is_empty() || !text[last.clone()].trim_ascii().is_empty() {
        parts.push(last);
    }
    parts
}

/// Returns where the string that begins at `start` ends: behind its closing quote.
pub(super) fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if text[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// Returns how many containers of a JSON text are inside each other.
pub(super) fn depth(text: &[u8]) -> usize {
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = string_end(text, at) - 1,
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}
