//! What a check found, for a person.

use std::io::{self, Write};

use cloakroom_conformance::{Case, Failure};

use crate::trouble::Trouble;

/// What the cases came to.
#[derive(Default)]
pub(super) struct Report {
    pub(super) kept: usize,
    pub(super) not_applicable: Vec<(&'static Case, &'static str)>,
    pub(super) broken: Vec<(&'static Case, Failure)>,
}

impl Report {
    pub(super) fn tell(&self) -> Result<(), Trouble> {
        let mut out = io::stdout().lock();
        // If the output is closed, the exit code still tells.
        let _ = self.write(&mut out);
        if self.broken.is_empty() {
            return Ok(());
        }
        Err(Trouble::failure(format!("the store breaks the contract in {} places", self.broken.len())))
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (case, reason) in &self.not_applicable {
            writeln!(out, "not applicable  {}: {reason}", case.name())?;
        }
        for (case, failure) in &self.broken {
            writeln!(out, "broken          {}: {}", case.name(), case.sentence())?;
            writeln!(out, "                {failure}")?;
        }
        let (kept, rest, broken) = (self.kept, self.not_applicable.len(), self.broken.len());
        writeln!(out, "{kept} sentences kept, {rest} not applicable, {broken} broken")
    }
}
