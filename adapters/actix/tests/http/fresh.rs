//! The middleware that asks for a fresh log-in, and a session as a struct.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use cloakroom_actix::stores::MemoryStore;
use cloakroom_actix::{
    Config, FreshMiddleware, ManualClock, Session, SessionError, SessionMiddleware, Timestamp, Typed,
};

use crate::client::{get, send};
use crate::sessions;

async fn log_in(session: Session) -> Result<&'static str, SessionError> {
    session.log_in("alice")?;
    Ok("hello")
}

#[actix_web::test]
async fn r08_a_route_can_require_a_log_in_of_the_last_minutes() {
    let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
    let config = Config::plain_http().cookie_name("session").clock(clock.clone());
    let store = MemoryStore::builder().clock(clock.clone()).build();
    let fresh = FreshMiddleware::new(Duration::from_secs(600));
    let app = init_service(
        App::new()
            .wrap(SessionMiddleware::with_config(store, config).unwrap())
            .route("/log-in", web::get().to(log_in))
            .service(web::scope("/account").wrap(fresh).route("/pay", web::post().to(async || "paid"))),
    )
    .await;
    let pay = || TestRequest::post().uri("/account/pay");
    let refused = send(&app, "", pay()).await;
    assert_eq!((refused.status, &*refused.body), (StatusCode::FORBIDDEN, "Please log in again to do this."));
    let cookie = get(&app, "", "/log-in").await.cookie();
    clock.advance(Duration::from_secs(600));
    assert_eq!(send(&app, &cookie, pay()).await.body, "paid");
    clock.advance(Duration::from_secs(1));
    assert_eq!(send(&app, &cookie, pay()).await.status, StatusCode::FORBIDDEN);
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Shop {
    cart: Vec<String>,
}

async fn add(mut shop: Typed<Shop>) -> Result<String, SessionError> {
    shop.change(|shop| shop.cart.push("coat".into()))?;
    Ok(shop.cart.join(" "))
}

#[actix_web::test]
async fn a_handler_reads_and_changes_the_session_as_a_struct() {
    let app = init_service(App::new().wrap(sessions()).route("/", web::get().to(add))).await;
    let first = get(&app, "", "/").await;
    assert_eq!(first.body, "coat");
    assert_eq!(get(&app, &first.cookie(), "/").await.body, "coat coat");
}
