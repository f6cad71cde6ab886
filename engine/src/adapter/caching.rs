//! The headers of a response for caches (RFC 9111, RFC 9213).

use super::Sharing;

/// Returns what `Cache-Control` says of shared caches; `None` if nothing.
pub(super) fn sharing_of(lines: &[&[u8]]) -> Option<Sharing> {
    let mut sharing = None;
    for (name, argument) in lines.iter().copied().flat_map(directives) {
        // With an argument, `private` speaks of the fields that it names, and some caches store the whole.
        if forbids_sharing(name) && argument.is_none() {
            return Some(Sharing::Private);
        }
        if name.eq_ignore_ascii_case(b"public") || name.eq_ignore_ascii_case(b"s-maxage") {
            sharing = Some(Sharing::Shared);
        }
    }
    sharing
}

fn forbids_sharing(directive: &[u8]) -> bool {
    directive.eq_ignore_ascii_case(b"private") || directive.eq_ignore_ascii_case(b"no-store")
}

/// Returns the directives of a line, each with its argument.
fn directives(line: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let mut is_quoted = false;
    let parts = line.split(move |&byte| {
        is_quoted ^= byte == b'"';
        byte == b',' && !is_quoted
    });
    parts.map(|part| match part.iter().position(|&byte| byte == b'=') {
        Some(equals) => (part[..equals].trim_ascii(), Some(&part[equals + 1..])),
        None => (part.trim_ascii(), None),
    })
}

/// Returns whether a header of this name speaks to shared caches, over the head of `Cache-Control`.
pub(super) fn is_for_shared_caches(name: &str) -> bool {
    // The targeted fields of RFC 9213 are called `CDN-Cache-Control`, or so with the name of a CDN before it.
    name.ends_with("-cache-control")
        || ["surrogate-control", "x-accel-expires", "edge-control"].contains(&name)
}

/// Returns whether such a header lets shared caches store the response.
pub(super) fn allows_sharing(line: &[u8]) -> bool {
    !directives(line).any(|(name, _)| forbids_sharing(name))
}

/// Adds `private` to the lines of `Cache-Control`, and makes them one.
pub(super) fn with_private(lines: &[&[u8]]) -> Vec<u8> {
    joined(lines.iter().copied().chain([b"private".as_slice()]))
}

/// Makes `Vary` one line that begins with `Cookie`. Some proxies read the first of several lines only, some the last.
pub(super) fn varying(lines: &[&[u8]]) -> Vec<u8> {
    let mut names: Vec<&[u8]> = vec![b"Cookie"];
    for name in lines.iter().flat_map(|line| line.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii) {
        if name == b"*" {
            return b"*".to_vec();
        }
        if !name.is_empty() && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    joined(names.into_iter())
}

fn joined<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let parts: Vec<&[u8]> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(b", ".as_slice())
}
