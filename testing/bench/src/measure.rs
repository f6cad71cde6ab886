//! Instructions and allocations, by valgrind.

use std::error::Error;
use std::process::Command;

use crate::scenario::{Scenario, Variant};

/// What a session costs a request, beyond the bare handler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) variant: Variant,
    pub(crate) scenario: Scenario,
    pub(crate) instructions: i64,
    pub(crate) allocations: i64,
}

/// How many requests the shorter run makes; the longer one makes twice as many.
const TIMES: u32 = 2_000;

pub(crate) fn all() -> Result<Vec<Cost>, Box<dyn Error>> {
    let mut costs = Vec::new();
    for scenario in Scenario::ALL {
        let (bare_instructions, bare_allocations) = of(Variant::Bare, scenario)?;
        for variant in Variant::SESSIONS {
            let (instructions, allocations) = of(variant, scenario)?;
            costs.push(Cost {
                variant,
                scenario,
                instructions: instructions - bare_instructions,
                allocations: allocations - bare_allocations,
            });
        }
    }
    Ok(costs)
}

/// Instructions and allocations of one request.
fn of(variant: Variant, scenario: Scenario) -> Result<(i64, i64), Box<dyn Error>> {
    let command = ["run", &variant.name(), &scenario.name()];
    let allocations = per_request("dhat", &command, TIMES, blocks)?;
    Ok((per_request("callgrind", &command, TIMES, instructions)?, allocations))
}

/// Instructions of one request of another command of this program, whose last argument is how many to make.
pub(crate) fn instructions_of(command: &[&str]) -> Result<i64, Box<dyn Error>> {
    per_request("callgrind", command, TIMES / 10, instructions)
}

fn per_request(
    tool: &str,
    command: &[&str],
    times: u32,
    read: fn(&str) -> Option<i64>,
) -> Result<i64, Box<dyn Error>> {
    let once = valgrind(tool, command, times, read)?;
    let twice = valgrind(tool, command, 2 * times, read)?;
    Ok((twice - once + i64::from(times) / 2) / i64::from(times))
}

fn valgrind(
    tool: &str,
    command: &[&str],
    times: u32,
    read: fn(&str) -> Option<i64>,
) -> Result<i64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .arg(format!("--tool={tool}"))
        .arg(format!("--{tool}-out-file=/dev/null"))
        .arg(std::env::current_exe()?)
        .args(command)
        .arg(times.to_string())
        .output()
        .map_err(|error| format!("valgrind does not start ({error}); on Debian: apt-get install valgrind"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    read(&said).filter(|_| output.status.success()).ok_or_else(|| format!("valgrind failed:\n{said}").into())
}

/// callgrind's line `Collected : 123`.
fn instructions(said: &str) -> Option<i64> {
    number(said.lines().find(|line| line.contains("Collected"))?.rsplit(':').next()?)
}

/// dhat's line `Total: 1,234 bytes in 56 blocks`.
fn blocks(said: &str) -> Option<i64> {
    number(said.lines().find(|line| line.contains("Total:"))?.split(" in ").nth(1)?)
}

fn number(text: &str) -> Option<i64> {
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
}
