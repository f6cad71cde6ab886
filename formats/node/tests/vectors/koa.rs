//! koa-generic-session, `@socialtables/session`, and the signatures of koa-session and cookie-session.

use crate::tally::{Miss, NOW, Outcome, Tally, named_attributes, same, secrets, text, texts};
use cloakroom_node::body::{Dialect, Json, Object, StoredCookie};
use cloakroom_node::cookie::{Attributes, KoaCookie, KoaEncoding, KoaHash, Presented};
use serde_json::Value;

pub(crate) fn all(tally: &mut Tally, vectors: &Value) {
    let list = &vectors["koa_generic_session"];
    tally.section("koa-generic-session", list, |vector| match vector["steps"].as_array() {
        Some(steps) => requests(text(vector, "case"), steps),
        None if vector["vectors"].is_array() => Ok(()),
        None => first_request(vector),
    });
    let keygrip = list.as_array().unwrap().iter().find(|vector| vector["vectors"].is_array()).unwrap();
    tally.section("keygrip", &keygrip["vectors"], grip);
    tally.section("@socialtables/session", &vectors["socialtables_session"], social_tables);
    tally.section("koa-session: signatures", &vectors["koa_session"], |vector| {
        signed(&["keys", "keykeys"], &texts(&vector["set_cookie"]))
    });
    tally.section("cookie-session: signatures", &vectors["cookie_session"], |vector| {
        let headers = texts(&vector["set_cookie"]);
        if headers.len() < 2 || headers[0].starts_with("session=;") {
            return Err(Miss::Exception(
                "cookie-session keeps nothing in a store; a cookie that is cleared or not sent is not looked at",
            ));
        }
        let (list, one) = (texts(&vector["options"]["keys"]), vector["options"]["secret"].as_str());
        let keys = if list.is_empty() { vec![one.unwrap_or("k1").to_owned()] } else { list };
        signed(&keys, &headers)
    });
}

fn koa(keys: &[&str]) -> KoaCookie {
    KoaCookie::new("koa.sid", keys).unwrap()
}

/// Whether the signature in the second header is that of the first.
fn signed(keys: &[impl AsRef<[u8]>], headers: &[String]) -> Outcome {
    let (name, value) = headers[0].split(';').next().unwrap().split_once('=').unwrap();
    let cookie = KoaCookie::new(name, keys).unwrap();
    let [first, second] = cookie.write(value, &Attributes::default(), NOW).unwrap();
    let pair = |header: &str| header.split(';').next().unwrap().to_owned();
    same("pairs", [pair(&first), pair(&second)], [pair(&headers[0]), pair(&headers[1])])
}

fn first_request(vector: &Value) -> Outcome {
    let case = text(vector, "case");
    let headers = texts(&vector["set_cookie"]);
    if headers.is_empty() {
        return Err(Miss::Exception("that nothing is stored is not a matter of bytes"));
    }
    if case.starts_with("session replaced") {
        return Err(Miss::Exception(
            "a Koa session without a cookie object is sent unsigned, which is not done here",
        ));
    }
    let options = vector["options"]["cookie"].to_string();
    let options = Object::parse(options.as_bytes()).unwrap_or_default();
    // The recorded options are sorted by this test's JSON library; their order is that of the stored body.
    let stored = Object::parse(text(&vector["redis"][0], "value").as_bytes()).unwrap();
    let fields = stored.get("cookie").unwrap().as_object().unwrap();
    let mut ordered = Object::default();
    for member in fields.members().iter().filter_map(|member| member.name().as_str()).chain(["maxage"]) {
        if let Some(value) = options.get(member) {
            ordered.set(member, value.clone());
        }
    }
    let mut cookie = StoredCookie::of_koa_options(&ordered);
    if case.starts_with("per-session") {
        cookie.set_max_age(Some(7_200_000), NOW);
    }
    same("cookie", cookie.to_json().as_str(), stored.get("cookie").unwrap().as_str())?;
    same("joined", &*stored.clone().into_owned().to_text(), text(&vector["redis"][0], "value"))?;
    let expected = koa(&["keys", "keykeys"]).write(text(vector, "sid"), &cookie.attributes(), NOW).unwrap();
    if options.get("signed").is_some() {
        same("value", vec![expected[0].clone()], headers)?;
        return Err(Miss::Exception(
            "signed:false sends the value alone; unsigned cookies are not written here",
        ));
    }
    same("headers", expected.to_vec(), headers)
}

fn requests(case: &str, steps: &[Value]) -> Outcome {
    let koa = koa(&["keys", "keykeys"]);
    let plain = Attributes::default();
    for (index, step) in steps.iter().enumerate() {
        let now = if index == 1 && case.contains("(rolling)") { NOW + 1000 } else { NOW };
        let sent = step["sent_cookie"].as_str().unwrap_or_default();
        let presented = koa.read([sent.as_bytes()]);
        let headers = texts(&step["set_cookie"]);
        let day = Attributes { max_age: Some(86_400_000), ..plain.clone() };
        let expected: Vec<String> = match (&presented, headers.first()) {
            (_, None) => continue,
            (Presented::Signed { sid, key: 1.. }, _) => vec![koa.sign_again(sid, &plain).unwrap()],
            (Presented::Signed { .. }, Some(first)) if first.starts_with("koa.sid=;") => {
                koa.clear(&plain).unwrap().to_vec()
            }
            (Presented::Signed { sid, .. }, _) => koa.write(sid, &day, now).unwrap().to_vec(),
            (other, Some(first)) => {
                let mut expected = Vec::new();
                if *other == Presented::Forged {
                    expected.push(koa.clear_signature(&plain).unwrap());
                }
                let value =
                    headers.iter().find_map(|header| header.strip_prefix("koa.sid=")).unwrap_or(first);
                let sid = value.split(';').next().unwrap();
                let both = if sid.is_empty() { koa.clear(&plain) } else { koa.write(sid, &day, now) };
                expected.extend(both.unwrap());
                // A cookie with `overwrite` takes an earlier one of its name out.
                if headers.len() == 2 && expected.len() == 3 {
                    expected.remove(0);
                }
                expected
            }
        };
        same(&format!("step {index}, {presented:?}"), expected, headers)?;
        for record in step["redis"].as_array().into_iter().flatten() {
            let text = text(record, "value");
            let body = Object::parse(text.as_bytes()).unwrap();
            let cookie = StoredCookie::new(&day, now, Dialect::Koa);
            same("cookie", cookie.to_json().as_str(), body.get("cookie").unwrap().as_str())?;
        }
    }
    Ok(())
}

fn grip(vector: &Value) -> Outcome {
    let hash = match vector["algorithm"].as_str() {
        None | Some("sha1") => KoaHash::Sha1,
        Some("sha256") => KoaHash::Sha256,
        Some("sha512") => KoaHash::Sha512,
        Some(other) => panic!("no hash called {other}"),
    };
    let encoding = if vector["encoding"] == "hex" { KoaEncoding::Hex } else { KoaEncoding::Base64 };
    let (name, sid) = text(vector, "data").split_once('=').unwrap();
    let cookie = KoaCookie::with_hash(name, texts(&vector["keys"]), hash, encoding).unwrap();
    let headers = match sid {
        "" => cookie.clear(&Attributes::default()),
        sid => cookie.write(sid, &Attributes::default(), NOW),
    };
    let Ok([_, signature]) = headers else {
        return Err(Miss::Exception(
            "a Koa cookie with letters outside of ASCII is refused: it would not read back",
        ));
    };
    let expected = format!("{name}.sig={};", text(vector, "sig"));
    same("signature", signature.starts_with(&expected), true)
}

fn social_tables(vector: &Value) -> Outcome {
    if let Some(sent) = vector["request_cookie"].as_str() {
        let cookie = KoaCookie::new("connect.sid", ["keyboard cat"]).unwrap();
        same("unsigned", cookie.read([sent.as_bytes()]), Presented::Unsigned)?;
        return Err(Miss::Exception("a cookie without a signature is refused, which the package accepts"));
    }
    let options: Attributes = named_attributes(text(vector, "cookie_opt"));
    let cookie = KoaCookie::new("connect.sid", secrets(&vector["options"]["secret"])).unwrap();
    let sid = "Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf";
    let options = Attributes { priority: None, ..options };
    let headers = |stored: &StoredCookie<'_>, now| {
        let attributes = Attributes { max_age: None, ..stored.attributes() };
        cookie.write(sid, &attributes, now).unwrap().to_vec()
    };
    let mut stored = StoredCookie::new(&options, NOW, Dialect::SocialTables);
    same("headers", headers(&stored, NOW), texts(&vector["set_cookie"]))?;
    let mut body = Object::default();
    stored.store(&mut body);
    body.set("views", Json::number(1));
    same("body", &*body.to_text(), text(vector, "redis_value"))?;
    // With another package's store the fork loses its dates at the second save; only the first is looked at.
    if vector["second_1s_later"].is_null() {
        return Ok(());
    }
    stored.touch(NOW + 1000);
    stored.store(&mut body);
    body.set("views", Json::number(2));
    same("second body", &*body.to_text(), text(vector, "value2"))?;
    let second = texts(&vector["second_set_cookie"]);
    if second.is_empty() { Ok(()) } else { same("second headers", headers(&stored, NOW + 1000), second) }
}
