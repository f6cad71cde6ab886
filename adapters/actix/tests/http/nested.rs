//! Several middlewares around each other.

use actix_web::test::init_service;
use actix_web::{App, web};
use cloakroom_actix::{RequestSessions, Session, SessionError};

use crate::client::get;
use crate::{count, named};

async fn both(cart: Session, sessions: RequestSessions) -> Result<String, SessionError> {
    let user = sessions.get("user").ok_or(SessionError::NO_MIDDLEWARE)?.load().await?;
    assert!(sessions.get("other").is_none());
    Ok(format!("{} {}", cart.increment("n", 1)?, user.increment("n", 10)?))
}

#[actix_web::test]
async fn two_cookies_are_two_sessions_and_a_handler_has_both() {
    let app = App::new().wrap(named("cart")).wrap(named("user")).route("/", web::get().to(both));
    let app = init_service(app).await;
    let first = get(&app, "", "/").await;
    assert_eq!(first.body, "1 10");
    let cookies: Vec<&str> = first.header("set-cookie").leak().split(" | ").collect();
    let cookies: Vec<&str> = cookies.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
    assert_eq!(get(&app, &cookies.join("; "), "/").await.body, "2 20");
}

#[actix_web::test]
async fn one_cookie_is_one_session_which_the_outer_middleware_saves() {
    let outer = named("session");
    let manager = outer.manager().clone();
    let inner = named("session");
    let unused = inner.manager().clone();
    let app = init_service(App::new().wrap(inner).wrap(outer).route("/", web::get().to(count))).await;
    let first = get(&app, "", "/").await;
    assert_eq!(first.headers.get_all("set-cookie").count(), 1);
    assert_eq!(get(&app, &first.cookie(), "/").await.body, "2");
    let stored = |manager: &cloakroom_actix::SessionManager| {
        let store = manager.store().clone();
        async move { store.capabilities().scan.unwrap().scan(None, 10).await.unwrap().entries.len() }
    };
    assert_eq!((stored(&manager).await, stored(&unused).await), (1, 0));
}
