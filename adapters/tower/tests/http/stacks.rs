//! The layer among the layers that most applications have, outside and inside of them.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use cloakroom_tower::cloakroom::RequestSession;
use cloakroom_tower::{SessionLayer, SessionService};
use http::header::{ACCEPT_ENCODING, VARY};
use http::{Request, Response, StatusCode};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::client::Client;
use crate::{count, down, layer};

fn timeout() -> TimeoutLayer {
    TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_secs(60))
}

fn router() -> Router {
    Router::new().route("/", get(count))
}

/// Two requests through a router that counts them.
async fn counts(router: Router) {
    let client = Client::new(router);
    for count in ["1", "2"] {
        assert_eq!(client.get("/").await.body, count);
    }
}

#[tokio::test]
async fn f24_a_router_takes_the_layer_outside_of_each_common_layer() {
    counts(router().layer(CompressionLayer::new()).layer(layer())).await;
    counts(router().layer(TraceLayer::new_for_http()).layer(layer())).await;
    counts(router().layer(CatchPanicLayer::new()).layer(layer())).await;
    counts(router().layer(RequestBodyLimitLayer::new(99)).layer(layer())).await;
    counts(router().layer(timeout()).layer(layer())).await;
}

#[tokio::test]
async fn f24_a_router_takes_the_layer_inside_of_each_common_layer() {
    counts(router().layer(layer()).layer(CompressionLayer::new())).await;
    counts(router().layer(layer()).layer(TraceLayer::new_for_http())).await;
    counts(router().layer(layer()).layer(CatchPanicLayer::new())).await;
    counts(router().layer(layer()).layer(RequestBodyLimitLayer::new(99))).await;
    counts(router().layer(layer()).layer(timeout())).await;
}

#[tokio::test]
async fn f24_a_stack_takes_the_layer_around_bodies_that_can_be_empty() {
    counts(router().layer(ServiceBuilder::new().layer(layer()).layer(CompressionLayer::new()))).await;
    counts(router().layer(ServiceBuilder::new().layer(layer()).layer(CatchPanicLayer::new()))).await;
    counts(router().layer(ServiceBuilder::new().layer(layer()).layer(timeout()))).await;
}

#[tokio::test]
async fn f24_a_stack_takes_the_boxed_layer_around_any_body() {
    let any = || layer().boxed();
    counts(router().layer(ServiceBuilder::new().layer(any()).layer(TraceLayer::new_for_http()))).await;
    counts(router().layer(ServiceBuilder::new().layer(any()).layer(RequestBodyLimitLayer::new(99)))).await;
    let all = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(CatchPanicLayer::new())
        .layer(timeout())
        .layer(any())
        .layer(CompressionLayer::new())
        .layer(TraceLayer::new_for_http())
        .layer(RequestBodyLimitLayer::new(99));
    counts(router().layer(all)).await;
}

#[tokio::test]
async fn f24_a_stack_takes_the_layer_inside_of_all_common_layers() {
    let all = ServiceBuilder::new()
        .layer(TraceLayer::new_for_http())
        .layer(CatchPanicLayer::new())
        .layer(timeout())
        .layer(RequestBodyLimitLayer::new(99))
        .layer(CompressionLayer::new())
        .layer(layer());
    counts(router().layer(all)).await;
}

/// Asks a service whose store is down, and that uses its session, what its page says.
async fn page_of_an_outage<B>(layer: SessionLayer) -> (StatusCode, String)
where
    B: http_body::Body<Data: Send, Error: std::fmt::Debug> + Default + Send + 'static,
{
    let begin = async |request: Request<Body>| {
        let pending = request.extensions().get::<RequestSession>().unwrap().clone();
        pending.load().await.unwrap().insert("n", 1).unwrap();
        Ok::<_, Infallible>(Response::new(B::default()))
    };
    let mut service: SessionService<_> = layer.layer(service_fn(begin));
    let response = service.ready().await.unwrap().call(Request::new(Body::empty())).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

const PAGE: &str = "The session could not be reached. Please try again.";

#[tokio::test]
async fn f24_the_error_page_has_its_text_in_every_body_that_is_known() {
    let pages = [
        page_of_an_outage::<Body>(down::layer()).await,
        page_of_an_outage::<String>(down::layer()).await,
        page_of_an_outage::<Full<axum::body::Bytes>>(down::layer()).await,
        page_of_an_outage::<BoxBody<axum::body::Bytes, Infallible>>(down::layer()).await,
        page_of_an_outage::<BoxBody<axum::body::Bytes, io::Error>>(down::layer()).await,
        page_of_an_outage::<UnsyncBoxBody<axum::body::Bytes, axum::BoxError>>(down::layer()).await,
    ];
    for (at, page) in pages.into_iter().enumerate() {
        assert_eq!(page, (StatusCode::SERVICE_UNAVAILABLE, PAGE.into()), "{at}");
    }
}

#[tokio::test]
async fn f24_a_body_that_is_not_known_stays_empty_and_the_status_says_enough() {
    let page = page_of_an_outage::<BoxBody<axum::body::Bytes, std::fmt::Error>>(down::layer()).await;
    assert_eq!(page, (StatusCode::SERVICE_UNAVAILABLE, String::new()));
}

/// A page that is long enough to be compressed, and uses its session.
async fn long(session: cloakroom_tower::Session) -> Result<String, cloakroom_tower::SessionError> {
    session.get::<u32>("n")?;
    Ok("a".repeat(4096))
}

async fn varies(router: Router) -> (Vec<String>, Option<String>) {
    let request = Request::get("/").header(ACCEPT_ENCODING, "gzip").body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let lines = response.headers().get_all(VARY).iter().map(|line| line.to_str().unwrap().to_owned());
    let private = response.headers().get("cache-control").map(|said| said.to_str().unwrap().to_owned());
    (lines.collect(), private)
}

#[tokio::test]
async fn f34_a_compression_layer_inside_shares_the_one_line_and_one_outside_meets_a_private_response() {
    let router = || Router::new().route("/", get(long));
    let inside = varies(router().layer(CompressionLayer::new()).layer(layer())).await;
    assert_eq!(inside, (vec!["Cookie, accept-encoding".into()], Some("private".into())));
    let (lines, private) = varies(router().layer(layer()).layer(CompressionLayer::new())).await;
    assert_eq!((lines[0].as_str(), private.as_deref()), ("Cookie", Some("private")));
}
