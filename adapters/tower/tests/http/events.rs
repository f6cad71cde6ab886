//! What only the layer sees, and reports.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::response::AppendHeaders;
use axum::routing::get;
use cloakroom_tower::{Config, Event, Session, SessionError, SessionLayer, stores::MemoryStore};
use http::Request;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::client::Client;
use crate::{count, log_out, read};

/// The events of one engine.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<Event>>>);

impl Events {
    fn layer(&self) -> SessionLayer {
        let events = self.clone();
        let observe = move |event: &Event| events.0.lock().unwrap().push(event.clone());
        let config = Config::plain_http().cookie_name("session").observer(observe);
        SessionLayer::with_config(MemoryStore::new(), config).unwrap()
    }

    fn count(&self, event: &Event) -> usize {
        self.0.lock().unwrap().iter().filter(|seen| *seen == event).count()
    }
}

/// What an application may say, and whether shared caches are let in.
const SAID: [(&[(&str, &str)], bool); 11] = [
    (&[("cache-control", "public, max-age=60")], true),
    (&[("cache-control", "max-age=60, S-MaxAge=60")], true),
    (&[("cache-control", "max-age=60"), ("cache-control", "public")], true),
    (&[("cache-control", "private"), ("cdn-cache-control", "max-age=60")], true),
    (&[("surrogate-control", "content=\"ESI/1.0\"")], true),
    (&[("x-accel-expires", "60")], true),
    (&[("cache-control", "public, private")], false),
    (&[("cdn-cache-control", "no-store")], false),
    (&[("cache-control", "max-age=60")], false),
    (&[("cache-control", "x=\"public, s-maxage=1\"")], false),
    (&[], false),
];

#[tokio::test]
async fn f34_letting_shared_caches_store_what_looked_at_a_session_is_an_event() {
    for (said, is_event) in SAID {
        let looks = async move |session: Session| -> Result<_, SessionError> {
            session.get::<u32>("n")?;
            Ok(AppendHeaders(said.iter().copied()))
        };
        let events = Events::default();
        let never_looks = get(async move || AppendHeaders(said.iter().copied()));
        let router = Router::new().route("/", get(looks)).route("/still", never_looks);
        let client = Client::new(router.layer(events.layer()));
        client.get("/still").await;
        assert_eq!(events.count(&Event::SharedCache), 0, "{said:?}");
        client.get("/").await;
        assert_eq!(events.count(&Event::SharedCache), usize::from(is_event), "{said:?}");
    }
}

async fn write_and_panic(session: Session) {
    session.increment("n", 41).unwrap();
    panic!("as the test wants");
}

async fn read_and_panic(session: Session) {
    session.get::<u32>("n").unwrap();
    panic!("as the test wants");
}

#[tokio::test]
async fn changes_that_are_lost_with_their_response_are_an_event() {
    let events = Events::default();
    let router = Router::new()
        .route("/write", get(write_and_panic))
        .route("/read", get(read_and_panic))
        .route("/count", get(count))
        .layer(events.layer());
    let client = Client::new(router);
    let request = async |path: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { client.get(path).await }).await.is_err()
    };
    assert!(request("/read").await);
    assert_eq!(events.count(&Event::Unanswered), 0, "nothing was lost");
    assert!(request("/write").await);
    assert_eq!(events.count(&Event::Unanswered), 1);
    assert!(!request("/count").await);
    assert_eq!(events.count(&Event::Unanswered), 1);
}

#[tokio::test]
async fn a_log_in_whose_service_fails_is_an_event_and_a_log_out_is_carried_out() {
    let events = Events::default();
    let layer = events.layer();
    let engine = layer.manager().clone();
    let client =
        Client::new(Router::new().route("/", get(count)).route("/read", get(read)).layer(layer.clone()));
    client.get("/").await;
    let fail = async |request: Request<String>| -> Result<http::Response<String>, &str> {
        let pending = request.extensions().get::<cloakroom_tower::cloakroom::RequestSession>().unwrap();
        let session = pending.load().await.unwrap();
        if request.uri().path() == "/out" {
            session.log_out();
        } else {
            session.log_in("alice").unwrap();
        }
        Err("as the test wants")
    };
    let mut service = layer.layer(service_fn(fail));
    let mut call = async |path: &str| {
        let cookie = format!("session={}", client.cookie().unwrap());
        let request = Request::get(path).header("cookie", cookie).body(String::new()).unwrap();
        service.ready().await.unwrap().call(request).await.unwrap_err()
    };
    call("/in").await;
    assert_eq!(events.count(&Event::Unanswered), 1);
    assert_eq!(engine.sessions().list("alice").await.unwrap().len(), 0, "the log-in did not happen");
    assert_eq!(client.get("/read").await.body, "1");
    call("/out").await;
    while client.get("/read").await.body != "0" {
        tokio::task::yield_now().await;
    }
    assert_eq!(events.count(&Event::Unanswered), 1);
}

#[tokio::test]
async fn a_layer_that_is_ignored_is_an_event_once() {
    let (outer, inner) = (Events::default(), Events::default());
    let routes = || Router::new().route("/", get(count)).route("/out", get(log_out));
    let client = Client::new(routes().layer(inner.layer()).layer(outer.layer()));
    for count in ["1", "2"] {
        assert_eq!(client.get("/").await.body, count);
    }
    assert_eq!((outer.count(&Event::LayerIgnored), inner.count(&Event::LayerIgnored)), (1, 0));
    let one = outer.layer();
    Client::new(routes().layer(one.clone()).layer(one)).get("/").await;
    assert_eq!(outer.count(&Event::LayerIgnored), 1, "the same engine twice ignores nothing");
}
