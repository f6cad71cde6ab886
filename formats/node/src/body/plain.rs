//! Skips the plain part of a JSON string.

/// Returns how many bytes come before a quote, a backslash, a control character or the end, eight bytes at a time. A
/// borrow out of a lower byte can only mark a byte after a true match, so the lowest mark is always right.
pub(super) fn plain(text: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGHS: u64 = ONES << 7;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let is = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = text.as_chunks::<8>();
    for (index, bytes) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*bytes);
        let found = below(word, 0x20) | is(word, b'"') | is(word, b'\\');
        if found != 0 {
            return index * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    let tail = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    text.len() - rest.len() + tail.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::plain;
    use proptest::prelude::{any, prop, proptest};

    proptest! {
        #[test]
        fn plain_finds_what_a_plain_loop_finds(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let slow = text.iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'));
            assert_eq!(plain(&text), slow.unwrap_or(text.len()));
        }
    }
}
