//! Makes cookie values that no server gave out.

/// Bytes that make a header of no cookie, or more than one.
const SPLITS: &[u8] = b";";

/// What has got others into trouble as a path, in a query, on a protocol line.
const HOSTILE: [&str; 12] = [
    "../../etc/passwd",
    "..%2f..%2fetc",
    "/dev/null",
    "C:\\con",
    "' OR '1'='1",
    "'--",
    "$where",
    "{\"$ne\":null}",
    "*",
    "__proto__",
    "%00%0d%0a",
    "\u{feff}",
];

/// Makes bad cookie values, always the same ones from one seed.
#[derive(Clone, Debug)]
pub struct Forger(u64);

impl Forger {
    /// The longest value that it makes, in bytes.
    pub const LONGEST: usize = 16 * 1024;

    /// Begins at a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Draws any number below `end` (by splitmix64).
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap_or_default()
    }

    fn any(&mut self, of: &[u8]) -> u8 {
        of[self.below(of.len())]
    }

    /// Makes a value with the form of an id that was never issued.
    pub fn id(&mut self) -> Vec<u8> {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut id: Vec<u8> = (0..42).map(|_| self.any(LETTERS)).collect();
        id.push(self.any(b"AEIMQUYcgkosw048"));
        id
    }

    /// Makes a value that cannot be an id: almost one, something hostile, or any bytes that a header can hold.
    pub fn malformed(&mut self) -> Vec<u8> {
        let mut value = self.id();
        match self.below(6) {
            0 => {
                let at = self.below(value.len());
                value[at] = self.any(b"!#$%&'()*+,./:<>?@[\\]^`{|}~\x80\xff");
            }
            1 => value.truncate(self.below(43)),
            2 => value.resize(44 + self.below(100), b'A'),
            3 => value[42] = self.any(b"BCDFGHJKLNPRSTVXZ123567-_"),
            4 => value = HOSTILE[self.below(HOSTILE.len())].as_bytes().to_vec(),
            _ => value = self.bytes(),
        }
        value
    }

    /// Any bytes that a header can hold, and at least one that an id cannot.
    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = vec![b'!'];
        while self.below(60) != 0 {
            let byte = u8::try_from(0x21 + self.below(0xdf)).unwrap_or(b'!');
            if byte != 0x7f && !SPLITS.contains(&byte) {
                bytes.push(byte);
            }
        }
        bytes
    }

    /// Makes a value that is longer than any browser keeps.
    pub fn oversized(&mut self) -> Vec<u8> {
        let mut value = self.id();
        let length = 4096 + self.below(Self::LONGEST - 4096);
        value.resize(length, b'A');
        value
    }
}
