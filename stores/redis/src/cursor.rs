//! The cursor of a scan.

use cloakroom_store::{Cursor, Error, ErrorKind, Result};

/// Redis' cursor, and what must not have changed for it to mean anything.
///
/// Redis promises that a scan sees what is there throughout, as long as one process is asked. Another one, after a restart
/// or a failover, keeps its keys in another order; and when slots move, records may be where the scan has been already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct At {
    /// The cluster's configuration epoch, which every change of slots raises; 0 for a single server.
    pub(crate) epoch: u64,
    /// The node's id; empty for a single server.
    pub(crate) node: String,
    /// The process; empty before it was asked.
    pub(crate) run: String,
    /// What Redis calls cursor.
    pub(crate) cursor: u64,
}

impl At {
    pub(crate) fn read(cursor: &Cursor) -> Result<Self> {
        let text = std::str::from_utf8(cursor.as_bytes()).map_err(|_| foreign())?;
        let parts: Vec<_> = text.split('/').collect();
        let [epoch, node, run, cursor] = parts[..] else { return Err(foreign()) };
        let number = |text: &str| text.parse().map_err(|_| foreign());
        Ok(Self { epoch: number(epoch)?, node: node.into(), run: run.into(), cursor: number(cursor)? })
    }

    pub(crate) fn cursor(&self) -> Cursor {
        let Self { epoch, node, run, cursor } = self;
        Cursor::new(format!("{epoch}/{node}/{run}/{cursor}"))
    }
}

fn foreign() -> Error {
    Error::new(ErrorKind::Invalid, "the cursor is of another store")
}

/// Makes the error for a cursor from which a scan cannot go on.
pub(crate) fn outdated() -> Error {
    let message =
        "the server was restarted or another one took over, so that the scan cannot go on; begin it again";
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        for at in [At::default(), At { epoch: 7, node: "ab".into(), run: "cd".into(), cursor: u64::MAX }] {
            assert_eq!(At::read(&at.cursor()).unwrap(), at);
        }
    }

    #[test]
    fn another_store_s_cursor_is_invalid() {
        for bytes in [&b""[..], b"\xff", b"1/2/3", b"x///0", b"0///x", b"0////0"] {
            assert_eq!(At::read(&Cursor::new(bytes.to_vec())).unwrap_err().kind(), ErrorKind::Invalid);
        }
    }
}
