//! The secret that a client holds, and the names made from it.

use std::fmt;

use cloakroom_store::StoreKey;
use data_encoding::BASE64URL_NOPAD;

use crate::{Random, Result};

/// The secret that a client holds: 256 bits from the operating system, written as 43 characters of base64url. With a
/// [`CookieFormat`](crate::format::CookieFormat), the text that the other package uses as an id.
///
/// Possession of it gives access to the session. It has no `Display`, no `Serialize`, and its `Debug` shows nothing;
/// [`expose`](Self::expose) is the only way out. An application cannot make one from text: a client's id is only ever
/// looked up.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId(Repr);

#[derive(Clone, PartialEq, Eq)]
enum Repr {
    Own(Text),
    /// An id of another package, which is also the name of its record.
    Foreign(StoreKey),
    /// An id that the application made.
    Chosen(Box<str>),
}

/// The text of an id of ours. It begins at a word of memory, so that looks at all of it go word by word.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(align(8))]
struct Text([u8; SessionId::LEN]);

/// Separates the hash of an id from every other use of BLAKE3; exactly 32 bytes.
const KEY_CONTEXT: &[u8; 32] = b"cloakroom v1: session id to key.";

/// The characters of base64url, in the order of the six bits that they stand for.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What each byte may be in an id: every request's cookie is checked against it.
const USES: [u8; 256] = {
    let mut table = [0; 256];
    let mut bits = 0;
    while bits < 64 {
        table[ALPHABET[bits] as usize] = if bits % 4 == 0 { ANYWHERE | LAST } else { ANYWHERE };
        bits += 1;
    }
    table
};
const ANYWHERE: u8 = 1;
/// 43 characters carry 258 bits: the last one must leave the two spare bits clear, so that an id has one spelling.
const LAST: u8 = 2;

impl SessionId {
    /// The length of an id's text, in bytes.
    pub(crate) const LEN: usize = 43;

    /// Writes the bytes as base64url. By hand, because every new session and every renewal waits for it: in half the steps
    /// of an encoder for texts of any length.
    pub(crate) fn from_random(bytes: &[u8; 32]) -> Self {
        let character =
            |bits: u32, place: u32| ALPHABET[(bits >> (18 - 6 * place)) as usize % ALPHABET.len()];
        let mut text = [0; Self::LEN];
        let (quads, last) = text.as_chunks_mut::<4>();
        let (triples, rest) = bytes.as_chunks::<3>();
        for (quad, [a, b, c]) in quads.iter_mut().zip(triples) {
            let bits = u32::from_be_bytes([0, *a, *b, *c]);
            *quad = [0, 1, 2, 3].map(|place| character(bits, place));
        }
        if let ([a, b], [first, second, third]) = (rest, last) {
            let bits = u32::from_be_bytes([0, *a, *b, 0]);
            (*first, *second, *third) = (character(bits, 0), character(bits, 1), character(bits, 2));
        }
        Self(Repr::Own(Text(text)))
    }

    /// Makes an id of another package; `None` if it is empty, or longer than a key of a store may be.
    pub(crate) fn foreign(text: &str) -> Option<Self> {
        StoreKey::from_bytes(text.as_bytes()).ok().map(|key| Self(Repr::Foreign(key)))
    }

    /// The most bytes that an id of the application's own may have.
    pub(crate) const MOST_CHOSEN: usize = 255;

    /// Reads an id of the application's own; `None` if a cookie cannot hold it as it is.
    pub(crate) fn chosen(text: &[u8]) -> Option<Self> {
        let fits = |byte: &u8| byte.is_ascii_graphic() && !b"\",;\\".contains(byte);
        let text = std::str::from_utf8(text).ok().filter(|text| text.as_bytes().iter().all(fits))?;
        let is_of_length = (1..=Self::MOST_CHOSEN).contains(&text.len());
        is_of_length.then(|| Self(Repr::Chosen(text.into())))
    }

    /// Reads what a client sent; `None` if no id ever looks like that.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text: &[u8; Self::LEN] = text.try_into().ok()?;
        let uses = text.iter().fold(ANYWHERE, |common, &byte| common & USES[usize::from(byte)]);
        let last = USES[usize::from(text[Self::LEN - 1])];
        (uses == ANYWHERE && last & LAST != 0).then_some(Self(Repr::Own(Text(*text))))
    }

    /// Makes what stands for the id of a session that only its client knows: it opens no session.
    pub(crate) fn unknown() -> Self {
        Self(Repr::Chosen(Box::from("")))
    }

    /// Returns whether only the client knows it.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(&self.0, Repr::Chosen(text) if text.is_empty())
    }

    /// Returns the name of this id's record: a hash, so that a reader of the store learns no ids. The other packages use the
    /// id itself.
    pub(crate) fn key(&self) -> StoreKey {
        match &self.0 {
            Repr::Own(Text(text)) => StoreKey::from_hash(*blake3::keyed_hash(KEY_CONTEXT, text).as_bytes()),
            Repr::Foreign(key) => key.clone(),
            Repr::Chosen(text) => {
                StoreKey::from_hash(*blake3::keyed_hash(KEY_CONTEXT, text.as_bytes()).as_bytes())
            }
        }
    }

    /// Returns the secret. Never log it, put it into a URL or send it anywhere but to the client that holds it.
    pub fn expose(&self) -> &str {
        let text = match &self.0 {
            Repr::Own(Text(text)) => &text[..],
            Repr::Foreign(key) => key.as_bytes(),
            Repr::Chosen(text) => text.as_bytes(),
        };
        std::str::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// The public name of a session: fit for a list of devices, an admin page, a log.
///
/// Random, the same for as long as the session lives (also under a renewed id, a new one at log-in), and nothing can
/// be made from it: not the id, not the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicId([u8; 16]);

impl PublicId {
    pub(crate) const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Debug for PublicId {
    /// The same text as [`Display`](fmt::Display), so that a log can be compared with a page.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicId({self})")
    }
}

impl fmt::Display for PublicId {
    /// 22 characters of base64url.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

/// Serializes as the text that [`Display`](fmt::Display) shows.
impl serde::Serialize for PublicId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl std::str::FromStr for PublicId {
    type Err = crate::Error;

    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if no handle looks like that.
    fn from_str(text: &str) -> Result<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self)
            .ok_or_else(|| crate::Error::new(crate::ErrorKind::Invalid, "not a public id of a session"))
    }
}

/// The random parts of a new session, drawn at once.
#[derive(Clone)]
pub(crate) struct NewSecrets {
    pub(crate) id: SessionId,
    pub(crate) public_id: [u8; 16],
    pub(crate) csrf: [u8; 16],
    /// Whether the application made the id.
    pub(crate) is_chosen: bool,
}

impl fmt::Debug for NewSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSecrets(..)")
    }
}

impl NewSecrets {
    pub(crate) fn draw(random: &dyn Random) -> Result<Self> {
        Self::draw_with(random, |bytes| Some(SessionId::from_random(bytes)))
    }

    /// Draws secrets whose id is made by `make_id` from 32 random bytes.
    pub(crate) fn draw_with(
        random: &dyn Random,
        make_id: impl FnOnce(&[u8; 32]) -> Option<SessionId>,
    ) -> Result<Self> {
        let mut bytes = [0; 64];
        random.fill(&mut bytes)?;
        let (id, rest) = bytes.split_first_chunk::<32>().expect("64 bytes begin with 32");
        let (public_id, rest) = rest.split_first_chunk::<16>().expect("32 bytes begin with 16");
        let (csrf, _) = rest.split_first_chunk::<16>().expect("16 bytes begin with 16");
        let id = make_id(id)
            .ok_or_else(|| crate::Error::new(crate::ErrorKind::Random, "the format makes no ids"))?;
        Ok(Self { id, public_id: *public_id, csrf: *csrf, is_chosen: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r01_an_id_has_256_bits_in_43_characters_with_one_spelling() {
        let id = SessionId::from_random(&[0xff; 32]);
        assert_eq!(id.expose().len(), 43);
        assert_eq!(SessionId::parse(id.expose().as_bytes()), Some(id.clone()));
        let other_spelling = format!("{}9", &id.expose()[..42]);
        assert_eq!(SessionId::parse(other_spelling.as_bytes()), None);
    }

    #[test]
    fn an_id_is_written_as_base64url() {
        let mut bytes = [0; 32];
        for seed in 0..=255_u8 {
            bytes
                .iter_mut()
                .zip(0_u8..)
                .for_each(|(byte, place)| *byte = seed.wrapping_mul(place | 1) ^ place);
            assert_eq!(SessionId::from_random(&bytes).expose(), BASE64URL_NOPAD.encode(&bytes));
        }
    }

    #[test]
    fn what_cannot_be_an_id_is_not_one() {
        for text in
            ["", "A", &"A".repeat(42), &"A".repeat(44), &("A".repeat(42) + "="), &("A".repeat(41) + "/A")]
        {
            assert_eq!(SessionId::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_key_of_a_foreign_id_is_the_id() {
        let id = SessionId::foreign("Wq1jm5x0b8hT0Qn3").unwrap();
        assert_eq!((id.key().as_bytes(), id.expose()), (b"Wq1jm5x0b8hT0Qn3".as_slice(), "Wq1jm5x0b8hT0Qn3"));
        for text in [String::new(), "x".repeat(StoreKey::MAX_LEN + 1)] {
            assert_eq!(SessionId::foreign(&text), None);
        }
    }

    #[test]
    fn debug_shows_no_character_of_an_id() {
        assert_eq!(format!("{:?}", SessionId::from_random(&[7; 32])), "SessionId(..)");
        assert_eq!(format!("{:?}", SessionId::foreign("secret")), "Some(SessionId(..))");
    }

    #[test]
    fn a_handle_survives_its_text() {
        let handle = PublicId::new(*b"0123456789abcdef");
        assert_eq!(handle.to_string().parse::<PublicId>().unwrap(), handle);
        assert!("x".parse::<PublicId>().is_err());
    }

    /// A generator that always fails.
    #[derive(Debug)]
    struct Dry;
    impl Random for Dry {
        fn fill(&self, _: &mut [u8]) -> Result<()> {
            Err(crate::Error::new(crate::ErrorKind::Random, "dry"))
        }
    }

    #[test]
    fn r01_a_failing_generator_is_an_error_never_a_weak_id() {
        assert_eq!(NewSecrets::draw(&Dry).err().unwrap().kind(), crate::ErrorKind::Random);
    }
}
