//! Every error is answered in one place.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cloakroom_tower::cloakroom::{Error, store::Store};
use cloakroom_tower::{
    Config, CsrfLayer, ErrorKind, LazySession, Session, SessionError, SessionLayer, status_code,
    stores::MemoryStore,
};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::client::{Answer, Client};
use crate::{count, down, layer};

/// Answers in the application's own form, which names the request.
fn worded(layer: SessionLayer) -> SessionLayer {
    layer.on_error(|error, request| {
        let agent = request.headers.get("user-agent").map_or("", |agent| agent.to_str().unwrap());
        let text = format!("{:?} at {} {} by {agent}", error.kind(), request.method, request.uri.path());
        (status_code(error.kind()), [(CONTENT_TYPE, "application/own")], text)
    })
}

async fn late(lazy: LazySession) -> Result<(), SessionError> {
    lazy.load().await.map(drop)
}

async fn returned(session: Session) -> Result<String, Error> {
    session.insert("n", "a word")?;
    session.get::<u32>("n")?;
    Ok("not reached".into())
}

async fn too_large(session: Session) -> Result<(), Error> {
    session.insert("n", "a".repeat(2000))
}

/// Words the error by itself.
async fn own(session: Result<Session, SessionError>) -> String {
    format!("{:?}", session.err().unwrap().kind())
}

fn routes() -> Router {
    Router::new()
        .route("/csrf", post(count))
        .layer(CsrfLayer::new())
        .route("/extractor", get(count))
        .route("/late", get(late))
        .route("/returned", get(returned))
        .route("/commit", get(too_large))
        .route("/own", get(own))
}

fn small() -> SessionLayer {
    SessionLayer::with_config(MemoryStore::new(), Config::plain_http().max_size(1000)).unwrap()
}

async fn ask(router: Router, method: &str, path: &str) -> Answer {
    let client = Client::new(router);
    client.set_cookie("session", &"A".repeat(43));
    client.send(http::Request::builder().method(method).uri(path).header("user-agent", "test")).await
}

async fn writes_and_breaks(session: Session, Path(status): Path<u16>) -> Result<Response, SessionError> {
    session.increment("n", 1)?;
    Ok((StatusCode::from_u16(status).unwrap(), "of the handler").into_response())
}

#[tokio::test]
async fn k59_a_handlers_own_server_error_wins_over_that_of_the_commit() {
    for layer in [down::layer(), worded(down::layer())] {
        let client = Client::new(Router::new().route("/{status}", get(writes_and_breaks)).layer(layer));
        for (status, due) in [(500, 500), (502, 502), (404, 503), (200, 503)] {
            let answer = client.get(&format!("/{status}")).await;
            assert_eq!(answer.status.as_u16(), due, "{status}");
            assert_eq!(answer.body == "of the handler", status >= 500, "{status}");
            assert!(answer.set_cookies().is_empty(), "{status}");
        }
    }
}

const WORDED: [(bool, &str, &str, ErrorKind); 5] = [
    (true, "GET", "/extractor", ErrorKind::Unavailable),
    (true, "GET", "/late", ErrorKind::Unavailable),
    (false, "POST", "/csrf", ErrorKind::CsrfRejected),
    (false, "GET", "/returned", ErrorKind::Decode),
    (false, "GET", "/commit", ErrorKind::TooLarge),
];

#[tokio::test]
async fn f25_one_hook_words_the_errors_of_commits_extractors_handlers_and_the_csrf_layer() {
    for (is_down, method, path, kind) in WORDED {
        let layer = worded(if is_down { down::layer() } else { small() });
        let answer = ask(routes().layer(layer), method, path).await;
        let expected = (status_code(kind), format!("{kind:?} at {method} {path} by test"));
        assert_eq!((answer.status, answer.body.clone()), expected);
        assert_eq!(answer.header("content-type"), Some("application/own"));
        assert!(answer.header("cache-control").unwrap().contains("no-store"), "{path}");
        assert_eq!(answer.header("vary"), Some("Cookie"), "{path}");
    }
}

#[tokio::test]
async fn f25_what_a_handler_words_by_itself_is_left_as_it_is() {
    let answer = ask(routes().layer(worded(down::layer())), "GET", "/own").await;
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, "Some(Unavailable)"));
}

#[tokio::test]
async fn f25_a_layer_outside_finds_the_error_in_the_response() {
    for (is_down, method, path, kind) in WORDED {
        for has_words in [false, true] {
            let seen: Arc<Mutex<Option<ErrorKind>>> = Arc::default();
            let note = seen.clone();
            let watch = move |request: Request, next: Next| {
                let note = note.clone();
                async move {
                    let response = next.run(request).await;
                    *note.lock().unwrap() =
                        response.extensions().get::<Arc<Error>>().map(|error| error.kind());
                    response
                }
            };
            let layer = if is_down { down::layer() } else { small() };
            let layer = if has_words { worded(layer) } else { layer };
            ask(routes().layer(layer).layer(from_fn(watch)), method, path).await;
            assert_eq!(seen.lock().unwrap().take(), Some(kind), "{path} {has_words}");
        }
    }
}

#[tokio::test]
async fn f25_the_innermost_layer_words_an_error_and_the_outer_ones_leave_it() {
    let config = Config::plain_http().cookie_name("other");
    let outer = SessionLayer::with_config(MemoryStore::new(), config).unwrap();
    let outer = outer.on_error(|_, _| (StatusCode::IM_A_TEAPOT, "the outer one".to_owned()));
    let answer = ask(routes().layer(worded(down::layer())).layer(outer), "GET", "/extractor").await;
    assert_eq!(answer.body, "Unavailable at GET /extractor by test");
}

#[tokio::test]
async fn f25_what_was_saved_before_the_error_is_still_told() {
    let save_and_fail = async |session: Session| -> Result<(), Error> {
        session.insert("n", 1)?;
        session.save().await?;
        session.get::<String>("n").map(drop)
    };
    let client = Client::new(Router::new().route("/", get(save_and_fail)).layer(worded(layer())));
    let answer = client.get("/").await;
    assert_eq!((answer.status.as_u16(), answer.set_cookies().len()), (500, 1));
}

#[tokio::test]
async fn f38_a_handler_returns_the_engine_s_error() {
    let answer = ask(routes().layer(layer()), "GET", "/returned").await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (500, "The session could not be used."));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let answer: Response = Error::csrf_rejected().into_response();
    assert_eq!(answer.status(), 403);
}

#[tokio::test]
async fn f38_a_layer_takes_a_shared_store() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let config = Config::plain_http().cookie_name("session");
    let apps = [(); 2].map(|()| {
        let layer = SessionLayer::with_config(store.clone(), config.clone()).unwrap();
        Client::new(Router::new().route("/", get(count)).layer(layer))
    });
    let _defaults = SessionLayer::new(store.clone());
    assert_eq!(apps[0].get("/").await.body, "1");
    apps[1].set_cookie("session", &apps[0].cookie().unwrap());
    assert_eq!(apps[1].get("/").await.body, "2", "the same sessions");
}
