//! Asks for confirmation before a step that is probably a mistake.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::trouble::Trouble;

/// Asks whether to go on although the old store is empty. Without a terminal, the answer counts as no.
pub(super) fn go_on_without_sessions(place: &str) -> Result<(), Trouble> {
    let refused = |hint: &str| {
        Trouble::failure(format!(
            "FROM holds no sessions ({place}), so nothing was done; is it the right store?{hint}"
        ))
    };
    let mut input = io::stdin().lock();
    if !input.is_terminal() {
        return Err(refused(" With --yes it goes on"));
    }
    let _ = write!(io::stderr(), "FROM holds no sessions ({place}). Go on? [y/N] ")
        .and_then(|()| io::stderr().flush());
    if is_yes(&mut input) { Ok(()) } else { Err(refused("")) }
}

/// Returns whether the answer is yes.
pub(crate) fn is_yes(input: &mut impl BufRead) -> bool {
    let mut line = String::new();
    let read = input.read_line(&mut line).is_ok();
    read && matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f36_only_a_yes_is_one() {
        for (typed, yes) in
            [("y\n", true), ("Yes\n", true), ("\n", false), ("", false), ("no\n", false), ("yeah", false)]
        {
            assert_eq!(is_yes(&mut typed.as_bytes()), yes, "{typed:?}");
        }
    }
}
