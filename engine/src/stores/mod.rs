//! The stores that need no server.
