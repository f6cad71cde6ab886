//! The table, as Markdown.

use std::fmt::Write;

use crate::scenario::Scenario;

/// A store's trips, in the order of the scenarios.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) trips: Vec<Option<usize>>,
}

pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut table = String::from("| store |");
    let names = Scenario::ALL.iter().map(|scenario| scenario.name());
    let _ = writeln!(table, " {} |", names.collect::<Vec<_>>().join(" | "));
    let _ = writeln!(table, "|---|{}", "---|".repeat(Scenario::ALL.len()));
    for Row { name, trips } in rows {
        let trips = trips.iter().map(|trips| trips.map_or_else(|| "–".into(), |trips| trips.to_string()));
        let trips: Vec<String> = trips.collect();
        let _ = writeln!(table, "| {name} | {} |", trips.join(" | "));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_row() {
        let rows = [Row { name: "Redis", trips: (0..8).map(Some).chain([None]).collect() }];
        let table = markdown(&rows);
        assert!(table.starts_with("| store | untouched | read |"), "{table}");
        assert!(table.ends_with("| Redis | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | – |\n"), "{table}");
    }
}
