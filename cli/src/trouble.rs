//! The error type of the command.

use std::error::Error;
use std::fmt::{self, Write};
use std::process::ExitCode;

/// Why the command could not do as asked, in one sentence for the person who typed it.
#[derive(Debug)]
pub(crate) struct Trouble {
    kind: Kind,
    sentence: String,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// It was asked for something that cannot work: exit code 2.
    Usage,
    /// It was asked rightly, and the machine said no: exit code 1.
    Failure,
}

impl Trouble {
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, sentence: sentence.into() }
    }

    pub(crate) fn failure(sentence: impl Into<String>) -> Self {
        Self { kind: Kind::Failure, sentence: sentence.into() }
    }

    /// Adds what caused it.
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let _ = write!(self.sentence, ": {error}");
            cause = error.source();
        }
        self
    }

    /// Adds what else there is to say.
    pub(crate) fn and(mut self, more: &str) -> Self {
        let _ = write!(self.sentence, "; {more}");
        self
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Usage => 2,
            Kind::Failure => 1,
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}
