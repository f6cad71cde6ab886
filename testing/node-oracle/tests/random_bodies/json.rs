//! Random JSON, with everything that JSON may have.

use std::fmt::Write as _;

/// Random numbers that follow from a seed and the number of a body.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        Self(seed ^ number.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// The next number, by `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end as u64)).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const NUMBERS: [&str; 18] = [
    "0",
    "-0",
    "1",
    "-1",
    "0.1",
    "-1.5",
    "1e21",
    "1E+2",
    "1e-7",
    "5e-324",
    "1.7976931348623157e308",
    "9007199254740993",
    "18446744073709551616",
    "-9223372036854775809",
    "0.30000000000000004",
    "1.0",
    "123456789012345678901234567890",
    "2e0",
];
/// Pieces of strings, as JSON spells them.
const PIECES: [&str; 30] = [
    "a",
    "Z",
    "0",
    " ",
    "é",
    "ß",
    "日本",
    "😀",
    "\u{2028}",
    "\u{7f}",
    "\u{feff}",
    "\\n",
    "\\t",
    "\\u0000",
    "\\u001f",
    "\\\"",
    "\\\\",
    "\\/",
    "/",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\udc00",
    "</script>",
    "${x}",
    "%s",
    "'",
    "`",
    "$ref",
    "constructor",
    "__proto__",
];
/// Names of members that mean something in one language or the other, and may be there.
const NAMES: [&str; 14] = [
    "then",
    "toJSON",
    "length",
    "name",
    "",
    "1",
    "01",
    "-1",
    "flash",
    "passport",
    "csrfSecret",
    "messages",
    "a.b",
    "$set",
];

/// Returns an object of up to twelve members, whose names a session may have.
pub(crate) fn object(dice: &mut Dice) -> String {
    let mut members: Vec<(String, String)> = Vec::new();
    for _ in 0..=dice.below(12) {
        let name = match dice.below(3) {
            0 => dice.one(&NAMES).to_owned(),
            _ => format!("k{}{}", dice.below(20), piece(dice, false)),
        };
        if members.iter().all(|(other, _)| *other != name) {
            members.push((name, value(dice, 5)));
        }
    }
    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn piece(dice: &mut Dice, may_be_half: bool) -> &'static str {
    loop {
        let piece = dice.one(&PIECES);
        // Half of a character cannot be a name in Rust.
        if may_be_half || !["\\ud83d", "\\udc00"].contains(&piece) {
            return piece;
        }
    }
}

fn value(dice: &mut Dice, depth: usize) -> String {
    match dice.below(if depth == 0 { 5 } else { 8 }) {
        0 => dice.one(&["null", "true", "false"]).to_owned(),
        1 => dice.one(&NUMBERS).to_owned(),
        2 => format!("{}", (dice.next() >> 12).cast_signed() - (1 << 50)),
        3 => format!("{:e}", f64::from_bits(dice.next() & !(1 << 62))),
        4 => string(dice),
        5 => {
            let items: Vec<_> = (0..dice.below(5)).map(|_| value(dice, depth - 1)).collect();
            format!("[{}]", items.join(space(dice)))
        }
        6 => "[".repeat(40) + &value(dice, 0) + &"]".repeat(40),
        _ => {
            let members = (0..dice.below(5)).map(|_| (string(dice), value(dice, depth - 1)));
            let members: Vec<_> = members.map(|(name, value)| format!("{name}:{value}")).collect();
            format!("{{{}}}", members.join(space(dice)))
        }
    }
}

fn space(dice: &mut Dice) -> &'static str {
    dice.one(&[",", " , ", ",\n\t"])
}

fn string(dice: &mut Dice) -> String {
    let mut text = String::from("\"");
    for _ in 0..dice.below(6) {
        let _written = write!(text, "{}", piece(dice, true));
    }
    if dice.below(50) == 0 {
        text.push_str(&"long ".repeat(1_000));
    }
    text + "\""
}
