//! How long a session lives: four clocks, decided here and nowhere else.

use std::time::Duration;

use cloakroom_store::{Timestamp, Touch};

use crate::record::{CookieEnd, Header};
use crate::state::CookieLifetime;
use crate::{ConfigError, Preset};

/// How long a session lives. All clocks but the cookie's are enforced by the server.
#[derive(Clone, Debug)]
pub(crate) struct Lifetime {
    /// Ends a session that no request used for this long.
    pub(crate) idle: Duration,
    /// Ends a session this long after it began or after its last log-in, whatever happens.
    pub(crate) absolute: Option<Duration>,
    /// Gives a session a fresh id this often.
    pub(crate) renew_every: Option<Duration>,
    /// For how long a renewed session's old id is still served.
    pub(crate) grace: Duration,
    /// Which part of the idle time passes before the expiry is moved again.
    pub(crate) touch_threshold: f64,
    /// Whether the cookie outlives the browser.
    pub(crate) persistent: bool,
    /// How long a cookie that outlives the browser lasts; `None`: until the absolute end.
    pub(crate) cookie_max_age: Option<Duration>,
    /// Whether a cookie that outlives the browser ends with the idle time.
    pub(crate) cookie_follows_idle: bool,
    /// What holds the options to limits, and the limits.
    pub(crate) preset: Option<Preset>,
    pub(crate) most_idle: Duration,
    pub(crate) most_absolute: Duration,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(30 * 60),
            absolute: Some(Duration::from_secs(12 * 60 * 60)),
            renew_every: None,
            grace: Duration::from_secs(10),
            touch_threshold: 0.1,
            persistent: true,
            cookie_max_age: None,
            cookie_follows_idle: false,
            preset: None,
            most_idle: Duration::MAX,
            most_absolute: Duration::MAX,
        }
    }
}

/// How long it is known that a log-in replaced an id, for requests that were under way. Also the longest grace.
const TOMBSTONE: Duration = Duration::from_secs(60 * 60);

/// How far machines' clocks may be apart: what a store keeps by its own clock lasts so much longer.
const MOST_SKEW: Duration = Duration::from_secs(60 * 60);

/// How long the redirect of a renewed id lasts at most, where no absolute limit ends the session earlier.
const REDIRECT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Lifetime {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let error = |options: &'static [&'static str], message: &str| Err(ConfigError::new(options, message));
        if self.idle.is_zero() {
            return error(&["idle_timeout"], "must be longer than zero");
        }
        if self.absolute.is_some_and(|absolute| absolute.is_zero()) {
            return error(&["absolute_timeout"], "must be longer than zero");
        }
        if self.absolute.is_some_and(|absolute| absolute < self.idle) {
            return error(
                &["idle_timeout", "absolute_timeout"],
                "the idle time is longer than the absolute one and would never count",
            );
        }
        if self.cookie_max_age.is_some_and(|span| span.is_zero()) {
            return error(&["cookie_max_age"], "must be longer than zero");
        }
        if self.renew_every.is_some_and(|every| every <= self.grace) {
            return error(
                &["renew_every", "renewal_grace_period"],
                "the renewal interval must be longer than the grace period",
            );
        }
        if self.grace > TOMBSTONE {
            return error(&["renewal_grace_period"], "must be an hour at most");
        }
        if !(0.0..1.0).contains(&self.touch_threshold) {
            return error(&["touch_threshold"], "is a part of the idle time, from 0 to below 1");
        }
        Ok(())
    }

    /// Returns the idle time of a session.
    pub(crate) fn idle_of(&self, header: &Header) -> Duration {
        header.own_idle().map_or(self.idle, |own| own.min(self.most_idle))
    }

    /// Returns when the absolute clock ends a session.
    pub(crate) fn ends_at(&self, header: &Header) -> Timestamp {
        let absolute = header.own_absolute().map(|own| own.min(self.most_absolute)).or(self.absolute);
        absolute.map_or(Timestamp::NEVER, |absolute| header.started_at() + absolute)
    }

    /// Returns what a session's expiry becomes when it is written or touched now.
    pub(crate) fn expires_at(&self, header: &Header, now: Timestamp) -> Timestamp {
        (now + self.idle_of(header)).min(self.ends_at(header))
    }

    /// Returns the touch that rides on every load; the store carries it out only where it is due.
    pub(crate) fn touch(&self, now: Timestamp) -> Touch {
        Touch::new(self.touch_due_before(self.idle, now), now + self.idle)
    }

    /// Returns the moment before which a session must expire to be due for a touch, which is when a `touch_threshold` of its
    /// idle time has passed. In whole numbers of microseconds, because it is computed twice in every request.
    fn touch_due_before(&self, idle: Duration, now: Timestamp) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a million")]
        let untouched = 1_000_000 - (self.touch_threshold * 1e6) as u64;
        let of_seconds = idle.as_secs().saturating_mul(untouched);
        let of_the_rest = u64::from(idle.subsec_micros()) * untouched / 1_000_000;
        let micros = now.as_micros().saturating_add(of_seconds.saturating_add(of_the_rest));
        Timestamp::from_micros(micros)
    }

    /// Returns whether a session that no touch could ride on must be touched.
    pub(crate) fn touch_is_due(&self, header: &Header, expires_at: Timestamp, now: Timestamp) -> bool {
        let due_before = self.touch_due_before(self.idle_of(header), now);
        expires_at < due_before && expires_at < self.ends_at(header)
    }

    /// Returns whether the id is old enough for a fresh one.
    pub(crate) fn renewal_is_due(&self, header: &Header, now: Timestamp) -> bool {
        self.renew_every.is_some_and(|every| now.since(header.renewed_at()) >= every)
    }

    /// Returns how long the browser keeps the cookie.
    ///
    /// It reaches to the absolute end, not to the idle one: the server enforces the idle time, and a cookie that need
    /// not be refreshed is sent only once an id, so that no late response can bring an old id back. Other packages' cookies
    /// reach to the idle end.
    pub(crate) fn cookie(&self, header: &Header, now: Timestamp) -> CookieLifetime {
        let persistent = header.persistent().unwrap_or(self.persistent);
        let to_the_end = || self.ends_at(header).since(now);
        let own = header.own();
        let max_age = persistent.then(|| match own.cookie {
            Some(CookieEnd::After(span)) => span.min(to_the_end()),
            Some(CookieEnd::At(at)) => at.since(now).min(to_the_end()),
            None if self.cookie_follows_idle => self.idle_of(header).min(to_the_end()),
            None => self.cookie_max_age.map_or_else(to_the_end, |span| span.min(to_the_end())),
        });
        CookieLifetime { from: now, max_age, same_site: own.same_site }
    }

    /// Returns the end of the old id's grace, and the expiry of the redirect of a renewal: a request or socket that holds
    /// the session finds it for as long as it lives.
    pub(crate) fn redirect(&self, header: &Header, now: Timestamp) -> (Timestamp, Timestamp) {
        let expires_at = (now + REDIRECT).min(self.ends_at(header));
        (now + self.grace, expires_at.max(now + self.grace))
    }

    /// Returns the same for an id that a log-in replaced, which leads nowhere.
    pub(crate) fn tombstone(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        (now + self.grace, now + TOMBSTONE + MOST_SKEW)
    }

    /// Returns whether the record was written under another idle time than holds now: another one was configured, or the
    /// session has one of its own that is longer than a [preset](crate::Config::preset) allows.
    pub(crate) fn idle_was_changed(&self, header: &Header) -> bool {
        header.written_idle() != self.idle_of(header)
    }

    /// Returns whether a session that the store still has was idle for longer than is configured now: the limit was
    /// shortened since its record was written, and counts from its last use.
    pub(crate) fn was_idle_too_long(&self, header: &Header, expires_at: Timestamp, now: Timestamp) -> bool {
        let idle = self.idle_of(header);
        // A record that the new limit has touched already expires by it.
        self.idle_was_changed(header)
            && expires_at > now + idle
            && last_use(header, expires_at, now) + idle <= now
    }
}

/// Returns when a session was last used, as far as its record tells: its expiry was counted from then. Never later than
/// now, whatever another machine's clock says.
pub(crate) fn last_use(header: &Header, expires_at: Timestamp, now: Timestamp) -> Timestamp {
    (expires_at - header.written_idle()).max(header.committed_at()).min(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    fn header(started_at: Timestamp) -> Header {
        Header::new(started_at, [0; 16], [0; 16])
    }

    #[test]
    fn the_expiry_is_the_idle_time_but_never_past_the_absolute_end() {
        let start = Timestamp::from_millis(1_000_000);
        let lifetime = Lifetime { absolute: Some(minutes(60)), ..Lifetime::default() };
        assert_eq!(lifetime.expires_at(&header(start), start), start + minutes(30));
        assert_eq!(lifetime.expires_at(&header(start), start + minutes(45)), start + minutes(60));
    }

    #[test]
    fn a_touch_is_due_when_its_part_of_the_idle_time_has_passed() {
        let start = Timestamp::from_millis(1_000_000);
        let lifetime = Lifetime::default();
        let expires = lifetime.expires_at(&header(start), start);
        assert!(!lifetime.touch_is_due(&header(start), expires, start + minutes(3)));
        assert!(lifetime.touch_is_due(
            &header(start),
            expires,
            start + minutes(3) + Duration::from_micros(1)
        ));
        let every_time = Lifetime { touch_threshold: 0.0, ..lifetime };
        assert!(every_time.touch_is_due(&header(start), expires, start + Duration::from_micros(1)));
    }

    #[test]
    fn lifetimes_of_one_session_count_as_far_as_the_preset_allows() {
        let lifetime = crate::Config::default().preset(Preset::Aal3).lifetime;
        let start = Timestamp::from_millis(1_000_000);
        let mut header = header(start);
        header.set_own_idle(Some(minutes(60)));
        header.set_own(crate::record::OwnOptions { absolute: Some(minutes(10_000)), ..header.own() });
        assert_eq!(lifetime.expires_at(&header, start), start + minutes(15));
        assert_eq!(lifetime.ends_at(&header), start + minutes(12 * 60));
        let expires_at = start + minutes(60);
        assert!(!lifetime.was_idle_too_long(&header, expires_at, start + minutes(14)));
        assert!(
            lifetime.was_idle_too_long(&header, expires_at, start + minutes(16)),
            "written before the preset"
        );
    }

    #[test]
    fn a_clock_that_jumps_back_never_wraps() {
        let start = Timestamp::from_millis(1_000_000);
        let lifetime = Lifetime { renew_every: Some(minutes(1)), ..Lifetime::default() };
        assert!(!lifetime.renewal_is_due(&header(start), Timestamp::EPOCH));
        assert!(!lifetime.touch_is_due(&header(start), start + minutes(30), Timestamp::EPOCH));
        let far = Lifetime { absolute: None, ..lifetime };
        assert!(far.cookie(&header(start), Timestamp::EPOCH).max_age.unwrap() > Duration::ZERO);
    }

    #[test]
    fn contradictions_name_their_options() {
        let cases: [(Lifetime, &[&str]); 5] = [
            (Lifetime { idle: Duration::ZERO, ..Lifetime::default() }, &["idle_timeout"]),
            (
                Lifetime { absolute: Some(minutes(1)), ..Lifetime::default() },
                &["idle_timeout", "absolute_timeout"],
            ),
            (
                Lifetime { renew_every: Some(minutes(0)), ..Lifetime::default() },
                &["renew_every", "renewal_grace_period"],
            ),
            (Lifetime { grace: minutes(61), ..Lifetime::default() }, &["renewal_grace_period"]),
            (Lifetime { touch_threshold: f64::NAN, ..Lifetime::default() }, &["touch_threshold"]),
        ];
        for (lifetime, options) in cases {
            assert_eq!(lifetime.check().unwrap_err().options(), options);
        }
    }
}
