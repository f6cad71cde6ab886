//! The middleware that asks for a CSRF token.

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use cloakroom_actix::{CsrfMiddleware, Session, SessionError};

use crate::client::{get, send};
use crate::sessions;

async fn token(session: Session) -> Result<String, SessionError> {
    Ok(session.csrf_token()?)
}

macro_rules! app {
    ($guard:expr) => {
        init_service(
            App::new().wrap(sessions()).route("/token", web::get().to(token)).service(
                web::scope("/shop")
                    .wrap($guard)
                    .route("/buy", web::post().to(async || "bought"))
                    .route("/buy", web::get().to(async || "shown")),
            ),
        )
        .await
    };
}

#[actix_web::test]
async fn a_request_that_changes_something_needs_the_token_of_its_session() {
    let app = app!(CsrfMiddleware::new());
    let page = get(&app, "", "/token").await;
    let post = || TestRequest::post().uri("/shop/buy");
    let with = |token: &str| post().insert_header(("x-csrf-token", token));
    let (cookie, token) = (page.cookie(), page.body);
    assert_eq!(send(&app, &cookie, with(&token)).await.body, "bought");
    for refused in [post(), with("x"), with(&get(&app, "", "/token").await.body)] {
        let answer = send(&app, &cookie, refused).await;
        assert_eq!(
            (answer.status, answer.header("cache-control").as_str()),
            (StatusCode::FORBIDDEN, "private, no-cache, no-store")
        );
    }
    assert_eq!(send(&app, "", with(&token)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(get(&app, &cookie, "/shop/buy").await.body, "shown");
}

#[actix_web::test]
async fn a_handshake_that_another_sites_page_begins_is_refused() {
    let handshake = |origin: &str| {
        let request = TestRequest::get().uri("/shop/buy").insert_header(("upgrade", "websocket"));
        request.insert_header(("host", "shop.example")).insert_header(("origin", origin))
    };
    let app = app!(CsrfMiddleware::new().allow_origin("https://partner.example".parse().unwrap()));
    for (origin, status) in [
        ("https://shop.example", StatusCode::OK),
        ("https://partner.example", StatusCode::OK),
        ("https://evil.example", StatusCode::FORBIDDEN),
        ("null", StatusCode::FORBIDDEN),
    ] {
        assert_eq!(send(&app, "", handshake(origin)).await.status, status, "{origin}");
    }
}
