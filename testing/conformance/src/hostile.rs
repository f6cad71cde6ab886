//! Bytes that have broken software before: as a path, in a query, on a protocol line, in a map's key.

/// Every byte, alone.
pub(crate) fn single_bytes() -> Vec<Vec<u8>> {
    (0..=u8::MAX).map(|byte| vec![byte]).collect()
}

/// What a path would go astray with.
pub(crate) fn paths() -> Vec<Vec<u8>> {
    bytes(&[
        "..",
        "../..",
        "../../etc/passwd",
        "a/../b",
        "a/b",
        "a//b",
        "./a/b",
        "/a/b",
        "a\\b",
        "..\\..",
        "C:\\a",
        "C:a",
        "con",
        "nul",
        "aux.txt",
        "lpt1",
        ".hidden",
        "-rf",
        "~root",
        "a.tmp",
        "a.lock",
        "a.json",
        "*.json",
        "a*",
        "//",
        "index.html",
        "a\0.json",
        "file:///a",
    ])
}

/// What a query, a protocol line, a template or a document store would take for its own.
pub(crate) fn queries() -> Vec<Vec<u8>> {
    bytes(&[
        "'; DROP TABLE sessions; --",
        "' OR '1'='1",
        "\"\"",
        "''",
        "`x`",
        "\\'",
        "%00",
        "%2e%2e%2f",
        "%s%n",
        "a_b",
        "a%b",
        "\r\n",
        "\r\nDEL *\r\n",
        "*1\r\n$8\r\nFLUSHALL\r\n",
        "set x 0 0 1",
        "a b",
        "a\tb",
        "a:b",
        "a::b",
        "{a}",
        "{a}b",
        "[a]",
        "$where",
        "${jndi:x}",
        "$(x)",
        "{{x}}",
        "a.b",
        "a.$b",
        "__proto__",
        "constructor",
        "hasOwnProperty",
        "toString",
        "null",
        "undefined",
        "true",
        "{}",
        "[]",
        "{\"a\":1}",
        "<script>",
        "&amp;",
        "=1+1",
    ])
}

/// What a store that minds numbers would take for one another.
pub(crate) fn numbers() -> Vec<Vec<u8>> {
    bytes(&["10", "010", "10.0", "+10", "1e1", "0x0a", "-0", "00", "NaN", "10 ", " 10", "9007199254740993"])
}

/// Names that differ in case only.
pub(crate) fn cases() -> Vec<Vec<u8>> {
    bytes(&["alice", "Alice", "ALICE", "alicE", "straße", "STRASSE", "strasse", "İi", "ii", "Ii", "II"])
}

/// Names of which one is another with a little before or behind it.
pub(crate) fn endings() -> Vec<Vec<u8>> {
    bytes(&[
        "ab",
        "ab\0",
        "ab\0\0",
        "ab ",
        "ab  ",
        "ab\n",
        "ab\r\n",
        "ab\t",
        "ab.",
        "ab/",
        "ab\0c",
        "ab\0d",
        "ab%",
        "\0ab",
        " ab",
        "\nab",
        "ab\u{200b}",
        "\u{feff}ab",
        "ab=",
        "ab==",
    ])
}

/// Bytes that are not text, or the same text in other bytes.
pub(crate) fn texts() -> Vec<Vec<u8>> {
    let mut names =
        bytes(&["é", "e\u{301}", "\u{fffd}", "\u{fffd}\u{fffd}", "\u{202e}abc", "ｆｕｌｌ", "full", "😀"]);
    let invalid: [&[u8]; 7] =
        [b"\xff\xfe", b"\xfe\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80\x80", b"a\xffb"];
    names.extend(invalid.map(<[u8]>::to_vec));
    names
}

/// Names of every length up to `longest`, each the beginning of the next.
pub(crate) fn lengths(longest: usize) -> Vec<Vec<u8>> {
    (1..=longest).map(|length| vec![b'x'; length]).collect()
}

/// All but the longest.
pub(crate) fn everything() -> Vec<Vec<u8>> {
    [single_bytes(), paths(), queries(), numbers(), cases(), endings(), texts()].concat()
}

fn bytes(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_name_is_in_the_lists_twice() {
        let all = super::everything();
        let twice = |name: &&Vec<u8>| all.iter().filter(|other| other == name).count() > 1;
        assert_eq!(all.iter().filter(twice).collect::<BTreeSet<_>>(), BTreeSet::new());
    }
}
