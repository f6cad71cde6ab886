use cloakroom::Timestamp;
use cloakroom_sealing::SealingKeys;
use serde_json::value::RawValue;

use super::*;

const OLD: &str = "the quick brown fox jumps over the lazy dog";

fn config() -> IrrevocableConfig {
    IrrevocableConfig::new(SealingKeys::new([OLD]).unwrap()).max_cookies(4)
}

fn settings() -> Settings {
    config().settings().unwrap()
}

/// Contents whose JSON has this length.
fn contents(json: usize) -> Contents {
    let mut contents = Contents::new(Timestamp::from_micros(5), Timestamp::from_micros(6));
    let text = "x".repeat(json - r#"{"coat":""}"#.len());
    contents.values.insert("coat".into(), RawValue::from_string(format!("\"{text}\"")).unwrap());
    contents
}

fn header(settings: &Settings, values: &[String]) -> String {
    let pairs = settings.names.iter().zip(values).map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("; ")
}

fn opened(settings: &Settings, header: &str) -> Option<usize> {
    let contents = Found::read(settings, &[header.as_bytes()]).open(settings)?;
    assert_eq!((contents.begun_at.as_micros(), contents.expires_at.as_micros()), (5, 6));
    Some(Contents::json(&contents.values).len())
}

#[test]
fn a_session_of_any_length_takes_as_few_cookies_as_it_can_and_opens() {
    let settings = settings();
    let most = room(settings.cookie.name());
    for (json, cookies) in [(20, 1), (2_800, 1), (3_000, 2), (5_700, 2), (6_000, 3), (11_400, 4)] {
        let values = seal(&settings, &contents(json)).unwrap();
        assert_eq!((values.len(), cookies_of(settings.cookie.name(), json)), (cookies, cookies), "{json}");
        assert!(values.iter().all(|value| !value.is_empty() && value.len() <= most));
        assert_eq!(opened(&settings, &header(&settings, &values)), Some(json));
    }
}

#[test]
fn r29_every_flipped_bit_and_every_cut_is_refused() {
    let settings = settings();
    let values = seal(&settings, &contents(200)).unwrap();
    let good = values[0].as_bytes();
    for at in 0..good.len() * 8 {
        let mut bad = good.to_vec();
        bad[at / 8] ^= 1 << (at % 8);
        let header = [b"__Host-sealed=".as_slice(), &bad].concat();
        assert!(Found::read(&settings, &[&header]).open(&settings).is_none(), "bit {at}");
    }
    for length in 0..good.len() {
        assert_eq!(
            opened(&settings, &format!("__Host-sealed={}", &values[0][..length])),
            None,
            "{length} bytes"
        );
    }
}

#[test]
fn r29_the_cookies_of_two_sessions_do_not_mix_and_do_not_change_places() {
    let settings = settings();
    let [one, other] = [5_000, 5_000].map(|json| seal(&settings, &contents(json)).unwrap());
    assert_eq!(opened(&settings, &header(&settings, &[one[0].clone(), other[1].clone()])), None);
    assert_eq!(opened(&settings, &header(&settings, &[one[1].clone(), one[0].clone()])), None);
    assert_eq!(opened(&settings, &header(&settings, &one[..1])), None, "the second one is missing");
    assert_eq!(opened(&settings, &header(&settings, &other)), Some(5_000));
}

#[test]
fn r29_a_session_opens_only_under_its_name_and_for_its_purpose() {
    let values = seal(&settings(), &contents(200)).unwrap();
    let others =
        [config().cookie_name("__Host-hat"), config().purpose("shop"), config().cookie_path("/shop")];
    for config in others {
        let settings = config.settings().unwrap();
        assert_eq!(opened(&settings, &header(&settings, &values)), None, "{}", settings.cookie.name());
    }
}

#[test]
fn r29_only_this_version_is_read() {
    let settings = settings();
    let value = &seal(&settings, &contents(200)).unwrap()[0];
    assert!(value.starts_with("11"), "version 1, one cookie");
    for version in ["0", "2", "{", "", "3"] {
        assert_eq!(opened(&settings, &format!("__Host-sealed={version}{}", &value[1..])), None, "{version}");
    }
    let json = BASE64URL_NOPAD.encode(br#"{"coat":"green"}"#);
    for plain in [json.as_str(), &format!("11{json}"), r#"{"coat":"green"}"#, "11", "1", ""] {
        assert_eq!(opened(&settings, &format!("__Host-sealed={plain}")), None, "{plain}");
    }
    // Not even one that was sealed with a good key.
    for (version, due) in [(b'1', Some(20)), (b'2', None)] {
        let sealer = settings.keys.sealer(PURPOSE).unwrap();
        let (head, mut sealed) = ([version, b'1'], sealer.preamble().to_vec());
        sealer.seal(0, &bound_to(&settings, head), &contents(20).encode(), &mut sealed);
        let text = format!("__Host-sealed={}1{}", char::from(version), BASE64URL_NOPAD.encode(&sealed));
        assert_eq!(opened(&settings, &text), due);
    }
    // As many cookies as it says, and no more than are allowed.
    for count in ["0", "2", "4", "5", "9", "a"] {
        assert_eq!(opened(&settings, &format!("__Host-sealed=1{count}{}", &value[2..])), None, "{count}");
    }
}

#[test]
fn of_several_cookies_of_one_name_the_sealed_one_counts() {
    let settings = settings();
    let values = seal(&settings, &contents(200)).unwrap();
    let good = header(&settings, &values);
    assert_eq!(opened(&settings, &format!("__Host-sealed=11abc; {good}")), Some(200));
    assert_eq!(opened(&settings, &format!("{good}; __Host-sealed=11abc")), Some(200));
    let behind = format!("{}{good}", "__Host-sealed=11abc; ".repeat(MOST_CANDIDATES));
    assert_eq!(opened(&settings, &behind), None, "a header costs three tries at most");
}

#[test]
fn the_bytes_of_a_cookie_stand_still() {
    assert_eq!(opened(&settings(), GOLDEN), Some(16));
}

const GOLDEN: &str = "__Host-sealed=11d5562pwVH2HoJiP0e5c0p23v4G5JHc05R8VDZdAA_oVVxnmbsoABMXBSK4u9phpMLC0UXdS_52KXbh3F1asmDeRS1iaDh88o4S2d";
