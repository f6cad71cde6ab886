//! Outages that the store of a durable server must outlive.
//!
//! A server that is killed, stopped, frozen or cut off: nothing that was acknowledged is lost, no answer is made up, and
//! the store goes on by itself. [`outlives!`](crate::outlives) makes a test of each, on servers of the tests' own.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test fails by panicking")]

mod each;
mod records;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Instance, Service};
use cloakroom_store::Store;

pub use each::*;
pub use records::{created, held, holding, key};

/// A store on its way.
pub type Opening = Pin<Box<dyn Future<Output = Arc<dyn Store>> + Send>>;

/// A server that keeps what it acknowledged, and how its store is opened.
#[derive(Debug)]
pub struct Durable {
    /// The server.
    pub service: Service,
    /// Opens the store at a URL, with time limits of less than a second.
    pub open: fn(String) -> Opening,
}

impl Durable {
    fn start(&self) -> Instance {
        tokio::task::block_in_place(|| Instance::start(self.service).unwrap())
    }

    async fn open(&self, url: &str) -> Arc<dyn Store> {
        (self.open)(url.to_owned()).await
    }
}

/// Makes a test of each outage, from a [`Durable`].
#[macro_export]
macro_rules! outlives {
    ($durable:expr) => {
        $crate::outlives!(@each $durable,
            a_server_killed_under_load_has_every_acknowledged_write_when_it_is_back,
            a_stopped_server_is_unavailable_and_used_again_when_it_is_back,
            a_frozen_server_is_unavailable_in_time_and_used_again_when_it_goes_on,
            a_write_whose_answer_was_lost_is_uncertain_and_was_done_once,
            connections_that_were_cut_while_idle_are_not_used_again,
        );
    };
    (@each $durable:expr, $($outage:ident,)*) => {
        $(
            #[test]
            fn $outage() {
                $crate::outages::run(::std::boxed::Box::pin($crate::outages::$outage(&$durable)));
            }
        )*
    };
}

/// Runs a test with threads of its own; what [`outlives!`] expands to.
#[doc(hidden)]
pub fn run(test: Pin<Box<dyn Future<Output = ()> + '_>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.unwrap().block_on(test);
}
