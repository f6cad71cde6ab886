//! In which order crates are published: each after those that it needs.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Package};

use crate::shell::Result;

pub(super) fn print(packages: &[&Package]) -> Result {
    for (number, package) in (1..).zip(of(packages)?) {
        println!("{number:>2}. {} {}", package.name, package.version);
    }
    Ok(())
}

/// Returns the packages in the order of publishing. An error names those that wait for each other.
pub(super) fn of<'a>(packages: &[&'a Package]) -> Result<Vec<&'a Package>> {
    let names: Vec<_> = packages.iter().map(|package| (package.name.as_str(), needs(package))).collect();
    let order = sorted(&names)?;
    let named = |name| packages.iter().copied().find(|package| package.name.as_str() == name);
    Ok(order.into_iter().filter_map(named).collect())
}

/// Returns what must be on the registry first. A dependency of tests that has no version is left out when a crate is
/// published; with a version, it would have to be there too.
fn needs(package: &Package) -> Vec<&str> {
    let ours = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
    let named = ours.filter(|dependency| {
        dependency.kind != DependencyKind::Development || dependency.req.to_string() != "*"
    });
    named.map(|dependency| dependency.name.as_str()).collect()
}

fn sorted<'a>(needs: &[(&'a str, Vec<&'a str>)]) -> Result<Vec<&'a str>> {
    let mut order: Vec<&str> = Vec::new();
    let mut left: BTreeSet<_> = needs.iter().map(|(name, _)| *name).collect();
    while !left.is_empty() {
        let ready = |name: &&str| {
            let mut needed = needs.iter().filter(|(of, _)| of == name).flat_map(|(_, needed)| needed);
            needed.all(|needed| order.contains(needed))
        };
        let Some(next) = left.iter().copied().find(ready) else {
            let left: Vec<_> = left.into_iter().collect();
            return Err(format!(
                "these wait for each other, or for a crate that is not published: {}",
                left.join(", ")
            )
            .into());
        };
        left.remove(next);
        order.push(next);
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::sorted;

    #[test]
    fn a_crate_is_published_after_those_that_it_needs() {
        let needs = [("a", vec!["b", "c"]), ("b", vec!["c"]), ("c", vec![])];
        assert_eq!(sorted(&needs).unwrap(), ["c", "b", "a"]);
    }

    #[test]
    fn crates_that_wait_for_each_other_are_named() {
        let error = sorted(&[("a", vec!["b"]), ("b", vec!["a"]), ("c", vec![])]).unwrap_err().to_string();
        assert!(error.ends_with(": a, b"), "{error}");
    }

    #[test]
    fn a_crate_that_is_not_published_cannot_be_needed() {
        assert!(sorted(&[("a", vec!["private"])]).is_err());
    }
}
