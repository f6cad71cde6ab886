//! What was measured, as a row of a table.

/// Requests a second, bare and with Cloakroom, of each turn.
pub(crate) type Turn = (f64, f64);

/// A row: medians of both, and the median of the ratios of neighbours.
pub(crate) fn line(database: &str, path: &str, turns: &[Turn]) -> String {
    let bare = median(turns.iter().map(|(bare, _)| *bare).collect());
    let ours = median(turns.iter().map(|(_, ours)| *ours).collect());
    let ratio = median(turns.iter().map(|(bare, ours)| ours / bare).collect());
    format!("| {database} | {} | {bare:.0} | {ours:.0} | {ratio:.2} |", path.trim_start_matches('/'))
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_medians_and_the_ratio_of_neighbours() {
        let turns = [(100.0, 90.0), (200.0, 190.0), (1_000.0, 10.0)];
        assert_eq!(line("Redis", "/read", &turns), "| Redis | read | 200 | 90 | 0.90 |");
    }
}
