//! Finds secrets in words, however they were written.

use std::collections::HashSet;

use aho_corasick::AhoCorasick;

/// Secrets that must appear nowhere.
#[derive(Default)]
pub struct Secrets(HashSet<String>);

impl Secrets {
    /// Adds text, which is looked for as it is.
    pub fn text(&mut self, text: &str) {
        if !text.is_empty() {
            self.0.insert(text.to_owned());
        }
    }

    /// Adds bytes, which are looked for raw, as hexadecimal and decimal numbers and in base 64.
    ///
    /// The first half of them is enough to be found: nothing shows so much of a secret by chance.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let telling = &bytes[..bytes.len() / 2];
        self.0.insert(String::from_utf8_lossy(telling).into_owned());
        for between in ["", " ", ":", ", "] {
            self.0.insert(joined(telling, between, |byte| format!("{byte:02x}")));
            self.0.insert(joined(telling, between, |byte| format!("{byte:02X}")));
        }
        for between in [",", ", ", " "] {
            self.0.insert(joined(telling, between, u8::to_string));
        }
        self.0.insert(base64(telling, b'+', b'/'));
        self.0.insert(base64(telling, b'-', b'_'));
    }

    /// Adds an id as a cookie carries it, in base64url, with what it stands for; a signature may follow.
    pub fn cookie(&mut self, value: &str) {
        self.text(value);
        for part in value.split('.') {
            self.text(&part[..part.len() / 2]);
            self.bytes(&decoded(part));
        }
    }

    /// Returns how many ways to write a secret there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no spellings.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the words around each secret that is in `words`.
    pub fn found_in(&self, words: &str) -> Vec<String> {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let secrets = AhoCorasick::new(&self.0).expect("there are not billions of secrets");
        let found = secrets.find_iter(&words).map(|found| {
            let before = words[..found.start()].chars().rev().take(80).collect::<Vec<_>>();
            format!("{}>>>{}<<<", before.into_iter().rev().collect::<String>(), &words[found.range()])
        });
        found.collect()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

fn joined(bytes: &[u8], between: &str, spell: fn(&u8) -> String) -> String {
    bytes.iter().map(spell).collect::<Vec<_>>().join(between)
}

fn letters(plus: u8, slash: u8) -> Vec<u8> {
    let all = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9');
    all.chain([plus, slash]).collect()
}

/// Whole groups of three bytes in base 64.
fn base64(bytes: &[u8], plus: u8, slash: u8) -> String {
    let letters = letters(plus, slash);
    let groups = bytes.chunks_exact(3).map(|three| u32::from_be_bytes([0, three[0], three[1], three[2]]));
    groups
        .flat_map(|bits| [18, 12, 6, 0].map(|shift| char::from(letters[(bits >> shift & 63) as usize])))
        .collect()
}

/// Decodes base64url.
pub fn decoded(text: &str) -> Vec<u8> {
    let letters = letters(b'-', b'_');
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes() {
        let six = letters.iter().position(|other| *other == letter).unwrap_or_default();
        bits = bits << 6 | u32::try_from(six).unwrap_or_default();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or_default());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Secrets, decoded};

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let cookie = "Wd4H6ZCCDn8VbT3Cdxy2Yw1k3nYUvPDdCg4NaOEPZqA";
        let id = decoded(cookie);
        assert_eq!(id.len(), 32);
        let mut secrets = Secrets::default();
        secrets.cookie(cookie);
        for words in [
            format!("session={cookie}; Path=/"),
            format!("{id:?}"),
            format!("{:#?}", Some(&id)),
            format!("{id:02x?}"),
            format!("Some(\"{}\")", &cookie[..30]),
            id.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat(),
        ] {
            assert_ne!(secrets.found_in(&words), [""; 0], "{words}");
        }
        assert_eq!(secrets.found_in("Stand { store: StoreKey(..), id: SessionId(..) }"), [""; 0]);
    }
}
