//! What a fast store in front of a durable one promises, on every pair: see `tests/tiers`.
