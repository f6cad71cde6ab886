//! The trips that a request makes to each store, counted on the wire and put into the documents.

use std::fs;
use std::process::Command;

use cloakroom_services::Service;

use crate::services;
use crate::shell::{Result, cargo, root, run as execute, run_and_see, step};

const PAGE: &str = "docs/trips.md";
const BEGIN: &str = "<!-- made by cargo xtask trips: begin -->\n";
const END: &str = "<!-- made by cargo xtask trips: end -->\n";

/// One server each.
const SERVERS: [Service; 7] = [
    Service::Redis,
    Service::Postgres,
    Service::Mariadb,
    Service::Mongodb,
    Service::Memcached,
    Service::Etcd,
    Service::Dynamodb,
];

pub(crate) fn run() -> Result {
    // The features of the tests, so that nothing is built twice.
    const BUILD: &str =
        "build --workspace --exclude cloakroom-browser-tests --all-features --bin cloakroom --bin trips";
    step("build", || execute(&mut cargo(BUILD)))?;
    let mut table = String::new();
    step("trips", || {
        services::with(&SERVERS, |variables| {
            let built = root().join("target/debug");
            let mut command = Command::new(built.join("trips"));
            command.arg(built.join("cloakroom"));
            command.envs(variables.iter().map(|(name, value)| (name, value)));
            run_and_see(&mut command, |line| {
                table.push_str(line);
                table.push('\n');
            })
        })
    })?;
    let page = fs::read_to_string(root().join(PAGE))?;
    let page =
        replaced(&page, &table).ok_or("docs/trips.md has lost the lines between which the table is")?;
    Ok(fs::write(root().join(PAGE), page)?)
}

/// Returns the page with another table.
fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_replaced_and_nothing_else() {
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        assert_eq!(replaced(&page, "new").unwrap(), format!("before\n{BEGIN}\nnew\n{END}after\n"));
        assert_eq!(replaced("no lines", "new"), None);
    }
}
