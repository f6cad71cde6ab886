//! Skips the plain part of a JSON string, eight bytes at a time.

const ONES: u64 = u64::MAX / 0xff;
const HIGHS: u64 = ONES << 7;

/// Returns how many of eight bytes come before a quote, a backslash or a control character; `None`: all of them.
///
/// A quote, with its second bit flipped, is the only other byte below 33. A borrow out of a lower byte can only mark a byte
/// after a true match, so the lowest mark is always right.
#[inline]
pub(super) fn plain_in_word(bytes: [u8; 8]) -> Option<usize> {
    let word = u64::from_le_bytes(bytes);
    let quotes_and_controls = (word ^ (ONES * 2)).wrapping_sub(ONES * 33);
    let backslashes = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
    let found = (quotes_and_controls | backslashes) & !word & HIGHS;
    (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
}

/// Returns how many bytes come before a quote, a backslash, a control character or the end.
#[inline]
pub(super) fn plain(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(bytes) = text[at..].first_chunk() {
        match plain_in_word(*bytes) {
            Some(plain) => return at + plain,
            None => at += 8,
        }
    }
    let rest = &text[at..];
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::plain;
    use proptest::prelude::{any, prop, proptest};

    #[test]
    fn every_byte_stops_it_or_not_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for place in 0..9 {
                let mut text = [b'a'; 9];
                text[place] = byte;
                let stops = byte < 0x20 || matches!(byte, b'"' | b'\\');
                assert_eq!(plain(&text), if stops { place } else { 9 }, "{byte:#x} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn plain_finds_what_a_plain_loop_finds(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let slow = text.iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\'));
            assert_eq!(plain(&text), slow.unwrap_or(text.len()));
        }
    }
}
