//! The cookie's domain, as browsers take it.

use crate::ConfigError;

/// The longest name of a host, in bytes.
const LONGEST: usize = 253;

/// Checks that browsers take a cookie with this domain.
pub(super) fn check(domain: &str) -> Result<(), ConfigError> {
    let wrong = |message: &str| Err(ConfigError::new(&["cookie_domain"], message));
    // Browsers pass over a dot in front.
    let name = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
    if name.len() > LONGEST || !name.split('.').all(is_label) {
        return wrong("is the name of a host, as example.org: without scheme, port, path or wildcard");
    }
    if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return wrong("browsers refuse an ip address as a domain; without one, the cookie is for this host");
    }
    if name != "localhost" && psl::domain_str(&name).is_none() {
        return wrong("browsers refuse a public suffix as a domain: hosts of strangers are under it");
    }
    Ok(())
}

fn is_label(label: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len())
        && label.bytes().all(letters)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f28_a_domain_that_browsers_refuse_does_not_build() {
        for domain in [
            "https://example.org",
            "example.org:443",
            "example.org/shop",
            "*.example.org",
            "a b.org",
            "example..org",
            "example.org.",
            "-a.org",
            "127.0.0.1",
            "2130706433",
            "::1",
            "[::1]",
            "org",
            "co.uk",
            "CO.UK",
            ".co.uk",
            "github.io",
            "intranet",
        ] {
            assert_eq!(check(domain).unwrap_err().options(), ["cookie_domain"], "{domain}");
        }
    }

    #[test]
    fn f28_a_domain_that_browsers_take_builds() {
        for domain in [
            "example.org",
            ".example.org",
            "Shop.Example.co.uk",
            "me.github.io",
            "a.b",
            "localhost",
            "xn--bcher-kva.example",
        ] {
            assert!(check(domain).is_ok(), "{domain}");
        }
    }
}
