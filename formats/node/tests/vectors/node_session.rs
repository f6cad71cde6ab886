//! node-session: cookies, bodies, payloads, encryption, keys and flash values.

use crate::tally::{Miss, NOW, Outcome, Tally, attributes, same, text, texts};
use cloakroom_node::body::{BodyError, Json, Object};
use cloakroom_node::cookie::NodeSessionCookie;
use cloakroom_node::node_session::{
    Encrypter, EncrypterError, Flash, Key, KeyError, is_session_id, read_payload, token, write_payload,
};
use serde_json::{Value, json};

const SECRET: &str = "Q3UBzdH9GEfiRCTKbi5MTPyChpzXLsTD";

pub(crate) fn all(tally: &mut Tally, vectors: &Value) {
    let list = &vectors["node_session"];
    tally.section("node-session: http", &list["http"], http);
    tally.section("node-session: encrypter", &list["encrypter_vectors"], |vector| {
        if vector["secret"].is_null() {
            return Err(Miss::Exception("a demonstration of the encrypter's weakness"));
        }
        let encrypter = Encrypter::new(text(vector, "secret"));
        let (plain, sealed) = (text(vector, "plaintext"), text(vector, "encrypted"));
        same("sealed", &*encrypter.seal(plain), sealed)?;
        same("opened", encrypter.open(sealed).as_deref(), Ok(plain))
    });
    tally.section("node-session: keys", &list["keys"], key);
    tally.section("node-session: flash", &list["flash"], flash);
    tally.section("node-session: api", &list["api"], |_| {
        Err(Miss::Exception("methods of node-session's object; get, put and flash are looked at above"))
    });
}

fn http(vector: &Value) -> Outcome {
    if let Some(stored) = vector["stored"].as_str() {
        return foreign(text(vector, "case"), stored);
    }
    for row in vector["rows"].as_array().into_iter().flatten() {
        let payload = text(row, "payload");
        let body = read_payload(payload).unwrap();
        same("payload", &*write_payload(&body), payload)?;
        body_of_file(&body)?;
    }
    for file in vector["files"].as_array().into_iter().flatten() {
        same("name of the file", is_session_id(text(file, "name")), true)?;
        body_of_file(text(file, "content"))?;
    }
    let name = vector["config"]["cookie"].as_str().unwrap_or("node_session");
    let cookie = NodeSessionCookie::new(name, [SECRET]).unwrap();
    let sid = vector["request_cookie"].as_str().and_then(|sent| cookie.read([sent.as_bytes()]).into_sid());
    if let Some(body) = vector["body"].as_str().filter(|body| body.contains("same_id")) {
        let body: Value = serde_json::from_str(body).unwrap();
        return same("same id", sid.is_some(), body["same_id"] == true);
    }
    let Some(header) = texts(&vector["set_cookie"]).into_iter().next() else { return Ok(()) };
    let lifetime = vector["config"]["lifetime"].as_i64().unwrap_or(300_000);
    let mut options = attributes(&Value::Null);
    options.max_age = (vector["config"]["expireOnClose"] != true).then_some(lifetime);
    let sid = cookie.read([header.as_bytes()]).into_sid();
    same("header", cookie.write(&sid.unwrap_or_default(), &options, NOW), Ok(header))
}

/// A body at rest: it is split and joined, its token is there, and another end of a request changes nothing.
fn body_of_file(content: &str) -> Outcome {
    let plain;
    let content = if content.contains("\"ct\"") {
        plain = Encrypter::new(SECRET).open(content).unwrap();
        same("sealed", &*Encrypter::new(SECRET).seal(&plain), content)?;
        &plain
    } else {
        content
    };
    let mut body = Object::parse(content.as_bytes()).unwrap();
    same("token", token(&body).map(|token| token.len()), Some(40))?;
    Flash::age(&mut body).unwrap();
    same("aged", &*body.to_text(), content)?;
    // Built anew: the token first, flash last.
    let mut built = Object::default();
    for member in body.members() {
        built.set(member.name().as_str().unwrap(), member.value().clone());
    }
    built.remove("flash");
    Flash::age(&mut built).unwrap();
    same("built", &*built.to_text(), content)
}

/// A body that node-session did not write: it merges it letter by letter, or starts anew; here it is an error.
fn foreign(case: &str, stored: &str) -> Outcome {
    if case.starts_with("encrypted") {
        let error = if stored.contains("ct") { EncrypterError::Mac } else { EncrypterError::Form };
        same("error", Encrypter::new(SECRET).open(stored).err(), Some(error))?;
        return Err(Miss::Exception("what cannot be opened is an error, not merged letter by letter"));
    }
    let error = if stored.is_empty() { BodyError::Truncated } else { BodyError::NotAnObject };
    same("error", Object::parse(stored.as_bytes()).err(), Some(error))?;
    match case {
        "stored: empty file" | "stored: json number" | "stored: null" => Ok(()),
        _ => Err(Miss::Exception("JSON that is not an object is an error, not merged letter by letter")),
    }
}

fn key(vector: &Value) -> Outcome {
    let (text_of_key, put) = (text(vector, "key"), text(vector, "put_then_all"));
    let key = match Key::parse(text_of_key) {
        Ok(key) => key,
        Err(_) if put.starts_with("THROWS") => return Ok(()),
        Err(KeyError::Prototype) => {
            return Err(Miss::Exception("a key that leads to the prototype of objects is refused"));
        }
        Err(_) => return Err(Miss::Exception("a key that runs as a program is refused")),
    };
    let mut body = Object::default();
    same("fresh", key.get(&body).is_none(), true)?;
    key.put(&mut body, Json::string("V")).unwrap();
    same("put", &*body.to_text(), put)?;
    same("got", key.get(&body).unwrap().as_str(), text(vector, "get_after_put"))?;
    if text(vector, "get_fresh") != "\"DEF\"" {
        return Err(Miss::Exception("functions that JavaScript objects inherit are not values here"));
    }
    Ok(())
}

fn flash(vector: &Value) -> Outcome {
    let case = text(vector, "case");
    if case.contains("dotted") {
        return Err(Miss::Exception("a flashed name with dots is one key, so that it goes away again"));
    }
    let mut body = Object::parse(br#"{"_token":"TOKENTOKENTOKENTOKENTOKENTOKENTOKENTOKEN"}"#).unwrap();
    for step in vector["steps"].as_array().unwrap() {
        let (name, before) = (text(step, "step"), &step["body"]["all_before_save"]);
        match name {
            "flash" => {
                Flash::add(&mut body, "m", Json::string("hi")).unwrap();
                if before["n"].is_string() {
                    Flash::add(&mut body, "n", Json::string("yo")).unwrap();
                }
            }
            "flashInput" => {
                let input = Json::parse(r#"[{"x":1}]"#).unwrap();
                Flash::add(&mut body, "_old_input", input).unwrap();
            }
            "reflash" => Flash::keep_all(&mut body).unwrap(),
            "keep" => Flash::keep(&mut body, &["m"]).unwrap(),
            "put" => body.set("m", Json::string("permanent")),
            read => same("step", read.starts_with("read"), true)?,
        }
        let parsed =
            |body: &Object<'_>| -> Value { serde_json::from_str(&body.to_text()).unwrap_or(json!(null)) };
        same(&format!("{name}, before"), &parsed(&body), before)?;
        Flash::age(&mut body).unwrap();
        same(&format!("{name}, stored"), &parsed(&body), &step["stored"])?;
    }
    Ok(())
}
