//! From the server's codes and the client's errors to the contract's kinds of error: the only place that maps them.

use std::{error, fmt, io};

use cloakroom_store::{Error, ErrorKind};
use sqlx::mysql::MySqlDatabaseError;

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
    Server(u16),
    Io(io::ErrorKind),
}

/// The server's number for a key that is there already.
const DUPLICATE: u16 = 1062;
const BABBLE: &str = "the client cannot read the server's answer";

impl Failure {
    pub(crate) const DAMAGED_ROW: Self =
        Self::new(ErrorKind::Corrupt, "a row is not as this version of the store writes it");
    pub(crate) const MISSING_TABLES: Self = Self::new(
        ErrorKind::Setup,
        "the tables are missing; call Builder::create_tables once, or run the crate's schema.sql",
    );
    pub(crate) const FOREIGN_TABLE: Self = Self::new(
        ErrorKind::Setup,
        "a table is not laid out as in schema.sql; choose another table prefix or another database",
    );
    pub(crate) const EARLIER_SCHEMA: Self = Self::new(
        ErrorKind::Setup,
        "the tables are of an earlier version of cloakroom-mysql; call Builder::create_tables once, or run the crate's \
            schema-2.sql",
    );
    pub(crate) const OTHER_SCHEMA: Self = Self::new(
        ErrorKind::Setup,
        "the tables are of another version of cloakroom-mysql; update this program, or see how to migrate them",
    );
    pub(crate) const TOO_OLD: Self = Self::new(
        ErrorKind::Setup,
        "the server is too old, or only resembles MariaDB and MySQL; MariaDB 10.6 or MySQL 8.0 is needed, or later",
    );
    pub(crate) const NOT_MYSQL: Self =
        Self::new(ErrorKind::Setup, "what listens there does not speak the protocol of MariaDB and MySQL");
    pub(crate) const ISOLATION: Self = Self::new(
        ErrorKind::Setup,
        "the pool's connections have to be at the isolation level REPEATABLE READ or SERIALIZABLE",
    );
    pub(crate) const NO_COMMITS: Self = Self::new(
        ErrorKind::Setup,
        "the pool's connections have to commit every statement: autocommit has to be on",
    );
    pub(crate) const OTHER_SQL: Self = Self::new(
        ErrorKind::Setup,
        "the pool's connections must not be in the sql_mode ORACLE or ANSI_QUOTES",
    );
    pub(crate) const NO_ANSWER: Self = Self::reconnecting("the server did not answer in time");
    const NO_CONNECTION: Self = Self::new(
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

    fn number(number: u16) -> Self {
        let (kind, remedy, message) = explain(number);
        Self { kind, remedy, message, cause: Some(Cause::Server(number)) }
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

    /// Returns whether the client could make nothing of what the server sent.
    pub(crate) fn is_babble(&self) -> bool {
        self.message == BABBLE
    }

    /// Returns whether the key is there already.
    pub(crate) fn is_duplicate(&self) -> bool {
        self.cause == Some(Cause::Server(DUPLICATE))
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(error) => {
                Self::number(error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, |error| error.number()))
            }
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
            // The client says so, too, of a password that it may send through an encrypted connection only.
            E::Configuration(_) => Self::new(
                ErrorKind::Setup,
                "an option of the connection cannot be right; if it is not encrypted, MySQL wants that for a \
                 password: use ssl-mode=REQUIRED",
            ),
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
            Self::Server(number) => write!(f, "error {number} of the server"),
            Self::Io(kind) => write!(f, "{kind}"),
        }
    }
}

impl error::Error for Cause {}

/// Returns what a number of the server's means to a caller, and what to do.
fn explain(number: u16) -> (ErrorKind, Remedy, &'static str) {
    use ErrorKind::{Corrupt, Full, Other, Setup, TooLarge, Unavailable};
    match number {
        // Deadlock, lock wait, changed since last read, and a cluster's refusal.
        1213 | 1020 => (Unavailable, Remedy::Again, Failure::CONTENDED.message),
        1205 => (Unavailable, Remedy::None, "others held a lock for too long"),
        1290 | 1792 | 1836 => (
            Unavailable,
            Remedy::Reconnect,
            "the server takes no writes; is it a replica, or was there a failover?",
        ),
        1317 | 1969 | 3024 => {
            (Unavailable, Remedy::None, "the server cancelled the statement: its own timeout, or a person")
        }
        1040 | 1203 | 1226 => {
            (Unavailable, Remedy::None, "the server has no connection left; see max_connections")
        }
        1037 | 1038 | 1041 => (Unavailable, Remedy::None, "the server is out of memory"),
        1021 | 1114 => (Full, Remedy::None, "the server's disk is full, or the table is"),
        1153 => (TooLarge, Remedy::Reconnect, "larger than the server's max_allowed_packet"),
        1301 | 1406 => (TooLarge, Remedy::None, "larger than the server can keep"),
        1045 | 1698 | 1130 | 1129 | 1251 | 1275 => {
            (Setup, Remedy::None, "the server refuses the user, the password or the host")
        }
        1044 | 1142 | 1143 | 1227 | 1370 => {
            (Setup, Remedy::None, "the user lacks a privilege on the database or on a table")
        }
        1046 | 1049 => (Setup, Remedy::None, "the database does not exist, or the url names none"),
        3159 => (Setup, Remedy::None, "the server wants an encrypted connection"),
        1146 => (Setup, Remedy::None, Failure::MISSING_TABLES.message),
        1054 | 1136 | 1265 | 1364 | 1366 | 1176 => (Setup, Remedy::None, Failure::FOREIGN_TABLE.message),
        1064 | 1235 | 1305 | 1193 => (Setup, Remedy::None, Failure::TOO_OLD.message),
        1053 | 1077..=1080 | 1152 | 1154..=1161 | 1184 | 1927 | 1047 => (
            Unavailable,
            Remedy::Reconnect,
            "the server is shutting down or starting, or closed the connection",
        ),
        1034 | 1194 | 1195 | 1712 => (Corrupt, Remedy::None, "the server found damaged data; see its log"),
        _ => (Other, Remedy::None, "the server could not do as asked; see its log"),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn every_number_that_a_caller_can_act_on_has_its_kind() {
        let kinds = [
            (1213, ErrorKind::Unavailable),
            (1205, ErrorKind::Unavailable),
            (1053, ErrorKind::Unavailable),
            (1290, ErrorKind::Unavailable),
            (1040, ErrorKind::Unavailable),
            (1114, ErrorKind::Full),
            (1153, ErrorKind::TooLarge),
            (1045, ErrorKind::Setup),
            (1142, ErrorKind::Setup),
            (1049, ErrorKind::Setup),
            (1146, ErrorKind::Setup),
            (1054, ErrorKind::Setup),
            (1712, ErrorKind::Corrupt),
            (1030, ErrorKind::Other),
            (0, ErrorKind::Other),
        ];
        for (number, kind) in kinds {
            assert_eq!(Failure::number(number).kind, kind, "{number}");
        }
    }

    #[test]
    fn only_what_took_no_effect_for_certain_is_tried_again() {
        let again: Vec<_> = [1213, 1205, 1020, 1317, 1053, 1290, 1040, 1062]
            .into_iter()
            .filter(|number| Failure::number(*number).remedy == Remedy::Again)
            .collect();
        assert_eq!(again, [1213, 1020]);
    }

    #[test]
    fn an_error_shows_the_number_and_none_of_the_clients_words() {
        let error = Error::from(Failure::from(sqlx::Error::Io(io::Error::other("secret"))));
        assert!(!format!("{error:?} {error} {:?}", error.source()).contains("secret"));
        let error = Error::from(Failure::number(1114));
        assert_eq!(error.source().unwrap().to_string(), "error 1114 of the server");
    }
}
