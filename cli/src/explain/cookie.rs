//! Finds the package that made a cookie, and checks its signature.

use std::fmt;

use cloakroom_node::cookie::{
    ExpressCookie, FastifyCookie, KoaCookie, NodeSessionCookie, Presented, decode_uri_component,
};

use crate::stores::bodies::Package;

/// What is known of one cookie.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Explained {
    name: String,
    package: &'static str,
    signature: Signature,
    /// The session id, if one of the secrets has signed it.
    pub(crate) id: Option<String>,
    /// The package whose stores may have the session.
    pub(crate) keeper: Package,
}

#[derive(Debug, PartialEq, Eq)]
enum Signature {
    /// By this secret, counted from 1, of so many.
    Good(usize, usize),
    Wrong,
    NotChecked,
    None,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cookie     {}", self.name)?;
        writeln!(f, "made by    {}", self.package)?;
        match self.signature {
            Signature::Good(key, of) => writeln!(f, "signature  good, by secret {key} of {of}"),
            Signature::Wrong => writeln!(f, "signature  by none of these secrets"),
            Signature::NotChecked => writeln!(f, "signature  not checked: give the secrets with --secret"),
            Signature::None => writeln!(f, "signature  none"),
        }
    }
}

/// Explains the pairs of a `Cookie` header that look like cookies of sessions.
pub(crate) fn explain(header: &str, secrets: &[String]) -> Vec<Explained> {
    let names = header.split(';').filter_map(|pair| pair.split_once('='));
    names.filter_map(|(name, value)| explain_one(header, name.trim(), value.trim(), secrets)).collect()
}

fn explain_one(header: &str, name: &str, value: &str, secrets: &[String]) -> Option<Explained> {
    let decoded = decode_uri_component(value)?.into_owned();
    let headers = [header.as_bytes()];
    let has_signature = header.split(';').any(|pair| pair.trim().starts_with(&format!("{name}.sig=")));
    let (package, keeper, presented) = if decoded.starts_with("s:") && decoded.contains('.') {
        let is_node_session = decoded[2..].split('.').next().is_some_and(|id| id.len() == 40);
        let package = match (is_node_session, value == decoded) {
            (true, _) => "node-session or node-session2 (an id of 40 characters)",
            (false, true) => {
                "@fastify/session with cookiePrefix s:, or an unencoded cookie of express-session"
            }
            (false, false) => "express-session",
        };
        let read = || {
            Some(if is_node_session {
                NodeSessionCookie::new(name, secrets).ok()?.read(headers)
            } else {
                ExpressCookie::new(name, secrets).ok()?.read(headers)
            })
        };
        (package, if is_node_session { Package::NodeSession } else { Package::Express }, read())
    } else if has_signature {
        let package = "Koa (koa-generic-session or koa-session), or @socialtables/session";
        (package, Package::Koa, KoaCookie::new(name, secrets).ok().map(|cookie| cookie.read(headers)))
    } else if is_ours(&decoded) {
        return Some(Explained {
            name: name.into(),
            package: "Cloakroom, in its own format",
            signature: if decoded.len() > 43 { Signature::NotChecked } else { Signature::None },
            id: None,
            keeper: Package::Express,
        });
    } else if looks_like_fastify(&decoded) {
        let presented = FastifyCookie::new(name, "", secrets).ok().map(|cookie| cookie.read(headers));
        ("@fastify/session", Package::Express, presented)
    } else {
        return None;
    };
    let (signature, id) = match presented {
        None => (Signature::NotChecked, None),
        Some(Presented::Signed { sid, key }) => (Signature::Good(key + 1, secrets.len()), Some(sid)),
        Some(_) => (Signature::Wrong, None),
    };
    Some(Explained { name: name.into(), package, signature, id, keeper })
}

fn is_base64url(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// 43 characters of base64url, alone or with a signature of as many.
fn is_ours(value: &str) -> bool {
    match value.split_once('.') {
        None => value.len() == 43 && is_base64url(value),
        Some((id, signature)) => [id, signature].iter().all(|part| part.len() == 43 && is_base64url(part)),
    }
}

/// An id, a dot, and base64 of 32 bytes without padding.
fn looks_like_fastify(value: &str) -> bool {
    value.rsplit_once('.').is_some_and(|(id, signature)| {
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        !id.is_empty() && signature.len() == 43 && signature.bytes().all(is_base64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_node::cookie::Attributes;

    const ID: &str = "Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf";

    fn pair(set_cookie: &str) -> String {
        set_cookie.split(';').next().unwrap_or_default().to_owned()
    }

    fn express(secret: &str) -> String {
        pair(
            &ExpressCookie::new("connect.sid", [secret])
                .unwrap()
                .write(ID, &Attributes::default(), 0)
                .unwrap(),
        )
    }

    fn secrets(all: &[&str]) -> Vec<String> {
        all.iter().map(|&secret| secret.to_owned()).collect()
    }

    #[test]
    fn a_cookie_of_express_is_explained_with_the_secret_that_signed_it() {
        let [found] = &explain(&express("old"), &secrets(&["new", "old"]))[..] else { panic!("not one") };
        assert_eq!(found.signature, Signature::Good(2, 2));
        assert_eq!((found.id.as_deref(), found.package), (Some(ID), "express-session"));
        assert!(!found.to_string().contains(ID), "the id is not shown");
    }

    #[test]
    fn a_wrong_secret_and_no_secret_are_distinguished() {
        let signature = |all: &[&str]| explain(&express("old"), &secrets(all)).remove(0).signature;
        assert_eq!(signature(&["other"]), Signature::Wrong);
        assert_eq!(signature(&[]), Signature::NotChecked);
    }

    #[test]
    fn the_two_cookies_of_koa_are_one_session() {
        let both = KoaCookie::new("koa.sid", ["k"]).unwrap().write(ID, &Attributes::default(), 0).unwrap();
        let header = both.iter().map(|cookie| pair(cookie)).collect::<Vec<_>>().join("; ");
        let found = explain(&header, &secrets(&["k"]));
        assert!(
            found[0].package.starts_with("Koa") && found[0].signature == Signature::Good(1, 1),
            "{found:?}"
        );
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn cookies_of_ours_and_of_node_session_are_known() {
        let ours = format!("__Host-session={}", "A".repeat(43));
        assert_eq!(explain(&ours, &[])[0].package, "Cloakroom, in its own format");
        let cookie = NodeSessionCookie::new("node_session", ["k"]).unwrap();
        let header = pair(&cookie.write(&"a".repeat(40), &Attributes::default(), 0).unwrap());
        assert!(explain(&header, &secrets(&["k"]))[0].package.starts_with("node-session"));
    }

    #[test]
    fn cookies_of_no_session_are_passed_over() {
        for header in ["", "theme=dark", "a=b; c", "x=%zz", "=;=", "s=s:"] {
            assert_eq!(explain(header, &secrets(&["k"])), [], "{header}");
        }
    }
}
