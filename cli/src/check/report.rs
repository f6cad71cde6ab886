//! What a check found, for a person.

use std::io::{self, Write};

use cloakroom_conformance::{Failure, Verdict};

use crate::trouble::Trouble;

/// What the cases came to.
#[derive(Default)]
pub(super) struct Report {
    kept: usize,
    /// The names of cases, and why they do not apply.
    not_applicable: Vec<(&'static str, &'static str)>,
    /// The names of cases, their sentences, and how the store breaks them.
    broken: Vec<(&'static str, String, Failure)>,
}

impl Report {
    pub(super) fn add(&mut self, name: &'static str, sentence: String, verdict: Result<Verdict, Failure>) {
        match verdict {
            Ok(Verdict::Kept) => self.kept += 1,
            Ok(Verdict::NotApplicable(reason)) => self.not_applicable.push((name, reason)),
            Err(failure) => self.broken.push((name, sentence, failure)),
        }
    }

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
        for (name, reason) in &self.not_applicable {
            writeln!(out, "not applicable  {name}: {reason}")?;
        }
        for (name, sentence, failure) in &self.broken {
            writeln!(out, "broken          {name}: {sentence}")?;
            writeln!(out, "                {failure}")?;
        }
        let (kept, rest, broken) = (self.kept, self.not_applicable.len(), self.broken.len());
        writeln!(out, "{kept} sentences kept, {rest} not applicable, {broken} broken")
    }
}
