//! The tables, in Markdown.

use std::fmt::Write;

use crate::measure::Cost;
use crate::scenario::{Scenario, Variant};
use crate::trips::Trips;

/// What is to be reached: instructions and allocations, in the order of [`Scenario::ALL`].
const TARGETS: [(i64, i64); 5] = [(3_069, 6), (6_300, 7), (9_000, 11), (9_000, 12), (2_480, 6)];

pub(crate) fn print(costs: &[Cost], trips: &[Trips]) -> String {
    let mut out = String::from("Beyond the bare handler, per request: instructions (allocations)\n\n| |");
    for scenario in Scenario::ALL {
        let _ = write!(out, " {} |", scenario.name());
    }
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(Scenario::ALL.len()));
    for variant in Variant::SESSIONS {
        let _ = write!(out, "\n| {} |", variant.name());
        for scenario in Scenario::ALL {
            if let Some(cost) = costs.iter().find(|cost| cost.variant == variant && cost.scenario == scenario)
            {
                let _ = write!(out, " {} ({}) |", cost.instructions, cost.allocations);
            }
        }
    }
    out.push_str("\n| to reach (cloakroom) |");
    for (instructions, allocations) in TARGETS {
        let _ = write!(out, " {instructions} ({allocations}) |");
    }
    out.push_str("\n\n");
    out.push_str(&print_trips(trips));
    out
}

pub(crate) fn print_trips(trips: &[Trips]) -> String {
    let mut out = String::from("Store trips per request\n\n| | at most | measured |\n|---|---|---|\n");
    for (what, most, measured) in trips {
        let _ = writeln!(out, "| {what} | {most} | {measured} |");
    }
    out
}
