//! Routing: the node of a cluster that commands are for.

use redis::cluster_routing::{Route, SingleNodeRoutingInfo, Slot, SlotAddr};
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// Where commands go in a cluster; a single server gets everything.
#[derive(Clone, Debug)]
pub(crate) enum Aim {
    /// The master that has the slot of this key.
    Key(Box<[u8]>),
    /// Any master.
    Anyone,
    /// This node.
    Node(Node),
    /// This node, which is just being given the slot.
    Asking(Node),
}

/// The address of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Aim {
    pub(crate) fn key(name: &str) -> Self {
        Self::Key(name.as_bytes().into())
    }

    /// Reads the node that a server names as the new place of the slot.
    pub(super) fn asked(error: &RedisError) -> Option<Self> {
        if error.kind() != ErrorKind::Server(ServerErrorKind::Ask) {
            return None;
        }
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        Some(Self::Asking(Node { host: host.into(), port: port.parse().ok()? }))
    }

    pub(super) fn route(&self) -> SingleNodeRoutingInfo {
        match self {
            Self::Key(key) => {
                SingleNodeRoutingInfo::SpecificNode(Route::with_slot(Slot::for_key(key), SlotAddr::Master))
            }
            Self::Anyone => SingleNodeRoutingInfo::RandomPrimary,
            Self::Node(node) | Self::Asking(node) => {
                SingleNodeRoutingInfo::ByAddress { host: node.host.clone(), port: node.port }
            }
        }
    }
}
