//! Presets: the defaults and behaviours of each package, for an engine that shares its sessions.

mod cookie_options;
mod express;
mod koa;
mod node_session;
mod signed_cookies;
mod social_tables;

pub use express::Express;
pub use koa::Koa;
pub use node_session::NodeSession;
pub use social_tables::SocialTables;

use std::fmt;
use std::time::Duration;

use crate::cookie::Attributes;

/// How often what has expired is removed, where the server does not do it: as the packages that keep rows do.
const SWEEP_INTERVAL: Duration = Duration::from_secs(15 * 60);

/// The secrets of a preset. `Debug` does not show them.
#[derive(Clone)]
struct Secrets(Vec<Vec<u8>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

/// Makes the attributes of a cookie whose lifetime is decided by the engine.
fn without_lifetime(attributes: &Attributes) -> Attributes {
    Attributes { max_age: None, expires: None, ..attributes.clone() }
}

#[cfg(test)]
mod tests {
    use super::{Express, Koa, NodeSession, SocialTables};

    #[test]
    fn the_debug_text_of_a_preset_does_not_show_its_secrets() {
        let secret = "z";
        let shown = [
            format!("{:?}", Express::new([secret]).unwrap()),
            format!("{:?}", Koa::new([secret]).unwrap()),
            format!("{:?}", NodeSession::new([secret]).unwrap()),
            format!("{:?}", SocialTables::new([secret]).unwrap()),
        ];
        for text in shown {
            assert!(!text.contains("122") && text.contains("1 secrets"), "{text}");
        }
    }
}
