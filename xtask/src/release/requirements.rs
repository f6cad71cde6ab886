//! What a crate must say of itself, and bring with it, before crates.io takes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use cargo_metadata::{DependencyKind, Metadata, Package, PackageId, semver::Version};

use crate::shell::{Result, root};

/// The texts that the licence expression names.
pub(super) const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

pub(super) fn check(metadata: &Metadata, packages: &[&Package]) -> Result {
    let mut wrong = Vec::new();
    for package in packages {
        let mut missing = missing(package);
        missing.extend(newer_dependencies(metadata, package));
        wrong.extend(missing.into_iter().map(|what| format!("{}: {what}", package.name)));
    }
    if wrong.is_empty() {
        println!("{} crates say what crates.io asks for", packages.len());
        return Ok(());
    }
    Err(format!("not to be published like this:\n    {}", wrong.join("\n    ")).into())
}

fn missing(package: &Package) -> Vec<String> {
    let said = [
        ("description", package.description.as_ref().is_some_and(|text| !text.is_empty())),
        ("license", package.license.is_some()),
        ("repository", package.repository.is_some()),
        ("homepage", package.homepage.is_some()),
        ("readme", package.readme.is_some()),
        ("rust-version", package.rust_version.is_some()),
        ("categories, at most 5", (1..=5).contains(&package.categories.len())),
        ("keywords, at most 5 of at most 20 letters", are_keywords(&package.keywords)),
        ("[package.metadata.docs.rs] all-features", !has_library(package) || docs_all_features(package)),
    ];
    let mut missing: Vec<_> =
        said.into_iter().filter(|(_, is_said)| !is_said).map(|(what, _)| what.to_owned()).collect();
    let folder = package.manifest_path.parent();
    missing.extend(LICENCES.into_iter().filter_map(|name| {
        let here = folder.map(|folder| folder.join(name)).and_then(|path| fs::read(path).ok());
        let is_whole = here.is_some() && here == fs::read(root().join(name)).ok();
        (!is_whole).then(|| format!("{name}, as it is in the root: a symbolic link to it"))
    }));
    missing
}

fn are_keywords(keywords: &[String]) -> bool {
    (1..=5).contains(&keywords.len()) && keywords.iter().all(|keyword| keyword.len() <= 20)
}

fn has_library(package: &Package) -> bool {
    package.targets.iter().any(|target| target.is_lib())
}

fn docs_all_features(package: &Package) -> bool {
    package.metadata["docs"]["rs"]["all-features"] == true
}

/// Finds dependencies that ask for a newer Rust than the crate states. What a feature brings may ask for more: a user of
/// the feature has it.
fn newer_dependencies(metadata: &Metadata, package: &Package) -> Vec<String> {
    let Some(stated) = &package.rust_version else { return Vec::new() };
    let known: BTreeMap<_, _> = metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let newer = |id: &&PackageId| known.get(*id).and_then(|found| newer_than(stated, found));
    needed(metadata, package).iter().filter_map(newer).collect()
}

fn newer_than(stated: &Version, package: &Package) -> Option<String> {
    let needed = package.rust_version.as_ref().filter(|needed| *needed > stated)?;
    Some(format!("rust-version is {stated}, and {} {} needs {needed}", package.name, package.version))
}

/// Returns all that a build of this package needs, apart from its own optional dependencies.
fn needed<'a>(metadata: &'a Metadata, package: &'a Package) -> BTreeSet<&'a PackageId> {
    let optional = package.dependencies.iter().filter(|dependency| dependency.optional);
    let optional: BTreeSet<_> = optional.map(|dependency| dependency.name.as_str()).collect();
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let nodes: BTreeMap<_, _> = nodes.map(|node| (&node.id, node)).collect();
    let name = |id: &PackageId| {
        metadata.packages.iter().find(|package| package.id == *id).map(|found| found.name.as_str())
    };
    let (mut needed, mut next) = (BTreeSet::new(), vec![&package.id]);
    while let Some(id) = next.pop() {
        let shipped = nodes.get(id).into_iter().flat_map(|node| &node.deps).filter(|dependency| {
            dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
        });
        for dependency in shipped {
            let is_optional =
                id == &package.id && name(&dependency.pkg).is_some_and(|name| optional.contains(name));
            if !is_optional && needed.insert(&dependency.pkg) {
                next.push(&dependency.pkg);
            }
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::are_keywords;

    #[test]
    fn keywords_are_few_and_short() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert!(are_keywords(&words(&["session", "cookie"])));
        assert!(!are_keywords(&[]));
        assert!(!are_keywords(&words(&["a", "b", "c", "d", "e", "f"])));
        assert!(!are_keywords(&words(&["a-keyword-that-is-too-long"])));
    }
}
