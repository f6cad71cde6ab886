//! What sessions of an Express application cannot keep, each with the reason.

use crate::Kind;

const FIRST: &str = "of several cookies of one name the first counts, as in Express";
const BY_TIME: &str =
    "an id is not renewed by time: Express sends its cookie with every write, which would bring old ids back";
const FIVE: &str = "a body remembers five commits";
const COOKIE: &str = "the cookie is that of Express, with its name, its attributes and its signature";
const STAYS: &str = "the cookie of a session that has ended stays in the browser, as in Express";
const SERVER: &str = "the server's clock decides what expires, which a test cannot move";

const ROWS: &str = "rows of options and of security are about our own cookies and records; those of Express are in docs/node-behaviours.md";

/// Races by the beginning of their name.
const OF_EXPRESS: [(&str, &str); 17] = [
    ("s12_a_log_out_ends_another_session", FIRST),
    ("s12_a_log_out_ends_the_session", FIRST),
    ("s12_a_log_out_that_", FIRST),
    ("s12_a_log_out_whose_answers_are_lost", FIRST),
    ("s12_a_writer_of_another_session", FIRST),
    ("s12_what_ends_a_session", FIRST),
    ("s13_a_quiet_handle_finds", BY_TIME),
    ("s13_a_quiet_handle_says", BY_TIME),
    ("s5_a_renewal_that_comes_due", BY_TIME),
    ("s6_reordered_responses", BY_TIME),
    ("clone_a_task_that_outlives_the_response", BY_TIME),
    ("never_27_", BY_TIME),
    ("s9_up_to_fifteen_commits", FIVE),
    ("clone_a_log_out_during_a_save", STAYS),
    ("never_12_", COOKIE),
    ("never_13_", COOKIE),
    ("never_16_", COOKIE),
];
/// The same, where no test can move the clock.
const ON_SERVER_CLOCK: [(&str, &str); 11] = [
    ("s15_an_unused_session_ends", SERVER),
    ("s4_logout_while_a_touch", SERVER),
    ("a_clock_that_jumps_forward", SERVER),
    ("never_21_", SERVER),
    ("never_04_a_failed_load", SERVER),
    ("never_04_an_outage_under", SERVER),
    ("s10_a_first_writer_cut_at_each_step", SERVER),
    ("s10_a_writer_cut_before_it_commits", SERVER),
    ("s10_http2_a_writer_reset_in_its_handler", SERVER),
    ("s13_a_handler_that_takes_longer", SERVER),
    ("s14_a_save_says_that_the_session_has_run_out", SERVER),
];
/// Cookies and records of our own format, which these look into.
const OF_OURS: [(&str, &str); 2] = [("never_28_", COOKIE), ("never_30_", COOKIE)];

/// Returns whether a test is of a row of docs/parity.md or SECURITY.md: `a12_…`, `b3_…`, `r07_…`.
fn is_row_of_options(name: &str) -> bool {
    let row = name.strip_prefix(['a', 'b', 'c', 'r']);
    row.is_some_and(|number| number.starts_with(|first: char| first.is_ascii_digit()))
}

impl Kind {
    /// Returns why a race of this name does not apply; `None` if it does.
    pub fn leaves_out(self, name: &str) -> Option<&'static str> {
        if !self.is_express() {
            return None;
        }
        if is_row_of_options(name) {
            return Some(ROWS);
        }
        let on_server = ON_SERVER_CLOCK.iter().filter(|_| !self.goes_by_our_clock());
        let mut all = OF_EXPRESS.iter().chain(&OF_OURS).chain(on_server);
        all.find(|(beginning, _)| name.starts_with(beginning)).map(|(_, reason)| *reason)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{OF_EXPRESS, OF_OURS, ON_SERVER_CLOCK};

    #[test]
    fn every_beginning_is_that_of_a_race() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/races");
        let files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        let races: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        for (beginning, _) in OF_EXPRESS.iter().chain(&OF_OURS).chain(&ON_SERVER_CLOCK) {
            assert!(races.contains(&format!("async fn {beginning}")), "{beginning}");
        }
    }
}
