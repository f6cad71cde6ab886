//! The bodies that the stores of express-session keep.

use crate::tally::{Miss, NOW, Outcome, Tally, named_attributes, same, secrets, text, texts};
use cloakroom_node::body::{
    BodyError, Dialect, LAST_ACCESS, Member, Object, StoredCookie, is_reserved, last_access, set_last_access,
};
use cloakroom_node::cookie::{Attributes, ExpressCookie};
use cloakroom_node::expiry;
use serde_json::Value;

pub(crate) fn reserved(tally: &mut Tally, vectors: &Value) {
    let list = &vectors["express_session"]["reserved_keys_and_stored_shapes"];
    tally.section("express-session: reserved keys and stored shapes", list, |vector| {
        if let Some(key) = vector["key"].as_str() {
            return same("reserved", is_reserved(key), vector["sets_on_readonly_request"] == 1);
        }
        let value = text(vector, "value");
        let loaded = Object::parse(value.as_bytes())
            .and_then(|body| Ok((StoredCookie::of(&body, Dialect::Express)?, body)));
        let (mut cookie, mut body) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                let is_known = matches!(error, BodyError::NoCookie | BodyError::NotAnObject);
                return same("status", (is_known, &vector["status"]), (true, &Value::from(500)));
            }
        };
        cookie.normalize();
        cookie.touch(NOW);
        cookie.store(&mut body);
        same("touched", &*body.to_text(), text(vector, "touch_called_with"))?;
        let header = ExpressCookie::new("connect.sid", ["keyboard cat"])
            .and_then(|express| express.write("Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf", &cookie.attributes(), NOW));
        same("header", vec![header.unwrap()], texts(&vector["set_cookie"]))
    });
}

pub(crate) fn stores(tally: &mut Tally, vectors: &Value) {
    tally.section("connect-redis 3 to 10", &vectors["connect_redis"], |vector| match vector["value_before"]
        .as_str()
    {
        Some(before) => touched(before, text(vector, "value_after"), text(vector, "session_in_handler")),
        None => {
            stored(vector, vector["value"].as_str())?;
            let (Some(expected), Some(options)) = (vector["ttl_s"].as_i64(), vector["cookie_opt"].as_str())
            else {
                return Ok(());
            };
            let left = expiry::redis_ttl(expires(options), NOW, expiry::DAY);
            let is_rounded_down = text(vector, "version").starts_with("3.") && options == "frac";
            same("ttl", left - i64::from(is_rounded_down), expected)
        }
    });
    tally.section("session-file-store", &vectors["session_file_store"], file);
    tally.section("connect-pg-simple", &vectors["connect_pg_simple"], |vector| {
        if vector["data"].is_null() {
            return Err(Miss::Exception("a time in a column is not a matter of the body"));
        }
        stored(vector, vector["row"]["sess"].as_str())?;
        let second = expiry::postgres_second(expires(text(vector, "cookie_opt")), NOW, expiry::DAY);
        same("expiry", format!("{second}.000000"), text(&vector["row"], "epoch_as_utc"))?;
        same("untouched", &vector["row_after_touch_1500ms_later"]["sess"], &vector["row"]["sess"])
    });
    tally.section("connect-mongo", &vectors["connect_mongo"], |vector| {
        let document = Object::parse(text(vector, "document").as_bytes()).unwrap();
        let Some(body) = document.get("session").unwrap().as_text() else {
            return Err(Miss::Exception(
                "a sub-document with BSON dates is made by the store, not of JSON text",
            ));
        };
        stored(vector, Some(&body))
    });
    tally.section("connect-memcached", &vectors["connect_memcached"], |vector| {
        if vector["kruptein_secret"].is_string() {
            return Err(Miss::Exception("kruptein's encryption is not supported"));
        }
        let reply = vector["get_reply"].as_str().unwrap_or_default();
        let body = reply.split("\r\n").nth(1).filter(|body| body.starts_with('{'));
        if vector["get_reply"].is_null() {
            return Err(Miss::Exception("flags are not a matter of the body"));
        }
        stored(vector, body)?;
        let options = named_attributes(text(vector, "cookie_opt"));
        let seconds = expiry::memcached_seconds(options.max_age);
        let reply = text(vector, "mg_reply");
        let is_kept = (0..=expiry::MEMCACHED_MAX_SECONDS).contains(&seconds);
        same("expiry", reply.starts_with(&format!("HD t{seconds} ")), is_kept)?;
        same("gone", reply == "EN\r\n", !is_kept)
    });
    tally.section("express-mysql-session", &vectors["express_mysql_session"], |vector| {
        stored(vector, vector["row"]["data"].as_str())?;
        let second = expiry::mysql_second(expires(text(vector, "cookie_opt")), NOW, expiry::DAY);
        same("expiry", Some(second), vector["row"]["expires"].as_i64())
    });
    tally.section("connect-sqlite3", &vectors["connect_sqlite3"], |vector| {
        stored(vector, vector["row"]["sess"].as_str())?;
        let exact = expiry::exact(expires(text(vector, "cookie_opt")), NOW, expiry::DAY);
        same("expiry", Some(exact), vector["row"]["expired"].as_i64())
    });
}

/// When a session with these options expires.
fn expires(options: &str) -> Option<i64> {
    let options = named_attributes(options);
    options.max_age.map(|age| NOW + age).or(options.expires)
}

/// The cookie that was sent, and the body that was stored, if any.
fn stored(vector: &Value, body: Option<&str>) -> Outcome {
    let attributes = vector["cookie_opt"].as_str().map_or_else(Attributes::default, named_attributes);
    if let Some(sid) = vector["sid"].as_str() {
        let cookie = ExpressCookie::new("connect.sid", secrets(&vector["secret"])).unwrap();
        let header = cookie.write(sid, &attributes, NOW).unwrap();
        same("header", vec![header], texts(&vector["set_cookie"]))?;
    }
    let Some(body) = body else { return Ok(()) };
    rebuilt(body, &attributes)
}

/// Splits and joins a body, and builds it again from its members, those with integer-like keys last.
fn rebuilt(text: &str, attributes: &Attributes) -> Outcome {
    let read = Object::parse(text.as_bytes()).unwrap();
    same("joined", &*read.to_text(), text)?;
    same("joined anew", &*read.clone().into_owned().to_text(), text)?;
    let mut built = Object::default();
    StoredCookie::new(attributes, NOW, Dialect::Express).store(&mut built);
    let name = |member: &Member<'_>| member.name().as_str().unwrap().to_owned();
    let is_integer = |member: &&Member<'_>| name(member).parse::<u32>().is_ok();
    let (integers, others): (Vec<_>, Vec<_>) = read.members().iter().partition(is_integer);
    for member in
        others.into_iter().chain(integers.into_iter().rev()).filter(|member| name(member) != "cookie")
    {
        built.set(&name(member), member.value().clone());
    }
    same("built", &*built.to_text(), text)
}

/// A touch leaves the text alone, and the session in the handler is that text.
fn touched(before: &str, after: &str, in_handler: &str) -> Outcome {
    same("text", (before, before), (after, in_handler))?;
    let body = Object::parse(before.as_bytes()).unwrap();
    let mut cookie = StoredCookie::of(&body, Dialect::Express).unwrap();
    cookie.touch(NOW + 30_000);
    same("end", cookie.expires(), Some(NOW + 90_000))?;
    rebuilt(before, &Attributes { max_age: Some(60_000), ..Attributes::default() })
}

fn file(vector: &Value) -> Outcome {
    let Some(content) = vector["content"].as_str() else {
        return Err(Miss::Exception("that a broken file is deleted is not a matter of bytes"));
    };
    stored(vector, Some(content))?;
    let mut body = Object::parse(content.as_bytes()).unwrap();
    same("last access", last_access(&body), Some(NOW))?;
    let mut last = body.clone();
    last.remove(LAST_ACCESS);
    set_last_access(&mut last, NOW);
    same("last access is last", &*last.to_text(), content)?;
    // A session that had ended was not touched.
    let is_expired = expiry::is_file_expired(&body, NOW + 1000, expiry::HOUR);
    same("expired", is_expired, text(vector, "second_request_body").ends_with("id=NEW"))?;
    if is_expired {
        return Ok(());
    }
    let mut cookie = StoredCookie::of(&body, Dialect::Express).unwrap();
    cookie.touch(NOW + 1000);
    cookie.store(&mut body);
    set_last_access(&mut body, NOW + 1000);
    same("touched", &*body.to_text(), text(vector, "content_after_touch_1s_later"))
}
