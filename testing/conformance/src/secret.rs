//! Finds bytes in words, however they were written.

/// A key and a payload that stand nowhere else.
pub(crate) struct Secret {
    key: Vec<u8>,
    payload: Vec<u8>,
}

impl Secret {
    pub(crate) fn new() -> Self {
        Self { key: b"Kq7#wandering-KEY-zebra".to_vec(), payload: b"Px9!drowsy-PAYLOAD-otter".to_vec() }
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload over and over, until it is longer than that.
    pub(crate) fn payload_longer_than(&self, length: usize) -> Vec<u8> {
        self.payload.iter().copied().cycle().take(length + 1).collect()
    }

    /// Returns whether the words show a telling part of the key or of the payload: as text, as hexadecimal or decimal
    /// numbers, or in base 64.
    pub(crate) fn is_in(&self, words: &str) -> bool {
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = |bytes: &[u8]| spellings(&bytes[4..16]).iter().any(|spelling| words.contains(spelling));
        shown(&self.key) || shown(&self.payload)
    }
}

fn spellings(bytes: &[u8]) -> Vec<String> {
    let join =
        |format: fn(&u8) -> String, between: &str| bytes.iter().map(format).collect::<Vec<_>>().join(between);
    let mut spellings = vec![String::from_utf8_lossy(bytes).into_owned()];
    for between in ["", " ", ":", ", "] {
        spellings.push(join(|byte| format!("{byte:02x}"), between));
        spellings.push(join(|byte| format!("{byte:02X}"), between));
    }
    for between in [",", ", ", " "] {
        spellings.push(join(u8::to_string, between));
    }
    spellings.extend((0..3).map(|skipped| base64(&bytes[skipped..skipped + 9])));
    spellings
}

/// Nine bytes in base 64. What is looked for begins at each of three bytes in turn, as only whole groups of three
/// bytes are spelled the same everywhere.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3).map(|three| u32::from_be_bytes([0, three[0], three[1], three[2]]));
    groups
        .flat_map(|bits| [18, 12, 6, 0].map(|shift| char::from(LETTERS[(bits >> shift & 63) as usize])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Secret;

    fn shows(words: &str) -> bool {
        Secret::new().is_in(words)
    }

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let (secret, key) = (Secret::new(), Secret::new().key.clone());
        assert!(shows(&format!("no such file: /var/{}", String::from_utf8_lossy(&key))));
        assert!(shows(&format!("{:?}", secret.payload)));
        assert!(shows(&format!("{:#?}", Some(&secret.payload))));
        assert!(shows(&format!("{:02x?}", secret.payload)));
        assert!(shows(&key.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()));
        assert!(shows("file: S3E3I3dhbmRlcmluZy1LRVktemVicmE="));
    }

    #[test]
    fn other_words_are_not_a_secret() {
        assert!(!shows("Store { records: 7, path: \"/var/lib\", key: StoreKey(..) }"));
    }
}
