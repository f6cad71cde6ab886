//! Every method is one atomic step, whatever else happens at the same time.

mod beside;
mod contest;
mod crowd;
mod dropped;
mod owned;

pub(crate) use beside::*;
pub(crate) use contest::*;
pub(crate) use crowd::{Crowd, jostle};
pub(crate) use dropped::*;
pub(crate) use owned::*;
