//! CSRF tokens of the packages, in a session that both sides have.

use cloakroom::{Result, Session};
use cloakroom_node::NodeValues as _;

use crate::stage::{ID, Stage};

const BEGUN: &str =
    r#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"views":1}"#;

type Make = fn(&Session) -> Result<String>;
type Verify = fn(&Session, &str) -> Result<bool>;

/// Each package: the member that holds its secret, how a token is made, and how one is verified.
const PACKAGES: [(&str, Make, Verify); 4] = [
    ("csrfSecret", |session| session.csurf_token(), |session, token| session.csurf_verify(token)),
    ("csrfToken", |session| session.csrf_sync_token(), |session, token| session.csrf_sync_verify(token)),
    ("_csrfSecret", |session| session.lusca_token(), |session, token| session.lusca_verify(token)),
    ("_token", |session| session.node_session_token(), |session, token| session.node_session_verify(token)),
];

#[tokio::test]
async fn a_token_is_accepted_in_later_requests_of_its_session() {
    for (member, make, verify) in PACKAGES {
        let stage = Stage::new();
        stage.node_writes(BEGUN);
        let mut token = String::new();
        stage.visit(ID, async |session| token = make(session).unwrap()).await;
        assert!(stage.body(ID).contains(&format!("\"{member}\":\"")), "{member}");
        stage.visit(ID, async |session| assert!(verify(session, &token).unwrap(), "{member}")).await;
        let secret = stage.body(ID);
        stage.visit(ID, async |session| assert!(verify(session, &make(session).unwrap()).unwrap())).await;
        assert_eq!(stage.body(ID), secret, "{member}: the secret stays");
    }
}

#[tokio::test]
async fn a_token_of_another_session_is_refused() {
    for (member, make, verify) in PACKAGES {
        let (stage, other) = (Stage::new(), Stage::new());
        let mut token = String::new();
        for stage in [&stage, &other] {
            stage.node_writes(BEGUN);
            stage.visit(ID, async |session| token = make(session).unwrap()).await;
        }
        stage.visit(ID, async |session| assert!(!verify(session, &token).unwrap(), "{member}")).await;
    }
}

#[tokio::test]
async fn a_session_without_a_secret_accepts_nothing() {
    for (member, _, verify) in PACKAGES {
        for body in [BEGUN.to_owned(), BEGUN.replace("views\":1", &format!("{member}\":\"\""))] {
            let stage = Stage::new();
            stage.node_writes(&body);
            for token in ["", "-", "a-b"] {
                stage
                    .visit(ID, async |session| assert!(!verify(session, token).unwrap(), "{member}: {body}"))
                    .await;
            }
        }
    }
}
