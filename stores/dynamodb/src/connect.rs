//! A client from a URL and the environment.

use std::env;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Region};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use cloakroom_store::{Error, ErrorKind, Result, StoreUrl};

/// The table, unless one is named.
pub(crate) const TABLE: &str = "cloakroom";
const REGION: &str = "us-east-1";
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Where a URL leads.
#[derive(Debug, PartialEq, Eq)]
struct Place<'a> {
    /// Host and port of an endpoint that is not Amazon's.
    host: Option<&'a str>,
    table: Option<&'a str>,
    region: Option<String>,
    /// Whether such an endpoint speaks https.
    tls: bool,
}

/// The client that `url` names, and the table, if it names one before its settings.
pub(crate) fn client(url: &mut StoreUrl<'_>) -> Result<(Client, Option<String>)> {
    let place = read(url)?;
    let region = place.region.or_else(|| env::var("AWS_REGION").ok());
    let region = match (region, place.host) {
        (Some(region), _) => region,
        (None, Some(_)) => REGION.into(),
        (None, None) => return Err(setup("no region is named; add `?region=` or set AWS_REGION")),
    };
    let builder = defaults().region(Region::new(region)).credentials_provider(credentials(place.host)?);
    let builder = match place.host {
        Some(host) => builder.endpoint_url(format!("{}://{host}", if place.tls { "https" } else { "http" })),
        None => builder,
    };
    Ok((Client::from_conf(builder.build()), place.table.map(str::to_owned)))
}

/// Returns what a client needs to know for this store, wherever it goes.
fn defaults() -> Builder {
    let https =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_WITHIN).operation_timeout(ANSWER_WITHIN).build();
    Builder::new()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(https)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
}

/// Returns the keys of the environment. An emulator takes any.
fn credentials(host: Option<&str>) -> Result<Credentials> {
    let read = |name| env::var(name).ok().filter(|value| !value.is_empty());
    match (read("AWS_ACCESS_KEY_ID"), read("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => Ok(Credentials::from_keys(id, secret, read("AWS_SESSION_TOKEN"))),
        _ if host.is_some() => Ok(Credentials::from_keys("emulator", "emulator", None)),
        _ => Err(setup("no keys are set; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")),
    }
}

fn read<'u>(url: &mut StoreUrl<'u>) -> Result<Place<'u>> {
    let wrong = || {
        let message =
            "a URL of DynamoDB looks like dynamodb://host:port/table or dynamodb:///table?region=name";
        Error::new(ErrorKind::Invalid, message)
    };
    let rest = url.without_settings().strip_prefix("dynamodb://").ok_or_else(wrong)?;
    let (host, table) = rest.split_once('/').unwrap_or((rest, ""));
    if host.contains('@') || table.contains('/') {
        return Err(wrong());
    }
    let named = |text: &'u str| Some(text).filter(|text| !text.is_empty());
    let (region, tls) = (url.text("region")?, url.flag("tls")?.unwrap_or(false));
    Ok(Place { host: named(host), table: named(table), region, tls })
}

fn setup(message: &str) -> Error {
    Error::new(ErrorKind::Setup, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Result<Place<'_>> {
        read(&mut StoreUrl::parse(url)?)
    }

    #[test]
    fn a_url_names_host_table_and_region() {
        let named = place("dynamodb://127.0.0.1:8000/coats?region=eu-west-1&tls=true").unwrap();
        let (host, region) = (Some("127.0.0.1:8000"), Some("eu-west-1".to_owned()));
        assert_eq!(named, Place { host, table: Some("coats"), region, tls: true });
        let named = place("dynamodb:///coats").unwrap();
        assert_eq!(named, Place { host: None, table: Some("coats"), region: None, tls: false });
        assert_eq!(place("dynamodb://127.0.0.1:8000").unwrap().table, None);
    }

    #[test]
    fn an_invalid_url_is_an_error_that_does_not_repeat_it() {
        for url in
            ["", "redis://x", "dynamodb:x", "dynamodb://user:secret@host/table", "dynamodb://h/t?tls=secret"]
        {
            let error = place(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{url}");
            assert!(!error.to_string().contains("secret"));
        }
    }
}
