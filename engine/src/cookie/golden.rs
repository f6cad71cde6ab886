//! The cookie and the key as docs/wire.md says, computed once by another implementation of BLAKE3.

use super::{Codec, KeyRing};
use crate::SessionId;

const ID: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const KEY: &str = "db1b4bc14041338830b457ad1ac8ef5b96f8565a2be54e87b652d83bb7b64ed9";
const SECRET: &str = "a secret of at least 32 bytes, they say";
const SIGNATURE: &str = "HdCCzlmy92GM4-aQAgmHFQgLvjUfjSvCusA20OehCAs";

fn id() -> SessionId {
    SessionId::from_random(&std::array::from_fn(|byte| u8::try_from(byte).unwrap()))
}

fn written(codec: &Codec) -> String {
    let mut value = String::new();
    codec.write("session", &id(), &mut value);
    assert_eq!(value.len(), codec.length());
    assert_eq!(codec.read("session", value.as_bytes()), Ok(id()));
    value
}

#[test]
fn an_id_and_the_key_of_its_record_are_as_docs_wire_md_says() {
    assert_eq!(id().expose(), ID);
    assert_eq!(data_encoding::HEXLOWER.encode(id().key().as_bytes()), KEY);
}

#[test]
fn a_plain_cookie_is_the_id() {
    assert_eq!(written(&Codec::Plain), ID);
}

#[test]
fn a_signed_cookie_is_the_id_a_dot_and_the_signature() {
    let codec = Codec::Signed(KeyRing::new([SECRET]).unwrap());
    assert_eq!(written(&codec), format!("{ID}.{SIGNATURE}"));
}
