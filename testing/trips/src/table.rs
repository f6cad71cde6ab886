//! The table, as Markdown.

use std::fmt::Write;

use crate::scenario::Scenario;

/// A store's trips, in the order of the scenarios.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) trips: Vec<usize>,
}

pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut table = String::from("| store |");
    let names = Scenario::ALL.iter().map(|scenario| scenario.name());
    let _ = writeln!(table, " {} |", names.collect::<Vec<_>>().join(" | "));
    let _ = writeln!(table, "|---|{}", "---|".repeat(Scenario::ALL.len()));
    for Row { name, trips } in rows {
        let trips: Vec<_> = trips.iter().map(usize::to_string).collect();
        let _ = writeln!(table, "| {name} | {} |", trips.join(" | "));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_row() {
        let rows = [Row { name: "Redis", trips: (0..9).collect() }];
        let table = markdown(&rows);
        assert!(table.starts_with("| store | untouched | read |"), "{table}");
        assert!(table.ends_with("| Redis | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 |\n"), "{table}");
    }
}
