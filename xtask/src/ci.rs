//! What CI does: the quick complaints first.

use crate::{lint, shell::Result, test};

pub(crate) fn run() -> Result {
    lint::run()?;
    test::run()
}
