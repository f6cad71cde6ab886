//! What a check found, for a person.

use std::error::Error as _;
use std::io::{self, Write};

use cloakroom_conformance::{Failure, Verdict};

use cloakroom_tower::store::{Error, ErrorKind};

use crate::trouble::Trouble;

/// What the cases came to.
#[derive(Default)]
pub(super) struct Report {
    kept: usize,
    /// The names of cases, and why they do not apply.
    not_applicable: Vec<(&'static str, &'static str)>,
    /// The names of cases in which the store was not there, and its words.
    unanswered: Vec<(&'static str, Failure)>,
    /// The names of cases, their sentences, and how the store breaks them.
    broken: Vec<(&'static str, String, Failure)>,
}

impl Report {
    pub(super) fn add(&mut self, name: &'static str, sentence: String, verdict: Result<Verdict, Failure>) {
        match verdict {
            Ok(Verdict::Kept) => self.kept += 1,
            Ok(Verdict::NotApplicable(reason)) => self.not_applicable.push((name, reason)),
            Err(failure) if is_of_an_outage(&failure) => self.unanswered.push((name, failure)),
            Err(failure) => self.broken.push((name, sentence, failure)),
        }
    }

    pub(super) fn tell(&self) -> Result<(), Trouble> {
        let mut out = io::stdout().lock();
        // If the output is closed, the exit code still tells.
        let _ = self.write(&mut out);
        if self.broken.is_empty() && self.unanswered.is_empty() {
            return Ok(());
        }
        if self.broken.is_empty() {
            return Err(Trouble::failure(format!(
                "the store did not answer in {} cases, of which nothing is known; has it free connections?",
                self.unanswered.len()
            )));
        }
        Err(Trouble::failure(format!("the store breaks the contract in {} places", self.broken.len())))
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (name, reason) in &self.not_applicable {
            writeln!(out, "not applicable  {name}: {reason}")?;
        }
        for (name, failure) in &self.unanswered {
            writeln!(out, "not answered    {name}: {failure}")?;
        }
        for (name, sentence, failure) in &self.broken {
            writeln!(out, "broken          {name}: {sentence}")?;
            writeln!(out, "                {failure}")?;
        }
        let (kept, rest, broken) = (self.kept, self.not_applicable.len(), self.broken.len());
        match self.unanswered.len() {
            0 => writeln!(out, "{kept} sentences kept, {rest} not applicable, {broken} broken"),
            lost => writeln!(
                out,
                "{kept} sentences kept, {rest} not applicable, {lost} not answered, {broken} broken"
            ),
        }
    }
}

/// Returns whether a case ended because the store could not be reached or had no connection left: that breaks no
/// sentence.
fn is_of_an_outage(failure: &Failure) -> bool {
    let source = failure.source().and_then(|source| source.downcast_ref::<Error>());
    source.is_some_and(|error| error.kind() == ErrorKind::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g14_a_store_that_has_no_connection_left_breaks_no_sentence() {
        let mut report = Report::default();
        let none_left = Error::new(ErrorKind::Unavailable, "no connection in time");
        report.add("a case", "A sentence.".into(), Err(none_left.into()));
        let mut said = Vec::new();
        report.write(&mut said).unwrap();
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains("1 not answered, 0 broken"), "{said}");
        assert!(report.tell().unwrap_err().to_string().contains("free connections"));
        report.add("another", "A sentence.".into(), Err(Error::new(ErrorKind::Corrupt, "damaged").into()));
        assert!(report.tell().unwrap_err().to_string().contains("breaks the contract in 1 places"));
    }
}
