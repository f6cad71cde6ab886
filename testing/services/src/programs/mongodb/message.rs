//! As much of MongoDB's protocol as it takes to start a server: a command and its answer.

use std::io::{self, Read, Write};

use crate::programs::connect;

/// A BSON document in the making: its elements, without the length around them.
#[derive(Debug, Default)]
pub(super) struct Document(Vec<u8>);

impl Document {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn number(self, name: &str, value: i32) -> Self {
        self.element(0x10, name, &value.to_le_bytes())
    }

    pub(super) fn text(self, name: &str, value: &str) -> Self {
        let length = length_of(value.len() + 1);
        self.element(0x02, name, &[&length, value.as_bytes(), &[0]].concat())
    }

    pub(super) fn document(self, name: &str, value: &Self) -> Self {
        self.element(0x03, name, &value.bytes())
    }

    pub(super) fn array(self, name: &str, value: &Self) -> Self {
        self.element(0x04, name, &value.bytes())
    }

    fn element(mut self, kind: u8, name: &str, value: &[u8]) -> Self {
        self.0.extend([&[kind], name.as_bytes(), &[0], value].concat());
        self
    }

    fn bytes(&self) -> Vec<u8> {
        [&length_of(self.0.len() + 5), self.0.as_slice(), &[0]].concat()
    }
}

fn length_of(bytes: usize) -> [u8; 4] {
    // No message here has more than some hundred bytes.
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// Runs a command on the database `admin` and hands out the answer's bytes.
pub(super) fn ask(port: u16, command: &Document) -> io::Result<Vec<u8>> {
    const OP_MSG: u32 = 2013;
    let command = Document(command.0.clone()).text("$db", "admin");
    let body = [[0; 4].as_slice(), &[0], &command.bytes()].concat();
    let head = [length_of(16 + body.len()), [1, 0, 0, 0], [0; 4], OP_MSG.to_le_bytes()].concat();
    let mut stream = connect(port)?;
    stream.write_all(&[head, body].concat())?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = Vec::new();
    stream.take(u64::from(u32::from_le_bytes(length).saturating_sub(4))).read_to_end(&mut answer)?;
    Ok(answer)
}

/// Returns whether the answer has `ok: 1`.
pub(super) fn is_ok(answer: &[u8]) -> bool {
    has(answer, &[b"\x01ok\0".as_slice(), &1_f64.to_le_bytes()].concat())
}

/// Returns whether the answer says that this is so.
pub(super) fn is_true(answer: &[u8], name: &str) -> bool {
    has(answer, &[b"\x08", name.as_bytes(), &[0, 1]].concat())
}

fn has(answer: &[u8], part: &[u8]) -> bool {
    answer.windows(part.len()).any(|window| window == part)
}
