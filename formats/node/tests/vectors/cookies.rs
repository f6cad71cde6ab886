//! express-session's and Fastify's cookies.

use crate::tally::{Miss, NOW, Outcome, Tally, attributes, same, secrets, text, texts};
use cloakroom_node::body::{Dialect, Object, StoredCookie};
use cloakroom_node::cookie::{CookieError, ExpressCookie, FastifyCookie, session_id};
use serde_json::Value;

const SECRET: &str = "keyboard cat";
const SID: &str = "Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf";

pub(crate) fn express(tally: &mut Tally, vectors: &Value) {
    let cookie = &vectors["express_session"]["cookie"];
    tally.section("express-session cookie: sign", &cookie["sign"], sign);
    tally.section("express-session cookie: header", &cookie["header"], header);
    tally.section("express-session cookie: parse", &cookie["parse"], parse);
    tally.section("express-session cookie: genid", &cookie["genid"], |id| {
        let id = id.as_str().unwrap();
        let bytes = data_encoding::BASE64URL_NOPAD.decode(id.as_bytes()).unwrap();
        same("id", (session_id(&bytes).as_str(), bytes.len()), (id, 24))
    });
    tally.section("express-session cookie: hash", &cookie["hash"], |vector| {
        let mut body = Object::parse(text(vector, "input").as_bytes()).unwrap();
        body.remove("cookie");
        same("hashed text", &*body.to_text(), text(vector, "hashed_text"))
    });
    let old = Value::Array(vec![vectors["express_session"]["es_1_0_2_feb_2014"].clone()]);
    tally.section("express-session 1.0.2", &old, |vector| {
        let cookie = ExpressCookie::new("sid", [SECRET]).unwrap();
        let minute = attributes(&serde_json::json!({"maxAge": 60_000}));
        let header = cookie.write(text(vector, "body_sid"), &minute, NOW).unwrap();
        same("header", vec![header], texts(&vector["set_cookie"]))?;
        let json = StoredCookie::new(&minute, NOW, Dialect::Express).to_json();
        same("body", format!("{{\"cookie\":{},\"views\":1}}", json.as_str()), text(vector, "stored"))
    });
}

fn sign(vector: &Value) -> Outcome {
    let keys: Vec<Vec<u8>> = match vector["secret_hex"].as_str() {
        Some(hex) => vec![data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()],
        None => secrets(&vector["secret"]).into_iter().map(String::into_bytes).collect(),
    };
    let Some(expected) = vector["set_cookie"].as_str() else {
        return same("cookie", ExpressCookie::new("connect.sid", keys).err(), Some(CookieError::Secret));
    };
    let (cookie, sid) = (ExpressCookie::new("connect.sid", keys).unwrap(), text(vector, "sid"));
    let header = cookie.write(sid, &attributes(&Value::Null), NOW).unwrap();
    same("header", &*header, expected)?;
    let read = cookie.read([header.split(';').next().unwrap().as_bytes()]).into_sid();
    same("read back", read.as_deref(), Some(sid).filter(|sid| !sid.is_empty()))
}

fn header(vector: &Value) -> Outcome {
    let name = vector["name"].as_str().unwrap_or("connect.sid");
    let expected = texts(&vector["set_cookie"]);
    let cookie = match ExpressCookie::new(name, [SECRET]) {
        Ok(cookie) => cookie,
        Err(error) => return same("name", (error, expected.len()), (CookieError::Name, 0)),
    };
    let options = attributes(&vector["cookie"]);
    let header = cookie.write(SID, &options, NOW).unwrap();
    if vector["cookie"]["secure"] == true {
        same("no cookie over plain http", expected.len(), 0)?;
        same("secure", header.ends_with("; HttpOnly; Secure"), true)?;
    } else {
        same("header", vec![header], expected)?;
    }
    let Some(expected) = vector["session_json_in_handler"].as_str() else { return Ok(()) };
    let json = StoredCookie::new(&options, NOW, Dialect::Express).to_json();
    let body = format!("{{\"cookie\":{}}}", json.as_str());
    if body != expected && body.eq_ignore_ascii_case(expected) {
        return Err(Miss::Exception(
            "a new body has sameSite in lower case, not as the application wrote it",
        ));
    }
    if vector["cookie"]["expires"] == false {
        return Err(Miss::Exception("expires:false is not an option here; a body that has it is read"));
    }
    same("body", &*body, expected)
}

fn parse(vector: &Value) -> Outcome {
    let cookie = ExpressCookie::new("connect.sid", secrets(&vector["secret"])).unwrap();
    let sid = cookie.read([text(vector, "cookie_header").as_bytes()]).into_sid();
    let result: Value = serde_json::from_str(text(vector, "result")).unwrap();
    let expected = result["id"].as_str().filter(|id| *id != "NEWSID");
    same("id", sid.as_deref(), expected)
}

pub(crate) fn fastify(tally: &mut Tally, vectors: &Value) {
    tally.section("@fastify/session", &vectors["fastify_session"], |vector| {
        let options = &vector["options"];
        let name = options["cookieName"].as_str().unwrap_or("sessionId");
        let prefix = options["cookiePrefix"].as_str().unwrap_or_default();
        let Some(expected) = vector["set_cookie"].as_str() else {
            return Err(Miss::Exception("whether anything is stored and sent is not a matter of bytes"));
        };
        let cookie = FastifyCookie::new(name, prefix, [text(vector, "secret")]).unwrap();
        let mut attributes = attributes(&options["cookie"]);
        if options["cookie"]["secure"] == "auto" {
            attributes.secure = Some(false);
            attributes.same_site = Some(cloakroom_node::cookie::SameSite::Lax);
        }
        same("header", &*cookie.write(SID, &attributes, NOW).unwrap(), expected)?;
        same("read", cookie.read([expected.as_bytes()]).into_sid().as_deref(), Some(SID))?;
        let json = StoredCookie::new(&attributes, NOW, Dialect::Fastify).to_json();
        let body = format!("{{\"cookie\":{},\"views\":1}}", json.as_str());
        same("body", &*body, text(&vector["redis"][0], "value"))
    });
}
