//! Errors, all answered in one place.

use std::sync::{Arc, Mutex};

use actix_web::body::MessageBody;
use actix_web::dev::{Service as _, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::test::init_service;
use actix_web::{App, Error, HttpResponse, web};
use cloakroom_actix::{
    Config, Event, LazySession, Observer, Session, SessionError, SessionMiddleware, status_code,
    stores::MemoryStore,
};

use crate::client::get;
use crate::down::{self, ITS_WORDS};
use crate::{count, log_out, sessions};

async fn changes_and_fails(session: Session) -> Result<String, Error> {
    session.increment("n", 1).map_err(SessionError::from)?;
    Err(actix_web::error::ErrorImATeapot("short and stout"))
}

async fn too_large(session: Session) -> Result<&'static str, SessionError> {
    session.insert("blob", "x".repeat(2_000_000))?;
    Ok("stored")
}

async fn begins_lazily(session: LazySession) -> &'static str {
    drop(session);
    "no session was needed"
}

fn worded(middleware: SessionMiddleware) -> SessionMiddleware {
    middleware.on_error(|error, request| {
        let text = format!("{:?} at {}", error.kind(), request.path());
        HttpResponse::build(status_code(error.kind())).body(text)
    })
}

#[actix_web::test]
async fn a_store_that_is_down_is_a_503_which_no_cache_keeps_and_without_its_words() {
    let app = App::new().wrap(down::sessions()).route("/", web::get().to(count));
    let app = init_service(app.route("/lazy", web::get().to(begins_lazily))).await;
    let answer = get(&app, &format!("session={}", "A".repeat(43)), "/").await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1".into()));
    assert_eq!(
        (answer.header("cache-control"), answer.header("vary")),
        ("private, no-cache, no-store".into(), "Cookie".into())
    );
    assert!(!answer.body.contains(ITS_WORDS) && !answer.body.is_empty());
    assert_eq!(get(&app, "session=x", "/lazy").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn a_commit_that_fails_replaces_the_response() {
    let app = init_service(App::new().wrap(down::sessions()).route("/", web::get().to(count))).await;
    let answer = get(&app, "", "/").await;
    assert_eq!(
        (answer.status, answer.header("set-cookie")),
        (StatusCode::SERVICE_UNAVAILABLE, String::new())
    );
    assert_ne!(answer.body, "1");
}

async fn writes_and_breaks(session: Session, status: web::Path<u16>) -> Result<HttpResponse, SessionError> {
    session.increment("n", 1)?;
    Ok(HttpResponse::build(StatusCode::from_u16(*status).unwrap()).body("of the handler"))
}

#[actix_web::test]
async fn a_handlers_own_server_error_wins_over_that_of_the_commit() {
    let app = App::new().wrap(worded(down::sessions())).route("/{status}", web::get().to(writes_and_breaks));
    let app = init_service(app).await;
    for (status, due) in [(500, 500), (502, 502), (404, 503), (200, 503)] {
        let answer = get(&app, "", &format!("/{status}")).await;
        assert_eq!(answer.status.as_u16(), due, "{status}");
        assert_eq!(answer.body == "of the handler", status >= 500, "{status}");
        assert_eq!(answer.header("set-cookie"), "", "{status}");
    }
}

#[actix_web::test]
async fn the_application_words_every_error() {
    let app = App::new().wrap(worded(down::sessions())).route("/", web::get().to(count));
    let app = init_service(app).await;
    let known = format!("session={}", "A".repeat(43));
    assert_eq!(get(&app, &known, "/").await.body, "Unavailable at /", "of an extractor");
    assert_eq!(get(&app, "", "/").await.body, "Unavailable at /", "of a commit");
    let app = App::new().wrap(worded(sessions())).route("/", web::get().to(too_large));
    let answer = get(&init_service(app).await, "", "/").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "TooLarge at /"));
}

#[actix_web::test]
async fn middleware_outside_finds_the_error_in_the_response() {
    let app = init_service(App::new().wrap(down::sessions()).route("/", web::get().to(count))).await;
    let request = actix_web::test::TestRequest::default().to_request();
    let response = app.call(request).await.unwrap();
    let error = response.response().extensions().get::<Arc<cloakroom_actix::cloakroom::Error>>().cloned();
    assert_eq!(error.unwrap().kind(), cloakroom_actix::ErrorKind::Unavailable);
}

#[actix_web::test]
async fn a_handler_that_fails_saves_like_others() {
    let app = App::new().wrap(sessions()).route("/", web::get().to(count));
    let app = init_service(app.route("/fail", web::get().to(changes_and_fails))).await;
    let failed = get(&app, "", "/fail").await;
    assert_eq!((failed.status, failed.body.as_str()), (StatusCode::IM_A_TEAPOT, "short and stout"));
    assert_eq!(get(&app, &failed.cookie(), "/").await.body, "2");
}

#[actix_web::test]
async fn a_route_without_the_middleware_names_the_cure() {
    let app = init_service(App::new().route("/", web::get().to(count))).await;
    let answer = get(&app, "", "/").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.body.contains(".wrap(SessionMiddleware::new(store))"), "{}", answer.body);
}

/// Keeps the events of a manager.
#[derive(Clone, Debug, Default)]
struct Events(Arc<Mutex<Vec<Event>>>);

impl Observer for Events {
    fn on_event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// Lets the handler run, and gives no response.
async fn gives_up(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    if response.request().path() == "/kept" {
        return Ok(response);
    }
    Err(actix_web::error::ErrorBadGateway("given up"))
}

#[actix_web::test]
async fn a_request_without_a_response_saves_nothing_but_its_log_out() {
    let events = Events::default();
    let config = Config::plain_http().cookie_name("session").observer(events.clone());
    let sessions = SessionMiddleware::with_config(MemoryStore::new(), config).unwrap();
    let app = App::new().wrap(from_fn(gives_up)).wrap(sessions);
    let app = app.route("/kept", web::get().to(count)).route("/", web::get().to(count));
    let app = init_service(app.route("/out", web::get().to(log_out))).await;
    let cookie = get(&app, "", "/kept").await.cookie();
    let request = |path: &str| {
        let request = actix_web::test::TestRequest::get().uri(path);
        request.insert_header(("cookie", cookie.clone())).to_request()
    };
    assert!(app.call(request("/")).await.is_err());
    assert!(events.0.lock().unwrap().contains(&Event::Unanswered));
    assert_eq!(get(&app, &cookie, "/kept").await.body, "2", "what was not answered is not stored");
    assert!(app.call(request("/out")).await.is_err());
    while !events.0.lock().unwrap().iter().any(|event| matches!(event, Event::Ended { .. })) {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(&app, &cookie, "/kept").await.body, "1", "the log-out was carried out");
}
