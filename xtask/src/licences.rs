//! Every dependency's licence is one of those that deny.toml allows: checked here too, because cargo-deny may be missing.

use std::{collections::BTreeSet, fs};

use cargo_metadata::{CargoOpt, MetadataCommand, Package};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::shell::{Result, root};

pub(crate) fn run() -> Result {
    let allowed = allowed()?;
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .exec()?;
    let refused: Vec<_> = metadata.packages.iter().filter_map(|package| refusal(package, &allowed)).collect();
    if refused.is_empty() {
        println!("{} packages have licences that deny.toml allows", metadata.packages.len());
        return Ok(());
    }
    Err(format!("not allowed by deny.toml:\n    {}", refused.join("\n    ")).into())
}

/// The part of deny.toml that is read here.
#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

fn allowed() -> Result<BTreeSet<String>> {
    let deny: Deny = toml::from_str(&fs::read_to_string(root().join("deny.toml"))?)?;
    Ok(deny.licenses.allow)
}

fn refusal(package: &Package, allowed: &BTreeSet<String>) -> Option<String> {
    let licence = package.license.as_deref().unwrap_or("no licence expression");
    (!is_allowed(licence, allowed)).then(|| format!("{} {}: {licence}", package.name, package.version))
}

/// Returns whether the expression can be met by allowed licences alone. Text that is not a licence expression is refused.
fn is_allowed(licence: &str, allowed: &BTreeSet<String>) -> bool {
    // Old packages write `MIT/Apache-2.0`, which the lax mode reads as `OR`.
    Expression::parse_mode(licence, ParseMode::LAX)
        .is_ok_and(|expression| expression.evaluate(|licence| allowed.contains(&licence.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed_with(licence: &str) -> bool {
        let allowed = ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
        is_allowed(licence, &allowed.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn one_of_several_licences_is_enough() {
        assert!(allowed_with("GPL-3.0 OR MIT"));
        assert!(allowed_with("MIT/Apache-2.0"));
    }

    #[test]
    fn all_of_joined_licences_are_needed() {
        assert!(allowed_with("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!allowed_with("MIT AND GPL-3.0-only"));
    }

    #[test]
    fn an_exception_belongs_to_the_licence() {
        assert!(allowed_with("Apache-2.0 WITH LLVM-exception"));
        assert!(!allowed_with("Apache-2.0"));
    }

    #[test]
    fn an_invalid_licence_expression_is_refused() {
        assert!(!allowed_with("no licence expression"));
        assert!(!allowed_with(""));
    }

    #[test]
    fn deny_toml_is_read() {
        assert!(allowed().unwrap().contains("MIT"));
    }
}
