//! What the playground counts, as Prometheus reads it.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use cloakroom::Metrics;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::trouble::Trouble;

/// The upper bounds of the histogram's buckets, in seconds: from a store in memory to the deadline of a request.
const BUCKETS: [f64; 12] =
    [0.000_01, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0];

/// Installs a recorder for this process.
pub(super) fn install() -> Result<PrometheusHandle, Trouble> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Trouble::failure("metrics cannot be counted").because(&error))?;
    Metrics::new().describe();
    Ok(recorder)
}

/// Serves `/metrics`.
pub(super) fn router(handle: PrometheusHandle) -> Router {
    let handle = Arc::new(handle);
    Router::new().route("/metrics", get(move || async move { render(&handle) }))
}

fn render(handle: &PrometheusHandle) -> impl IntoResponse + use<> {
    // Figures are kept until they are asked for: this makes room.
    handle.run_upkeep();
    let kind = (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    ([kind, (CACHE_CONTROL, "no-store")], handle.render())
}
