//! Reads the `Cookie` header.

/// How many cookies of one name are read in a header. Browsers keep fewer than 200 for a site, whatever their names.
const MOST_VALUES: usize = 200;

/// Returns the values of the cookies called `name` in one `Cookie` header, in the order of the header: at most
/// [`MOST_VALUES`], so that a long header costs no more than the look at its bytes.
///
/// Reads what RFC 6265 (section 4.2.1) describes and what clients really send: any white space around a pair, a
/// missing space after `;`, empty pairs, a value in double quotes. Nothing is an error; text without a pair is skipped.
pub(crate) fn values_of<'a>(name: &'a str, header: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    pairs_of(header).filter_map(move |pair| value_in(name, pair)).take(MOST_VALUES)
}

/// Returns the value of a pair whose name is `name`.
fn value_in<'a>(name: &str, pair: &'a [u8]) -> Option<&'a [u8]> {
    let value = pair.trim_ascii_start().strip_prefix(name.as_bytes())?;
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii();
    Some(value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value))
}

/// Returns the values of cookies called `name` that begin behind a comma: a proxy has joined several lines by it.
pub(crate) fn values_behind_commas<'a>(name: &'a str, header: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let is_joined = memchr::memchr(b',', header).is_some();
    let pairs = is_joined.then(|| pairs_of(header)).into_iter().flatten();
    let joined = pairs.flat_map(|pair| pair.split(|&byte| byte == b',').skip(1));
    joined.filter_map(move |pair| value_in(name, pair)).take(MOST_VALUES)
}

/// Returns what of a value stands before its first comma.
pub(crate) fn before_comma(value: &[u8]) -> &[u8] {
    let end = memchr::memchr(b',', value).unwrap_or(value.len());
    value[..end].trim_ascii_end()
}

/// Returns what stands between the semicolons. Browsers send long headers of other people's cookies: `memchr` reads
/// many bytes at a time.
fn pairs_of(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let (pair, behind) = match memchr::memchr(b';', bytes) {
            Some(end) => (&bytes[..end], Some(&bytes[end + 1..])),
            None => (bytes, None),
        };
        rest = behind;
        Some(pair)
    })
}

#[cfg(test)]
mod tests {
    use super::{MOST_VALUES, before_comma, values_behind_commas, values_of};

    fn read(header: &str) -> Vec<&str> {
        values_of("id", header.as_bytes()).map(|value| std::str::from_utf8(value).unwrap()).collect()
    }

    #[test]
    fn every_value_of_the_name_is_found_in_order() {
        assert_eq!(read("a=1; id=x; id=y; b=2"), ["x", "y"]);
        assert_eq!(read("id=x;id = y ;;; id=\"z\";"), ["x", "y", "z"]);
    }

    #[test]
    fn other_names_and_text_without_a_pair_are_passed_over() {
        assert_eq!(read("ID=x; idx=y; xid=z; id; =id; __Host-id=w; a=id=v"), [""; 0]);
        assert_eq!(read(""), [""; 0]);
    }

    #[test]
    fn f18_a_long_header_has_no_more_values_than_a_browser_can_send() {
        let header = "id=x;".repeat(70_000);
        assert_eq!(values_of("id", header.as_bytes()).count(), MOST_VALUES);
        let behind_others = format!("{}id=y", "a=b; ".repeat(70_000));
        assert_eq!(read(&behind_others), ["y"], "cookies of other names do not hide it");
    }

    #[test]
    fn a_cookie_behind_a_comma_is_found_where_lines_were_joined() {
        let read = |header: &'static str| {
            values_behind_commas("id", header.as_bytes())
                .map(|value| std::str::from_utf8(value).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(read("theme=dark, id=x"), ["x"]);
        assert_eq!(read("theme=dark; a=1,id=x, b=2; id=y, id = z"), ["x", "z"]);
        assert_eq!(read("id=x; xid=y, idx=z"), [""; 0]);
        assert_eq!((before_comma(b"x , theme=dark"), before_comma(b"x")), (&b"x"[..], &b"x"[..]));
    }

    #[test]
    fn bytes_that_are_not_text_do_not_hide_a_good_cookie() {
        let header = b"\xff\xfe=\x00; id=x".as_slice();
        assert_eq!(values_of("id", header).collect::<Vec<_>>(), [b"x"]);
    }
}
