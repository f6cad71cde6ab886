//! A million bad cookies, sent to an application without a network.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use cloakroom::stores::MemoryStore;
use cloakroom::{Config, Event, KeyRing, RejectReason, SessionManager};
use cloakroom_races::{Forger, Gated, Op, ServiceExt};
use cloakroom_tower::{Session, SessionLayer};

/// So many bad cookies each of the two tests sends; together a million.
const COOKIES: usize = 500_000;

/// An application, what its store and its observer have counted, and one good cookie.
struct Flood {
    router: Router,
    store: Gated,
    refused: Arc<Refused>,
    forger: Forger,
    good: Vec<u8>,
    signed: bool,
    sent: Sent,
}

#[derive(Default)]
struct Refused {
    malformed: AtomicU64,
    forged: AtomicU64,
    unknown: AtomicU64,
}

/// What was sent.
#[derive(Default)]
struct Sent {
    cookies: usize,
    /// That cannot be an id.
    malformed: u64,
    /// That could be an id, under a signature that is not its own.
    forged: u64,
    /// That could be an id; of one request, each once and three at most.
    looked_up: u64,
}

/// The cookies of one request.
#[derive(Default)]
struct Cookies {
    is_malformed: bool,
    is_forged: bool,
    values: Vec<Vec<u8>>,
    ids: HashSet<Vec<u8>>,
}

async fn look(session: Session) -> &'static str {
    if session.is_new() { "new" } else { "known" }
}

async fn write(session: Session) {
    session.insert("coat", "red").unwrap();
}

impl Flood {
    async fn new(signed: bool) -> Self {
        let refused = Arc::new(Refused::default());
        let told = refused.clone();
        let mut config =
            Config::plain_http().sweep_interval(None).observer(move |event: &Event| told.note(event));
        if signed {
            config = config.signed(KeyRing::new(["a secret of at least 32 bytes, for a test"]).unwrap());
        }
        let store = Gated::new(Arc::new(MemoryStore::new()));
        let engine = SessionManager::new(store.clone(), config).unwrap();
        let router = Router::new().route("/", get(look)).route("/write", get(write));
        let router = router.layer(SessionLayer::from_manager(engine));
        let forger = Forger::new(u64::from(signed));
        let mut flood =
            Self { router, store, refused, forger, good: Vec::new(), signed, sent: Sent::default() };
        let first = flood.send(Request::get("/write").body(Body::empty()).unwrap()).await;
        let header = first.headers()[SET_COOKIE].as_bytes();
        let value = header.strip_prefix(b"session=").unwrap().split(|byte| *byte == b';').next().unwrap();
        flood.good = value.to_vec();
        flood
    }

    async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// One bad cookie.
    fn add(&mut self, to: &mut Cookies) {
        let value = match self.forger.below(50) {
            0 => self.forger.oversized(),
            1..20 => self.forger.malformed(),
            20..25 if !to.values.is_empty() => to.values[0].clone(),
            _ => self.forge(),
        };
        self.note(&value, to);
        to.values.push(value);
    }

    /// What could be an id; where cookies are signed, under the good one's signature.
    fn forge(&mut self) -> Vec<u8> {
        let mut value = self.forger.id();
        if self.signed {
            value.extend(&self.good[43..]);
        }
        value
    }

    fn note(&mut self, value: &[u8], to: &mut Cookies) {
        self.sent.cookies += 1;
        let could_be_an_id = value.len() == self.good.len()
            && value[..43].iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
            && b"AEIMQUYcgkosw048".contains(&value[42])
            && (!self.signed || value[43] == b'.');
        match (could_be_an_id, self.signed) {
            // Of each kind, a request reports one.
            (false, _) if value.is_empty() || std::mem::replace(&mut to.is_malformed, true) => {}
            (false, _) => self.sent.malformed += 1,
            (true, true) => self.sent.forged += u64::from(!std::mem::replace(&mut to.is_forged, true)),
            (true, false) => drop(to.ids.insert(value.to_vec())),
        }
    }

    /// Puts cookies into one header or into one each, and checks the answer.
    async fn ask(&mut self, cookies: &[Vec<u8>], expected: &'static str) {
        let mut request = Request::get("/");
        if self.forger.below(2) == 0 {
            let header = [b"session=".to_vec(), cookies.join(&b"; session="[..])].concat();
            request = request.header(COOKIE, HeaderValue::from_bytes(&header).unwrap());
        } else {
            for cookie in cookies {
                let header = [b"session=", &cookie[..]].concat();
                request = request.header(COOKIE, HeaderValue::from_bytes(&header).unwrap());
            }
        }
        let response = self.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK, "{cookies:?}");
        assert!(!response.headers().contains_key(SET_COOKIE), "{cookies:?}");
        let body = axum::body::to_bytes(response.into_body(), 10).await.unwrap();
        assert_eq!(body, expected, "{cookies:?}");
    }

    /// One request with bad cookies only: half of them with one, half with up to twelve.
    async fn attack(&mut self) {
        let mut cookies = Cookies::default();
        let count = if self.forger.below(2) == 0 { 1 } else { 2 + self.forger.below(11) };
        for _ in 0..count {
            self.add(&mut cookies);
        }
        let trips = cookies.ids.len().min(3) as u64;
        self.sent.looked_up += trips;
        let before = self.store.trips(Op::Load);
        self.ask(&cookies.values, "new").await;
        assert_eq!(self.store.trips(Op::Load) - before, trips);
    }

    /// One request whose good cookie is behind bad ones: of those that could be ids, two at most.
    async fn find(&mut self) {
        let mut cookies = Cookies::default();
        while cookies.values.len() < 6 {
            let before = cookies.ids.len();
            self.add(&mut cookies);
            if before == 2 && cookies.ids.len() == 3 {
                let third = cookies.values.pop().unwrap();
                cookies.ids.remove(&third);
                self.sent.cookies -= 1;
            }
        }
        self.sent.looked_up += cookies.ids.len() as u64;
        let mut values = cookies.values;
        values.push(self.good.clone());
        self.ask(&values, "known").await;
    }

    async fn run(mut self) {
        let before = self.store.all_trips();
        let mut found = 0;
        for round in 0.. {
            if self.sent.cookies >= COOKIES {
                break;
            }
            self.attack().await;
            if round % 100 == 0 {
                self.find().await;
                found += 1;
            }
        }
        let looked_up = self.sent.looked_up + found;
        assert_eq!(self.store.all_trips() - before, looked_up, "and no other trips");
        assert_eq!(self.store.records().await.len(), 1, "the good session");
        let refused = |count: &AtomicU64| count.load(Ordering::SeqCst);
        assert_eq!(refused(&self.refused.malformed), self.sent.malformed);
        assert_eq!(refused(&self.refused.forged), self.sent.forged);
        assert_eq!(refused(&self.refused.unknown), self.sent.looked_up);
        assert_eq!(self.signed, self.sent.looked_up == 0);
        assert!(found > 500 && self.sent.malformed > 50_000);
    }
}

impl Refused {
    fn note(&self, event: &Event) {
        let count = match event {
            Event::Rejected { reason: RejectReason::Malformed, .. } => &self.malformed,
            Event::Rejected { reason: RejectReason::Forged, .. } => &self.forged,
            Event::Rejected { reason: RejectReason::Unknown, .. } => &self.unknown,
            Event::Created { .. } => return,
            other => panic!("{other:?}"),
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn r03_half_a_million_bad_cookies_leave_no_record_and_cost_three_trips_a_request_at_most() {
    Flood::new(false).await.run().await;
}

#[tokio::test]
async fn r04_half_a_million_bad_cookies_cost_no_trip_where_cookies_are_signed() {
    Flood::new(true).await.run().await;
}
