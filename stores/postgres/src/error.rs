//! From the server's codes and the client's errors to the contract's kinds of error: the only place that maps them.

use std::{error, fmt, io};

use cloakroom_store::{Error, ErrorKind};

/// Why an operation failed.
///
/// Holds codes and words of ours: the server's own message could quote what a row holds, the client's a password.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) remedy: Remedy,
    message: &'static str,
    cause: Option<Cause>,
}

/// What the store does about a failure by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Tell the caller.
    None,
    /// Ask again: others were in the way, and nothing took effect.
    Again,
    /// Close the connection; ask again on another one if that can do no harm.
    Reconnect,
}

/// What the failure is called elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Sqlstate([u8; 5]),
    Io(io::ErrorKind),
}

impl Failure {
    pub(crate) const DAMAGED_ROW: Self =
        Self::new(ErrorKind::Corrupt, "a row is not as this version of the store writes it");
    pub(crate) const MISSING_TABLES: Self = Self::new(
        ErrorKind::Setup,
        "the tables are missing; call Builder::create_tables once, or run the crate's schema.sql",
    );
    pub(crate) const FOREIGN_TABLE: Self = Self::new(
        ErrorKind::Setup,
        "a table is not laid out as in schema.sql; choose another table prefix or another schema",
    );
    pub(crate) const OTHER_SCHEMA: Self = Self::new(
        ErrorKind::Setup,
        "the tables are of another version of cloakroom-postgres; update this program, or see how to migrate them",
    );
    pub(crate) const TOO_OLD: Self = Self::new(
        ErrorKind::Setup,
        "the server is too old, or only resembles PostgreSQL; 14 or later is needed",
    );
    pub(crate) const NOT_POSTGRES: Self =
        Self::new(ErrorKind::Setup, "what listens there does not speak PostgreSQL's protocol");
    pub(crate) const READ_ONLY: Self =
        Self::reconnecting("the server takes no writes; is it a standby, or was there a failover?");
    pub(crate) const NO_ANSWER: Self = Self::reconnecting("the server did not answer in time");
    pub(crate) const NO_CONNECTION: Self = Self::new(
        ErrorKind::Unavailable,
        "no connection in time: the server is not reachable, or all connections of the pool are in use",
    );
    /// Others were in the way, as often as the store tried.
    pub(crate) const CONTENDED: Self =
        Self::new(ErrorKind::Unavailable, "others wrote the same record again and again");

    const fn new(kind: ErrorKind, message: &'static str) -> Self {
        Self { kind, remedy: Remedy::None, message, cause: None }
    }

    const fn reconnecting(message: &'static str) -> Self {
        Self { kind: ErrorKind::Unavailable, remedy: Remedy::Reconnect, message, cause: None }
    }

    fn sqlstate(code: &str) -> Self {
        let (kind, remedy, message) = explain(code);
        let cause = code.as_bytes().try_into().ok().map(Cause::Sqlstate);
        Self { kind, remedy, message, cause }
    }

    fn io(error: &io::Error) -> Self {
        let tls = error.kind() == io::ErrorKind::InvalidData;
        let failure = if tls {
            Self::new(ErrorKind::Setup, "the server's certificate is not trusted, or is not for that host")
        } else {
            Self::reconnecting("the connection to the server is broken, or cannot be made")
        };
        Self { cause: Some(Cause::Io(error.kind())), ..failure }
    }

    /// Returns whether a table or a column is not there, or is another than it should be.
    pub(crate) fn is_about_tables(&self) -> bool {
        [Self::MISSING_TABLES.message, Self::FOREIGN_TABLE.message].contains(&self.message)
    }

    /// Returns whether no answer came, so that the statement may still be at work.
    pub(crate) fn is_of_silence(&self) -> bool {
        self.message == Self::NO_ANSWER.message
    }

    /// Returns whether the server refused the statement, and can answer others.
    pub(crate) fn is_of_server(&self) -> bool {
        matches!(self.cause, Some(Cause::Sqlstate(_)))
    }

    /// Returns the failure of a connection that cannot be made.
    pub(crate) fn of_connecting(self) -> Self {
        let is_unreachable = self.remedy == Remedy::Reconnect && matches!(self.cause, Some(Cause::Io(_)));
        if is_unreachable {
            Self { cause: self.cause, remedy: self.remedy, ..Self::NO_CONNECTION }
        } else {
            self
        }
    }

    /// Returns whether a connection that could not be made may be made a moment later.
    pub(crate) fn may_pass(&self) -> bool {
        match self.cause {
            Some(Cause::Io(_)) => self.remedy == Remedy::Reconnect,
            // It is starting, or has no connection left.
            Some(Cause::Sqlstate(code)) => [*b"57P03", *b"53300"].contains(&code),
            None => false,
        }
    }

    /// Returns whether the client could make nothing of what the server sent.
    pub(crate) fn is_babble(&self) -> bool {
        self.message == BABBLE
    }
}

const BABBLE: &str = "the client cannot read the server's answer";

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(error) => Self::sqlstate(&error.code().unwrap_or_default()),
            E::Io(error) => Self::io(&error),
            E::PoolTimedOut => Self::NO_CONNECTION,
            E::PoolClosed => Self::new(ErrorKind::Unavailable, "the pool was closed"),
            E::Tls(_) => Self::new(
                ErrorKind::Setup,
                "no encrypted connection; does the server offer TLS, and are the certificates right?",
            ),
            E::Protocol(_) => Self::reconnecting(BABBLE),
            E::ColumnDecode { .. }
            | E::ColumnNotFound(_)
            | E::ColumnIndexOutOfBounds { .. }
            | E::Decode(_) => Self::DAMAGED_ROW,
            E::Configuration(_) => Self::new(ErrorKind::Setup, "an option of the connection cannot be right"),
            _ => Self::new(ErrorKind::Other, "the server could not be queried"),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let error = Self::new(failure.kind, failure.message);
        match failure.cause {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlstate(code) => write!(f, "SQLSTATE {}", code.escape_ascii()),
            Self::Io(kind) => write!(f, "{kind}"),
        }
    }
}

impl error::Error for Cause {}

/// Returns what an SQLSTATE means to a caller, and what to do.
fn explain(code: &str) -> (ErrorKind, Remedy, &'static str) {
    use ErrorKind::{Corrupt, Full, Invalid, Other, Setup, TooLarge, Unavailable};
    match code {
        "40001" | "40P01" | "55P03" => (Unavailable, Remedy::Again, Failure::CONTENDED.message),
        "25006" => (Unavailable, Remedy::Reconnect, Failure::READ_ONLY.message),
        "57014" => {
            (Unavailable, Remedy::None, "the server cancelled the statement: its own timeout, or a person")
        }
        "53300" => (Unavailable, Remedy::None, "the server has no connection left; see max_connections"),
        "53100" => (Full, Remedy::None, "the server's disk is full"),
        "53200" => (Unavailable, Remedy::None, "the server is out of memory"),
        "22001" => (TooLarge, Remedy::None, "longer than the column takes"),
        "22P02" | "22P05" | "22021" => {
            (Invalid, Remedy::None, "the column takes JSON, and this is another text")
        }
        "54000" => (TooLarge, Remedy::None, "larger than the server can keep"),
        "3D000" => (Setup, Remedy::None, "the database does not exist"),
        "42501" => (Setup, Remedy::None, "the user lacks a privilege on the schema or on a table"),
        "42P01" | "3F000" | "42883" => (Setup, Remedy::None, Failure::MISSING_TABLES.message),
        "0A000" => (Setup, Remedy::Reconnect, Failure::TOO_OLD.message),
        "26000" | "42P05" => (
            Setup,
            Remedy::Reconnect,
            "prepared statements get lost; let the pooler between track them (PgBouncer: max_prepared_statements)",
        ),
        "XX001" | "XX002" => (Corrupt, Remedy::None, "the server found damaged data; see its log"),
        _ => match code.get(..2).unwrap_or_default() {
            "08" => (Unavailable, Remedy::Reconnect, "the connection to the server is broken"),
            "57" => (Unavailable, Remedy::Reconnect, "the server is shutting down or starting"),
            "28" => (Setup, Remedy::None, "the server refuses the user or the password"),
            "42" => (Setup, Remedy::None, Failure::FOREIGN_TABLE.message),
            "58" => (Other, Remedy::None, "the server could not read or write its files; see its log"),
            _ => (Other, Remedy::None, "the server could not do as asked; see its log"),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn every_code_that_a_caller_can_act_on_has_its_kind() {
        let kinds = [
            ("40001", ErrorKind::Unavailable),
            ("40P01", ErrorKind::Unavailable),
            ("57P01", ErrorKind::Unavailable),
            ("57P03", ErrorKind::Unavailable),
            ("08006", ErrorKind::Unavailable),
            ("25006", ErrorKind::Unavailable),
            ("53300", ErrorKind::Unavailable),
            ("53100", ErrorKind::Full),
            ("54000", ErrorKind::TooLarge),
            ("28P01", ErrorKind::Setup),
            ("28000", ErrorKind::Setup),
            ("3D000", ErrorKind::Setup),
            ("42501", ErrorKind::Setup),
            ("42P01", ErrorKind::Setup),
            ("42703", ErrorKind::Setup),
            ("XX001", ErrorKind::Corrupt),
            ("58030", ErrorKind::Other),
            ("XX000", ErrorKind::Other),
            ("", ErrorKind::Other),
        ];
        for (code, kind) in kinds {
            assert_eq!(Failure::sqlstate(code).kind, kind, "{code}");
        }
    }

    #[test]
    fn only_what_took_no_effect_for_certain_is_tried_again() {
        let again: Vec<_> = ["40001", "40P01", "55P03", "57014", "57P01", "08006", "25006", "53300"]
            .into_iter()
            .filter(|code| Failure::sqlstate(code).remedy == Remedy::Again)
            .collect();
        assert_eq!(again, ["40001", "40P01", "55P03"]);
    }

    #[test]
    fn an_error_shows_the_code_and_none_of_the_clients_words() {
        let error = Error::from(Failure::from(sqlx::Error::Io(io::Error::other("secret"))));
        assert!(!format!("{error:?} {error} {:?}", error.source()).contains("secret"));
        let error = Error::from(Failure::sqlstate("53100"));
        assert_eq!(error.source().unwrap().to_string(), "SQLSTATE 53100");
    }
}
