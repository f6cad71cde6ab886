//! From DynamoDB's errors to the contract's kinds of error: the only place that maps them.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use cloakroom_store::{Error, ErrorKind};

/// Why an operation failed. Holds words of ours: DynamoDB's own could quote what an item holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    kind: ErrorKind,
    message: &'static str,
}

impl Failure {
    pub(crate) const DAMAGED: Self =
        Self::new(ErrorKind::Corrupt, "an item is not as this version of the store writes it");
    pub(crate) const CONTENDED: Self =
        Self::new(ErrorKind::Unavailable, "a transaction met others again and again");
    /// Nothing took effect: it may be tried again.
    pub(crate) const MET_ANOTHER: Self =
        Self::new(ErrorKind::Unavailable, "a transaction was under way on the same item");
    pub(crate) const THROTTLED: Self =
        Self::new(ErrorKind::Unavailable, "the table is throttled; give it more capacity");
    pub(crate) const NO_TABLE: Self =
        Self::new(ErrorKind::Setup, "the table is missing; make it with `Builder::create_tables`");
    pub(crate) const FOREIGN_TABLE: Self = Self::new(
        ErrorKind::Setup,
        "the table is not laid out as in docs/wire.md; choose another, or make one with `Builder::create_tables`",
    );
    pub(crate) const TOO_LARGE: Self =
        Self::new(ErrorKind::TooLarge, "larger than the 400 KB that an item may have");
    pub(crate) const WRONG_CURSOR: Self = Self::new(ErrorKind::Invalid, "the cursor is of another store");

    pub(crate) const fn new(kind: ErrorKind, message: &'static str) -> Self {
        Self { kind, message }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind, failure.message)
    }
}

impl<E: ProvideErrorMetadata, R> From<SdkError<E, R>> for Failure {
    fn from(error: SdkError<E, R>) -> Self {
        match &error {
            SdkError::ServiceError(answer) => {
                let error = answer.err();
                explain(error.code().unwrap_or_default(), error.message().unwrap_or_default())
            }
            SdkError::TimeoutError(_) => {
                Self::new(ErrorKind::Unavailable, "the table did not answer in time")
            }
            SdkError::ConstructionFailure(_) => {
                Self::new(ErrorKind::Setup, "a request could not be made; are region and credentials set?")
            }
            _ => Self::new(ErrorKind::Unavailable, "the table could not be reached, or its answer was lost"),
        }
    }
}

/// Returns what a code means to a caller, and what to do.
fn explain(code: &str, message: &str) -> Failure {
    use ErrorKind::{Full, Other, Setup, Unavailable};
    match code {
        "ResourceNotFoundException" | "TableNotFoundException" => Failure::NO_TABLE,
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "ReplicatedWriteConflictException" => Failure::THROTTLED,
        "TransactionConflictException" => Failure::MET_ANOTHER,
        "TransactionInProgressException" | "TransactionCanceledException" => Failure::CONTENDED,
        "InternalServerError" | "ServiceUnavailable" => Failure::new(Unavailable, "DynamoDB failed"),
        "ItemCollectionSizeLimitExceededException" | "LimitExceededException" => {
            Failure::new(Full, "a limit of the account or the table is reached")
        }
        // DynamoDB says so in words only.
        "ValidationException" if message.contains("size") => Failure::TOO_LARGE,
        "ValidationException" => Failure::FOREIGN_TABLE,
        "AccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException"
        | "InvalidClientTokenId" => {
            Failure::new(Setup, "the credentials are wrong, or do not allow this on the table")
        }
        _ => Failure::new(Other, "DynamoDB did not do as asked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_a_caller_can_act_on_has_its_kind() {
        let kinds = [
            ("ResourceNotFoundException", ErrorKind::Setup),
            ("ThrottlingException", ErrorKind::Unavailable),
            ("ProvisionedThroughputExceededException", ErrorKind::Unavailable),
            ("TransactionConflictException", ErrorKind::Unavailable),
            ("AccessDeniedException", ErrorKind::Setup),
            ("ItemCollectionSizeLimitExceededException", ErrorKind::Full),
            ("ValidationException", ErrorKind::Setup),
            ("SomethingNew", ErrorKind::Other),
        ];
        for (code, kind) in kinds {
            assert_eq!(explain(code, "secret").kind, kind, "{code}");
        }
        let too_large = "Item size has exceeded the maximum allowed size";
        assert_eq!(explain("ValidationException", too_large).kind, ErrorKind::TooLarge);
        assert!(!format!("{:?}", Error::from(explain("SomethingNew", "secret"))).contains("secret"));
    }
}
