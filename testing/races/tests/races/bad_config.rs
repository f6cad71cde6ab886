//! Bad input: a configuration that contradicts itself does not build, and says which options do.

use std::time::Duration;

use cloakroom::store::{
    Capabilities, CreateOutcome, Record, Result, Store, StoreKey, Touch, UpdateOutcome, Version,
    VersionedRecord,
};
use cloakroom::stores::MemoryStore;
use cloakroom::{Config, SameSite, Secure, SessionManager, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn every_contradiction_names_both_options() {
    let contradictions: [(Config, [&str; 2]); 12] = [
        (
            Config::default().idle_timeout(2 * MINUTE).absolute_timeout(MINUTE),
            ["idle_timeout", "absolute_timeout"],
        ),
        (
            Config::default().renew_every(MINUTE).renewal_grace_period(MINUTE),
            ["renew_every", "renewal_grace_period"],
        ),
        (Config::default().rolling(true).renew_every(60 * MINUTE), ["rolling", "renew_every"]),
        (Config::default().cookie_name("__Host-x").secure(Secure::Never), ["cookie_name", "secure"]),
        (Config::default().cookie_name("__secure-x").secure(Secure::Auto), ["cookie_name", "secure"]),
        (Config::default().cookie_name("__HOST-x").cookie_domain("a.test"), ["cookie_name", "cookie_domain"]),
        (Config::default().cookie_name("__Host-x").cookie_path("/a"), ["cookie_name", "cookie_path"]),
        (Config::plain_http().same_site(SameSite::None).secure(Secure::Never), ["same_site", "secure"]),
        (Config::plain_http().partitioned(true).secure(Secure::Auto), ["partitioned", "secure"]),
        (Config::default().partitioned(true), ["partitioned", "same_site"]),
        (Config::default().same_site(SameSite::None).secure(Secure::Auto), ["same_site", "secure"]),
        (Config::plain_http().partitioned(true).secure(Secure::Never), ["partitioned", "secure"]),
    ];
    for (config, options) in contradictions {
        let error = SessionManager::new(MemoryStore::new(), config).unwrap_err();
        assert_eq!(error.options(), options, "{error}");
        assert!(error.to_string().starts_with(&format!("{} and {}: ", options[0], options[1])), "{error}");
    }
}

#[test]
fn an_option_that_needs_what_the_store_has_not_names_both() {
    let error = SessionManager::new(Plain, Config::default().max_sessions_per_user(3)).unwrap_err();
    assert_eq!(error.options(), ["max_sessions_per_user", "store"]);
}

#[test]
fn an_option_that_can_never_be_right_is_named() {
    let wrong: [(Config, &str); 6] = [
        (Config::default().idle_timeout(Duration::ZERO), "idle_timeout"),
        (Config::default().absolute_timeout(Duration::ZERO), "absolute_timeout"),
        (Config::default().renewal_grace_period(61 * MINUTE), "renewal_grace_period"),
        (Config::default().touch_threshold(f64::NAN), "touch_threshold"),
        (Config::default().touch_threshold(1.0), "touch_threshold"),
        (Config::default().max_sessions_per_user(0), "max_sessions_per_user"),
    ];
    for (config, option) in wrong {
        assert_eq!(SessionManager::new(MemoryStore::new(), config).unwrap_err().options(), [option]);
    }
}

/// A store that can nothing but what every store can.
#[derive(Debug)]
struct Plain;

#[cloakroom::store::async_trait]
impl Store for Plain {
    async fn load(&self, _: &StoreKey, _: Option<Touch>) -> Result<Option<VersionedRecord>> {
        Ok(None)
    }

    async fn create(&self, _: &StoreKey, _: &Record) -> Result<CreateOutcome> {
        Ok(CreateOutcome::AlreadyExists)
    }

    async fn update(&self, _: &StoreKey, _: Version, _: &Record) -> Result<UpdateOutcome> {
        Ok(UpdateOutcome::NotFound)
    }

    async fn touch(&self, _: &StoreKey, _: Timestamp) -> Result<bool> {
        Ok(false)
    }

    async fn delete(&self, _: &StoreKey) -> Result<Option<VersionedRecord>> {
        Ok(None)
    }

    fn capabilities(&self) -> Capabilities<'_> {
        Capabilities::NONE
    }
}
