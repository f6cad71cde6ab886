//! The session that every scenario begins with: about 1 KB.

use serde_json::{Value, json};

/// A user id, a CSRF value, a counter and a cart of ten.
pub(crate) fn values() -> Vec<(&'static str, Value)> {
    let cart: Vec<Value> = (0..10)
        .map(|n| json!({"sku": format!("COAT-{n:05}"), "title": format!("A coat of colour {n}"), "quantity": n, "cents": 4999 + n}))
        .collect();
    vec![
        ("user_id", json!(4711)),
        ("csrf", json!("q2S0bYwq0d6mN3oZ8rT5vX1yK7eJ4hUa")),
        ("visits", json!(1)),
        ("cart", json!(cart)),
    ]
}
