//! What every pair can do, whatever its store.

use cloakroom_node_oracle::{Browser, NodeApp, Result, RustApp};

/// A Node application and a Rust application that share a store.
pub(crate) struct Pair {
    pub(crate) node: NodeApp,
    pub(crate) rust: RustApp,
}

impl Pair {
    /// Returns the ports of both, the one that begins first.
    pub(crate) fn from(&self, node_begins: bool) -> (u16, u16) {
        let (node, rust) = (self.node.port(), self.rust.port());
        if node_begins { (node, rust) } else { (rust, node) }
    }
}

pub(crate) async fn counts_on(pair: &Pair) -> Result {
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        for round in 0..10 {
            let port = if round % 2 == 0 { first } else { second };
            let count = browser.text(port, "/count").await?;
            assert_eq!(count, (round + 1).to_string(), "node begins: {node_begins}");
        }
        assert_eq!(browser.text(first, "/id").await?, browser.text(second, "/id").await?, "one session");
    }
    Ok(())
}

pub(crate) async fn values_of_every_kind_pass(pair: &Pair) -> Result {
    let values = [
        "null",
        "true",
        "0",
        "-1.5",
        "1e21",
        "\"\"",
        "\"caf%C3%A9%20%F0%9F%98%80\"",
        "[]",
        "[1,[2,{\"a\":null}]]",
        "{\"b\":1,\"a\":2}",
    ];
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        for value in values {
            let mut browser = Browser::new();
            browser.text(first, "/count").await?;
            browser.text(first, &format!("/set?key=value&value={}", value.replace('"', "%22"))).await?;
            let (here, there) =
                (browser.text(first, "/get?key=value").await?, browser.text(second, "/get?key=value").await?);
            assert_eq!(read(&here)?, read(&there)?, "{value}");
            assert_eq!(browser.text(second, "/count").await?, "2");
        }
    }
    Ok(())
}

/// Reads JSON as JavaScript does: `1.0` is `1`.
fn read(text: &str) -> Result<serde_json::Value> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    Ok(value.as_f64().map_or(value, Into::into))
}

pub(crate) async fn an_end_on_either_side_is_one_on_the_other(pair: &Pair) -> Result {
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        browser.text(first, "/count").await?;
        let copy = browser.clone();
        browser.text(second, "/destroy").await?;
        for port in [first, second] {
            assert_eq!(copy.clone().text(port, "/views").await?, "0", "node begins: {node_begins}");
        }
        assert_eq!(browser.text(first, "/count").await?, "1");
    }
    Ok(())
}

pub(crate) async fn a_new_id_on_either_side_goes_on(pair: &Pair) -> Result {
    for node_begins in [true, false] {
        let (first, second) = pair.from(node_begins);
        let mut browser = Browser::new();
        browser.text(first, "/count").await?;
        let old = browser.clone();
        browser.text(second, "/renew").await?;
        assert_ne!(old.jar(), browser.jar(), "there is a new cookie");
        for port in [first, second] {
            assert_eq!(browser.text(port, "/views").await?, "1", "node begins: {node_begins}");
        }
        assert_eq!(browser.text(first, "/count").await?, "2");
    }
    Ok(())
}
