//! Numbers of a fixed width, as they stand in records and as scripts compare them. A request formats and reads several.

/// The digits of a number; zeros come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digits<const WIDTH: usize>([u8; WIDTH]);

impl<const WIDTH: usize> Digits<WIDTH> {
    /// Writes a number in decimal; of one that is too long, its end.
    pub(crate) fn decimal(number: u64) -> Self {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(number).as_bytes();
        let mut digits = [b'0'; WIDTH];
        let fitting = text.len().min(WIDTH);
        digits[WIDTH - fitting..].copy_from_slice(&text[text.len() - fitting..]);
        Self(digits)
    }

    /// Writes a number in hexadecimal, likewise.
    pub(crate) fn hexadecimal(mut number: u64) -> Self {
        let mut digits = [b'0'; WIDTH];
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789abcdef"[usize::from(number.to_le_bytes()[0] & 15)];
            number >>= 4;
        }
        Self(digits)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Reads digits in decimal, and nothing else; at most 19, which always fit.
pub(crate) fn read_decimal(digits: &[u8]) -> Option<u64> {
    let readable = digits.len() <= 19 && digits.iter().all(u8::is_ascii_digit);
    readable.then(|| digits.iter().fold(0, |number, digit| 10 * number + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_zeros_in_front() {
        assert_eq!(Digits::<9>::decimal(1_204).as_bytes(), b"000001204");
        assert_eq!(Digits::<3>::decimal(1_204).as_bytes(), b"204");
        assert_eq!(Digits::<16>::hexadecimal(0xc0a7).as_bytes(), b"000000000000c0a7");
        assert_eq!(Digits::<16>::hexadecimal(u64::MAX).as_bytes(), b"ffffffffffffffff");
    }

    #[test]
    fn what_was_written_is_read() {
        for number in [0, 9, 10, 123_456_789_012_345_678, 999_999_999_999_999_999] {
            assert_eq!(read_decimal(Digits::<18>::decimal(number).as_bytes()), Some(number));
        }
    }

    #[test]
    fn text_that_is_not_a_number_is_not_read() {
        for text in ["+1", "-1", " 1", "1 ", "0x1", "a", "/", ":", "00000000000000000001"] {
            assert_eq!(read_decimal(text.as_bytes()), None, "{text}");
        }
    }
}
