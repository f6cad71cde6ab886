//! One thing that is sealed: its nonce, and its parts.

use std::fmt;

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};

/// How many bytes of what is sealed name the key (4) and hold the nonce (23).
pub const PREAMBLE: usize = 4 + 23;

/// How many bytes longer a sealed part is: 16.
pub const TAG: usize = 16;

/// Seals the parts of one thing, under one nonce.
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    preamble: [u8; PREAMBLE],
}

impl Sealer {
    pub(crate) fn new(key: &[u8; 32], id: [u8; 4]) -> Result<Self, NoRandom> {
        let mut preamble = [0; PREAMBLE];
        preamble[..4].copy_from_slice(&id);
        getrandom::fill(&mut preamble[4..]).map_err(NoRandom)?;
        Ok(Self { cipher: XChaCha20Poly1305::new(key.into()), preamble })
    }

    /// Returns what has to be kept in clear, to open it again.
    pub const fn preamble(&self) -> [u8; PREAMBLE] {
        self.preamble
    }

    /// Appends a sealed part to `out`: as long as `plain`, and [`TAG`] bytes more. It opens only as the same part, and
    /// with the same `bound_to`, which is not kept. No two parts may have one number.
    ///
    /// # Panics
    /// If `plain` is longer than 256 GiB, which the cipher cannot take.
    pub fn seal(&self, part: u8, bound_to: &[u8], plain: &[u8], out: &mut Vec<u8>) {
        let begin = out.len();
        out.reserve(plain.len() + TAG);
        out.extend_from_slice(plain);
        let text = InOutBuf::from(&mut out[begin..]);
        let tag = self.cipher.encrypt_inout_detached(&nonce(&self.preamble, part), bound_to, text);
        out.extend_from_slice(&tag.expect("no text is longer than 256 GiB"));
    }
}

/// Opens the parts of one thing, with one key.
pub struct Opener {
    cipher: XChaCha20Poly1305,
    preamble: [u8; PREAMBLE],
}

impl Opener {
    pub(crate) fn new(key: &[u8; 32], preamble: &[u8; PREAMBLE]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.into()), preamble: *preamble }
    }

    /// Opens a part; `None` unless it is, to the bit, what was sealed with this key as this part with this `bound_to`.
    pub fn open(&self, part: u8, bound_to: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (text, tag) = sealed.split_last_chunk::<TAG>()?;
        let mut plain = text.to_vec();
        let nonce = nonce(&self.preamble, part);
        let text = InOutBuf::from(plain.as_mut_slice());
        self.cipher.decrypt_inout_detached(&nonce, bound_to, text, &Tag::from(*tag)).ok()?;
        Some(plain)
    }
}

/// Returns the nonce of a part: 23 random bytes, and its number.
fn nonce(preamble: &[u8; PREAMBLE], part: u8) -> XNonce {
    let mut nonce = [part; 24];
    nonce[..23].copy_from_slice(&preamble[4..]);
    nonce.into()
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener(..)")
    }
}

/// Says that the operating system gave no random bytes. Nothing weaker is used instead.
#[derive(Debug)]
pub struct NoRandom(getrandom::Error);

impl fmt::Display for NoRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there are no random bytes")
    }
}

impl std::error::Error for NoRandom {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn two_parts() -> ([u8; PREAMBLE], Vec<u8>, Vec<u8>) {
        let (sealer, mut first, mut second) = (Sealer::new(&KEY, *b"name").unwrap(), Vec::new(), Vec::new());
        sealer.seal(0, b"here", b"a coat", &mut first);
        sealer.seal(1, b"here", b"a coat", &mut second);
        (sealer.preamble(), first, second)
    }

    #[test]
    fn a_part_opens_as_itself_and_with_what_it_is_bound_to() {
        let (preamble, first, second) = two_parts();
        let opener = Opener::new(&KEY, &preamble);
        assert_eq!(opener.open(0, b"here", &first).unwrap(), b"a coat");
        assert_eq!(opener.open(1, b"here", &second).unwrap(), b"a coat");
        assert_ne!(first, second);
        assert!(opener.open(1, b"here", &first).is_none() && opener.open(0, b"here", &second).is_none());
        assert!(opener.open(0, b"there", &first).is_none());
        assert!(Opener::new(&[8; 32], &preamble).open(0, b"here", &first).is_none());
    }

    #[test]
    fn a_part_that_differs_in_a_bit_or_in_length_does_not_open() {
        let (preamble, first, _) = two_parts();
        let opener = Opener::new(&KEY, &preamble);
        for at in 0..first.len() * 8 {
            let mut bad = first.clone();
            bad[at / 8] ^= 1 << (at % 8);
            assert!(opener.open(0, b"here", &bad).is_none(), "bit {at}");
        }
        for length in 0..first.len() {
            assert!(opener.open(0, b"here", &first[..length]).is_none(), "{length} bytes");
        }
        for at in 4 * 8..PREAMBLE * 8 {
            let mut other = preamble;
            other[at / 8] ^= 1 << (at % 8);
            assert!(Opener::new(&KEY, &other).open(0, b"here", &first).is_none(), "bit {at} of the preamble");
        }
    }

    #[test]
    fn equal_texts_are_sealed_differently() {
        assert_ne!(two_parts().1, two_parts().1);
    }

    #[test]
    fn the_bytes_of_a_part_stand_still() {
        let mut preamble = [9; PREAMBLE];
        preamble[..4].copy_from_slice(b"name");
        let sealer = Sealer { cipher: XChaCha20Poly1305::new(&KEY.into()), preamble };
        let mut out = Vec::new();
        sealer.seal(1, b"here", b"a coat", &mut out);
        let golden = [
            210, 189, 49, 38, 72, 220, 139, 98, 38, 46, 223, 97, 55, 68, 162, 123, 82, 14, 133, 139, 245, 183,
        ];
        assert_eq!(out, golden);
    }
}
