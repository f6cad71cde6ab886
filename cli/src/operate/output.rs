//! Sessions as lines: of a table, or of JSON.

use cloakroom_tower::SessionInfo;

use super::moment;

/// The title of a table of sessions.
pub(super) const TITLE: &str =
    "session                 user                      last used             ends                  device";

/// Formats a session as a line of the table.
pub(super) fn line(info: &SessionInfo) -> String {
    let user = info.user.as_deref().map_or_else(|| "-".to_owned(), printable);
    let device = info.device.as_deref().map_or_else(|| "-".to_owned(), printable);
    let (last, ends) = (moment(info.last_seen), moment(info.expires_at));
    format!("{}  {user:24}  {last:20}  {ends:20}  {device}", info.public_id)
}

/// Formats a session as JSON, with the fields of [`SessionInfo`].
pub(super) fn json(info: &SessionInfo) -> serde_json::Value {
    serde_json::to_value(info).unwrap_or_default()
}

/// Returns a text whose control characters a terminal does not obey: a client chooses the name of its device.
pub(crate) fn printable(text: &str) -> String {
    let is_plain = |letter: char| !letter.is_control() && !is_invisible(letter);
    text.chars().fold(String::with_capacity(text.len()), |mut out, letter| {
        if is_plain(letter) {
            out.push(letter);
        } else {
            out.extend(letter.escape_unicode());
        }
        out
    })
}

/// Returns whether it turns the direction of the text that follows, or shows nothing.
const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_speak_to_the_terminal() {
        assert_eq!(printable("alice\u{1b}[2J\n\u{202e}x"), "alice\\u{1b}[2J\\u{a}\\u{202e}x");
        assert_eq!(printable("Zoë (Firefox)"), "Zoë (Firefox)");
    }
}
