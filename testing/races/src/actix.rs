//! The same application on actix-web.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::USER_AGENT;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Data, scope, to};
use actix_web::{App, Error, HttpMessage as _, HttpRequest, HttpResponse, HttpServer};
use axum::http::HeaderValue;
use cloakroom::{RequestSession, SessionManager};
use cloakroom_actix::{Session, SessionError, SessionMiddleware};
use cloakroom_tower::LazySession;

use crate::script::{HEADER, Scripts};
use crate::stand::Running;

/// Serves HTTP/1.1 and HTTP/2 on a port of its own.
pub(crate) fn serve(manager: SessionManager, scripts: Scripts) -> (SocketAddr, Running) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    let sessions = SessionMiddleware::from_manager(manager);
    let server = HttpServer::new(move || {
        let inside = scope("")
            .wrap(sessions.clone())
            .route("/renewed", to(run).wrap(from_fn(renew_first)))
            .route("/", to(run))
            .route("/visit", to(visit))
            .route("/look", to(look));
        App::new()
            .app_data(Data::new(scripts.clone()))
            .wrap(from_fn(watch))
            .route("/still", to(async || "still"))
            .service(inside)
    });
    let server = server.workers(2).disable_signals().listen_auto_h2c(listener).expect("it listens").run();
    let handle = server.handle();
    tokio::spawn(server);
    (address, Running::Actix(handle))
}

/// The handler: runs the request's script, and answers as it does.
async fn run(
    request: HttpRequest,
    scripts: Data<Scripts>,
    _asked: cloakroom_actix::LazySession,
) -> Result<HttpResponse, SessionError> {
    let session = request.extensions().get::<RequestSession>().cloned();
    let session = session.ok_or(SessionError::NO_MIDDLEWARE)?;
    let Some(script) = scripts.of(request.headers().get(HEADER).map(|value| value.as_bytes())) else {
        return Ok(HttpResponse::Ok().body("no script"));
    };
    let device = request.headers().get(USER_AGENT).map(|name| HeaderValue::from_bytes(name.as_bytes()));
    let answer = script(LazySession::new(session, device.and_then(Result::ok))).await;
    if let Some(error) = answer.extensions().get::<Arc<cloakroom::Error>>() {
        return Err(error.clone().into());
    }
    let (parts, body) = answer.into_parts();
    let status = StatusCode::from_u16(parts.status.as_u16()).expect("it is a status");
    let mut response = HttpResponse::build(status);
    for (name, value) in &parts.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a script's body is whole");
    Ok(response.body(body))
}

async fn visit(session: Session) -> Result<String, SessionError> {
    Ok(session.increment("visits", 1)?.to_string())
}

async fn look(session: Session) -> &'static str {
    if session.is_new() { "new" } else { "known" }
}

async fn renew_first(
    session: Session,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    session.cycle_id();
    next.call(request).await
}

/// Around everything: tells when a request is over, answered or dropped.
async fn watch(
    scripts: Data<Scripts>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // Dropped after the request, however that ends.
    let _over = scripts.watcher_of(request.headers().get(HEADER).map(|value| value.as_bytes()));
    next.call(request).await
}
