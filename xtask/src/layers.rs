//! Which crates may depend on which: the arrows between them point one way, and this checks it.

mod rules;

use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};

use crate::shell::{Result, root};
use rules::{Layer, Reach};

pub(crate) fn run() -> Result {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    let violations: Vec<_> =
        metadata.packages.iter().flat_map(|package| violations(&metadata, package)).collect();
    if violations.is_empty() {
        println!("{} crates depend on what their layer may depend on", metadata.packages.len());
        return Ok(());
    }
    Err(format!("broken rules:\n    {}", violations.join("\n    ")).into())
}

fn violations(metadata: &Metadata, package: &Package) -> Vec<String> {
    let Some(from) = layer(metadata, package) else {
        return vec![format!(
            "{}: its folder belongs to no layer; give it one in xtask/src/layers/rules.rs",
            package.name
        )];
    };
    let mut violations: Vec<_> = package
        .dependencies
        .iter()
        .filter_map(|dependency| {
            let rule = broken_rule(metadata, from, dependency)?;
            Some(format!("{} -> {}: {rule}", package.name, dependency.name))
        })
        .collect();
    // What a feature brings is the application's choice.
    let always = package.dependencies.iter().filter(|dependency| !dependency.optional);
    let foreign = always.filter(|dependency| is_shipped_and_foreign(dependency)).count();
    violations.extend(rules::too_many(from, foreign).map(|rule| format!("{}: {rule}", package.name)));
    violations
}

fn broken_rule(metadata: &Metadata, from: Layer, dependency: &Dependency) -> Option<&'static str> {
    let reach = match dependency.kind {
        DependencyKind::Development => Reach::TestsOnly,
        _ => Reach::Shipped,
    };
    let mut inside = metadata.packages.iter().filter(|_| dependency.path.is_some());
    match inside.find(|package| *package.name == dependency.name) {
        Some(package) => layer(metadata, package).and_then(|to| rules::inside(from, to, reach)),
        None => rules::outside(from, &dependency.name, reach),
    }
}

fn is_shipped_and_foreign(dependency: &Dependency) -> bool {
    dependency.path.is_none() && dependency.kind != DependencyKind::Development
}

fn layer(metadata: &Metadata, package: &Package) -> Option<Layer> {
    let folder = package.manifest_path.parent()?.strip_prefix(&metadata.workspace_root).ok()?;
    Layer::of(folder.as_str())
}
