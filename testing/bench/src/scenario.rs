//! What is measured.

use axum::body::Body;
use clap::ValueEnum;
use http::Request;
use http::header::{COOKIE, SET_COOKIE};
use tower_service::Service;

use crate::apps;

/// An application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Variant {
    /// No session at all.
    Bare,
    /// The least that could be a session: see `floor.rs`.
    Floor,
    FloorSigned,
    Cloakroom,
    CloakroomSigned,
    /// Sessions shared with Express: signed cookies, JSON bodies, in memory.
    CloakroomExpress,
}

/// What its requests do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// A cookie is sent, and the session is never asked for.
    Untouched,
    /// One value is read.
    Read,
    /// One counter is incremented.
    Write,
    /// No cookie; one value is inserted.
    New,
    /// No cookie, and the session is never asked for.
    NoCookie,
}

impl Variant {
    pub(crate) const SESSIONS: [Self; 5] =
        [Self::Floor, Self::FloorSigned, Self::Cloakroom, Self::CloakroomSigned, Self::CloakroomExpress];

    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Scenario {
    pub(crate) const ALL: [Self; 5] = [Self::Untouched, Self::Read, Self::Write, Self::New, Self::NoCookie];

    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Untouched | Self::NoCookie => "/untouched",
            Self::Read => "/read",
            Self::Write => "/write",
            Self::New => "/new",
        }
    }

    const fn sends_cookie(self) -> bool {
        matches!(self, Self::Untouched | Self::Read | Self::Write)
    }
}

/// Sends `times` requests, one after the other, on one thread and without a network.
pub(crate) fn run(
    variant: Variant,
    scenario: Scenario,
    times: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut app = apps::app(variant)?.into_service::<Body>();
        let cookie = match variant {
            Variant::Bare => "session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            _ => first_cookie(&mut app).await?,
        };
        for _ in 0..times {
            request(&mut app, scenario, &cookie).await?;
        }
        Ok(())
    })
}

/// Sends one request.
pub(crate) async fn request<S>(
    app: &mut S,
    scenario: Scenario,
    cookie: &str,
) -> Result<(), Box<dyn std::error::Error>>
where
    S: Service<Request<Body>, Response = axum::response::Response, Error = std::convert::Infallible>,
{
    let mut request = Request::get(scenario.path());
    if scenario.sends_cookie() {
        request = request.header(COOKIE, cookie);
    }
    let response = app.call(request.body(Body::empty())?).await?;
    assert!(response.status().is_success(), "{scenario:?}: {response:?}");
    Ok(())
}

async fn first_cookie<S>(app: &mut S) -> Result<String, Box<dyn std::error::Error>>
where
    S: Service<Request<Body>, Response = axum::response::Response, Error = std::convert::Infallible>,
{
    let response = app.call(Request::get("/begin").body(Body::empty())?).await?;
    let cookie = response.headers().get(SET_COOKIE).ok_or("no cookie was set")?.to_str()?;
    Ok(cookie.split(';').next().unwrap_or(cookie).to_owned())
}
