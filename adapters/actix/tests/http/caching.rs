//! What responses say to browsers and caches.

use actix_web::test::init_service;
use actix_web::{App, HttpResponse, web};
use cloakroom_actix::Session;

use crate::client::get;
use crate::{count, log_out, read, sessions};

async fn look_and_say(session: Session, said: web::Path<String>) -> HttpResponse {
    assert!(!session.is_new());
    let mut response = HttpResponse::Ok();
    match said.as_str() {
        "public" => response.insert_header(("cache-control", "public, max-age=60")),
        "age" => response.insert_header(("cache-control", "max-age=60")),
        _ => response.append_header(("vary", "Origin")).append_header(("vary", "Accept, cookie")),
    };
    response.finish()
}

async fn own_cookies(session: Session) -> HttpResponse {
    session.insert("a", 1).unwrap();
    let mut response = HttpResponse::Ok();
    response.append_header(("set-cookie", "session=theirs")).append_header(("set-cookie", "theme=dark"));
    response.insert_header(("expires", "0")).insert_header(("cdn-cache-control", "max-age=60")).finish()
}

#[actix_web::test]
async fn a_response_that_did_not_look_at_its_session_is_left_as_it_is() {
    let app = init_service(App::new().wrap(sessions()).route("/", web::get().to(async || "still"))).await;
    let answer = get(&app, "session=AAAA", "/").await;
    assert_eq!(
        (answer.body.as_str(), answer.header("vary"), answer.header("cache-control")),
        ("still", String::new(), String::new())
    );
}

#[actix_web::test]
async fn a_session_is_kept_and_its_cookie_sent_once() {
    let app =
        App::new().wrap(sessions()).route("/", web::get().to(count)).route("/read", web::get().to(read));
    let app = init_service(app).await;
    let first = get(&app, "", "/").await;
    assert!(first.header("set-cookie").ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{first:?}");
    assert_eq!(first.header("cache-control"), "private, no-cache, no-store");
    let second = get(&app, &first.cookie(), "/").await;
    assert_eq!((second.body.as_str(), second.header("set-cookie")), ("2", String::new()));
    let read = get(&app, &first.cookie(), "/read").await;
    assert_eq!(
        (read.body.as_str(), read.header("vary"), read.header("cache-control")),
        ("2", "Cookie".into(), "private".into())
    );
}

#[actix_web::test]
async fn what_the_application_says_of_caches_is_kept_and_made_private() {
    let app = App::new()
        .wrap(sessions())
        .route("/", web::get().to(count))
        .route("/{said}", web::get().to(look_and_say));
    let app = init_service(app).await;
    let cookie = get(&app, "", "/").await.cookie();
    assert_eq!(get(&app, &cookie, "/public").await.header("cache-control"), "public, max-age=60");
    assert_eq!(get(&app, &cookie, "/age").await.header("cache-control"), "max-age=60, private");
    assert_eq!(get(&app, &cookie, "/vary").await.header("vary"), "Cookie, Origin, Accept");
}

#[actix_web::test]
async fn a_response_with_the_cookie_has_one_of_its_name_and_nothing_for_caches() {
    let app = init_service(App::new().wrap(sessions()).route("/", web::get().to(own_cookies))).await;
    let answer = get(&app, "", "/").await;
    let cookies = answer.header("set-cookie");
    assert!(cookies.starts_with("theme=dark | session=") && !cookies.contains("theirs"), "{cookies}");
    assert_eq!(
        (answer.header("expires"), answer.header("cdn-cache-control")),
        (String::new(), String::new())
    );
}

#[actix_web::test]
async fn a_log_out_removes_the_cookie_and_the_session() {
    let app =
        App::new().wrap(sessions()).route("/", web::get().to(count)).route("/out", web::get().to(log_out));
    let app = init_service(app).await;
    let cookie = get(&app, "", "/").await.cookie();
    let out = get(&app, &cookie, "/out").await;
    assert!(out.header("set-cookie").starts_with("session=; "), "{out:?}");
    assert_eq!(get(&app, &cookie, "/").await.body, "1");
}
