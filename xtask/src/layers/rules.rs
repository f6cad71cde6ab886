//! The rules themselves, without cargo.

/// What a crate is, which its folder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Contract,
    /// The suite that tests the contract.
    Conformance,
    Engine,
    Store,
    /// A store without a server, or one that combines two: the engine re-exports it.
    BuiltIn,
    Adapter,
    /// The bytes of other software's sessions.
    Format,
    /// The keys that seal, which a store and an adapter share.
    Sealing,
    /// Servers and their faults, for tests that need a server. Never shipped.
    Aid,
    /// A command, an example, a test or a bench.
    Leaf,
}

impl Layer {
    /// Returns the layer of a crate in this folder of the workspace.
    pub(super) fn of(folder: &str) -> Option<Self> {
        let (top, rest) = folder.split_once('/').unwrap_or((folder, ""));
        Some(match (top, rest) {
            ("contract", "") => Self::Contract,
            ("engine", "") => Self::Engine,
            ("sealing", "") => Self::Sealing,
            ("testing", "conformance") => Self::Conformance,
            ("testing", "services") => Self::Aid,
            ("stores", "cached" | "file" | "memory" | "migrating") => Self::BuiltIn,
            ("stores", _) => Self::Store,
            ("adapters", _) => Self::Adapter,
            ("formats", _) => Self::Format,
            ("cli" | "xtask" | "examples" | "testing", _) => Self::Leaf,
            _ => return None,
        })
    }
}

/// Whether a dependency reaches users of the crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Shipped,
    TestsOnly,
}

/// Returns the rule that is broken when a crate of layer `from` depends on one of layer `to`.
pub(super) fn inside(from: Layer, to: Layer, reach: Reach) -> Option<&'static str> {
    use Layer::{Adapter, Aid, BuiltIn, Conformance, Contract, Engine, Format, Leaf, Sealing, Store};
    match (from, to) {
        (_, Leaf) => Some("no crate depends on a command, an example, a test or a bench"),
        _ if reach == Reach::TestsOnly => None,
        (Leaf | Aid, Aid) | (Aid, Contract) => None,
        (_, Aid) => Some("only tests, benches and commands that run them start servers"),
        (Aid, _) => Some("what starts servers knows the contract at most"),
        (Contract, _) => Some("the contract depends on no crate of the workspace"),
        (Sealing, _) => Some("the keys that seal depend on no crate of the workspace"),
        (Engine | Store | BuiltIn | Conformance, Contract)
        | (Engine, BuiltIn)
        | (Adapter | Format, Engine)
        | (Store | Adapter, Sealing)
        | (Leaf, _) => None,
        (Engine, _) => Some("the engine depends on the contract, and re-exports the stores without a server"),
        (Store, _) => Some(
            "a store depends on the contract and on the keys that seal: it never meets the engine, nor an adapter",
        ),
        (BuiltIn, _) => Some("a store without a server depends on the contract only"),
        (Conformance, _) => Some("the conformance suite depends on the contract only"),
        (Adapter, _) => {
            Some("an adapter depends on the engine and on the keys that seal: it never meets a store")
        }
        (Format, _) => Some("a format depends on the engine only"),
    }
}

/// Web frameworks and their building blocks, which are for adapters and leaves.
const FRAMEWORKS: [&str; 11] = [
    "actix-web",
    "axum",
    "axum-core",
    "hyper",
    "poem",
    "rocket",
    "salvo",
    "tower",
    "tower-layer",
    "tower-service",
    "warp",
];

/// Returns the rule that is broken when a crate of layer `from` depends on the foreign crate `name`.
pub(super) fn outside(from: Layer, name: &str, reach: Reach) -> Option<&'static str> {
    // Only the crate of a type may implement a foreign trait for it: the engine's error is a response by itself.
    let is_own_error = from == Layer::Engine && name == "axum-core";
    let meets_frameworks = matches!(from, Layer::Adapter | Layer::Leaf) || is_own_error;
    let broken = reach == Reach::Shipped && !meets_frameworks && FRAMEWORKS.contains(&name);
    broken.then_some("only an adapter meets a web framework")
}

/// Returns the rule that is broken when a crate of layer `from` always ships `foreign` dependencies from outside the workspace.
pub(super) fn too_many(from: Layer, foreign: usize) -> Option<&'static str> {
    (from == Layer::Contract && foreign > 3)
        .then_some("the contract always has at most three foreign dependencies")
}

#[cfg(test)]
mod tests {
    use super::{Layer::*, Reach::*, *};

    const ALL: [Layer; 10] =
        [Contract, Conformance, Engine, Store, BuiltIn, Adapter, Format, Sealing, Aid, Leaf];

    fn may_ship(from: Layer) -> Vec<Layer> {
        ALL.into_iter().filter(|to| inside(from, *to, Shipped).is_none()).collect()
    }

    #[test]
    fn the_contract_and_the_keys_that_seal_depend_on_no_crate() {
        assert_eq!(may_ship(Contract), []);
        assert_eq!(may_ship(Sealing), []);
    }

    #[test]
    fn the_stores_and_the_suite_depend_on_the_contract_and_stores_may_seal() {
        for from in [BuiltIn, Conformance] {
            assert_eq!(may_ship(from), [Contract]);
        }
        assert_eq!(may_ship(Store), [Contract, Sealing]);
    }

    #[test]
    fn the_engine_depends_on_the_contract_and_on_the_stores_that_it_brings() {
        assert_eq!(may_ship(Engine), [Contract, BuiltIn]);
    }

    #[test]
    fn adapters_and_formats_depend_on_the_engine_and_adapters_may_seal() {
        assert_eq!(may_ship(Adapter), [Engine, Sealing]);
        assert_eq!(may_ship(Format), [Engine]);
    }

    #[test]
    fn what_starts_servers_knows_the_contract_at_most_and_is_never_shipped() {
        assert_eq!(may_ship(Aid), [Contract, Aid]);
        for from in [Contract, Conformance, Engine, Store, BuiltIn, Adapter, Format, Sealing] {
            assert_eq!(inside(from, Aid, TestsOnly), None);
            assert!(inside(from, Aid, Shipped).is_some(), "{from:?}");
        }
    }

    #[test]
    fn leaves_depend_on_anything_but_leaves() {
        assert_eq!(may_ship(Leaf), ALL[..9]);
    }

    #[test]
    fn tests_depend_on_anything_but_leaves() {
        for from in ALL {
            for to in ALL {
                assert_eq!(inside(from, to, TestsOnly).is_some(), to == Leaf, "{from:?} -> {to:?}");
            }
        }
    }

    #[test]
    fn only_adapters_and_leaves_meet_a_framework() {
        for from in ALL {
            assert_eq!(outside(from, "axum", Shipped).is_none(), [Adapter, Leaf].contains(&from), "{from:?}");
            assert_eq!(outside(from, "axum", TestsOnly), None);
            assert_eq!(outside(from, "bytes", Shipped), None);
        }
        assert_eq!(outside(Engine, "axum-core", Shipped), None, "its error is a response");
        assert!(outside(Store, "axum-core", Shipped).is_some());
    }

    #[test]
    fn the_contract_has_at_most_three_foreign_dependencies() {
        assert_eq!(too_many(Contract, 3), None);
        assert!(too_many(Contract, 4).is_some());
        assert_eq!(too_many(Store, 4), None);
    }

    #[test]
    fn a_folder_says_the_layer() {
        assert_eq!(Layer::of("contract"), Some(Contract));
        assert_eq!(Layer::of("stores/sqlite"), Some(Store));
        assert_eq!(Layer::of("testing/conformance"), Some(Conformance));
        assert_eq!(Layer::of("testing/services"), Some(Aid));
        assert_eq!(Layer::of("testing/bench"), Some(Leaf));
        assert_eq!(Layer::of("contract/inner"), None);
        assert_eq!(Layer::of("somewhere"), None);
    }
}
