//! The file of a session, in the folder of session-file-store or of node-session.
//!
//! The file is only looked at: nothing is made, removed or touched, so that it does not matter which user looks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use cloakroom_node::body::{Object, last_access};
use cloakroom_node::date::to_iso_string;
use cloakroom_node::expiry::{HOUR, is_file_expired};

use super::body::{Shown, describe};
use crate::trouble::Trouble;

/// Where a Rust application leaves the marks of sessions that have ended.
const ENDED: &str = ".cloakroom-ended";

/// Looks for the file of a session at the moment `now`, and describes it.
pub(super) fn look(folder: &Path, id: &str, now: SystemTime, shown: &Shown<'_>) -> Result<String, Trouble> {
    let failed = |error: io::Error| {
        Trouble::failure(format!("the folder {} cannot be read", folder.display())).because(&error)
    };
    fs::read_dir(folder).map_err(failed)?;
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Ok("session    none in this folder: no file can be named by this id\n".into());
    }
    let ended = has_mark(&folder.join(ENDED), id).map_err(failed)?;
    let Some(path) = file(folder, id) else {
        let why = if ended { ": a Rust application has ended it" } else { "" };
        return Ok(format!("session    none in this folder{why}\n"));
    };
    let bytes = fs::read(&path).map_err(failed)?;
    let written = fs::metadata(&path).and_then(|file| file.modified()).map_err(failed)?;
    let mut text = describe(&bytes, shown);
    if ended {
        text.push_str("ended      by a Rust application; Node has written it back\n");
    }
    text.push_str(&age(&bytes, millis(written), millis(now)));
    Ok(text)
}

/// Returns the file of a session: with the extension of session-file-store, or as node-session names it.
fn file(folder: &Path, id: &str) -> Option<PathBuf> {
    let names = [format!("{id}.json"), id.to_owned()];
    names.into_iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Returns whether one of the folders of marks has one for this id.
fn has_mark(marks: &Path, id: &str) -> io::Result<bool> {
    let days = match fs::read_dir(marks) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        days => days?,
    };
    for day in days {
        // Locks and files that are being written are there, too.
        if day?.path().join(id).is_file() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Describes when a session was used last, and whether it has expired, as far as its file tells.
fn age(bytes: &[u8], written: i64, now: i64) -> String {
    let body = Object::parse(bytes).ok();
    let last = body.as_ref().and_then(last_access);
    let mut text = format!("last used  {}\n", to_iso_string(last.unwrap_or(written)));
    let Some(body) = body else { return text };
    if is_file_expired(&body, now, i64::MAX) {
        text.push_str("expired    by the lifetime of its cookie\n");
    } else if is_file_expired(&body, now, HOUR) {
        text.push_str("expired    unless the option `ttl` of its store is more than an hour\n");
    }
    text
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const ID: &str = "Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf";
    const KEYS: Shown<'_> = Shown { secrets: &[], values: false };

    fn said(folder: &Path, id: &str) -> String {
        look(folder, id, UNIX_EPOCH + Duration::from_secs(4_000), &KEYS).unwrap()
    }

    #[test]
    fn a_file_of_session_file_store_is_described_with_its_last_use() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(said(folder.path(), ID), "session    none in this folder\n");
        let path = folder.path().join(format!("{ID}.json"));
        fs::write(&path, r#"{"cookie":{"originalMaxAge":null},"views":1,"__lastAccess":1000000}"#).unwrap();
        let text = said(folder.path(), ID);
        assert!(text.contains("  views: a number, 1 bytes\n"), "{text}");
        assert!(text.ends_with("last used  1970-01-01T00:16:40.000Z\n"), "{text}");
        fs::write(&path, r#"{"cookie":{"originalMaxAge":null},"views":1,"__lastAccess":1000}"#).unwrap();
        assert!(said(folder.path(), ID).contains("\nexpired    unless "));
        fs::write(&path, r#"{"cookie":{"originalMaxAge":60000},"__lastAccess":1000000}"#).unwrap();
        assert!(said(folder.path(), ID).contains("\nexpired    by the lifetime of its cookie\n"));
    }

    #[test]
    fn a_session_that_rust_has_ended_is_distinguished_from_one_that_never_was() {
        let folder = tempfile::tempdir().unwrap();
        let day = folder.path().join(ENDED).join("day-1");
        fs::create_dir_all(&day).unwrap();
        fs::write(day.join(ID), "").unwrap();
        fs::write(folder.path().join(ENDED).join("lock-1"), "").unwrap();
        assert!(said(folder.path(), ID).contains("none in this folder: a Rust application has ended it"));
        fs::write(folder.path().join(ID), "{}").unwrap();
        assert!(said(folder.path(), ID).contains("ended      by a Rust application"));
    }

    #[test]
    fn an_id_leads_to_no_other_folder_and_a_look_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret.json"), "{}").unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        assert!(said(&inner, "../secret").contains("no file can be named by this id"));
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 0);
        assert!(look(&folder.path().join("missing"), ID, UNIX_EPOCH, &KEYS).is_err());
    }
}
