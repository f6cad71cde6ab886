use std::fs;
use std::time::Duration;

use cloakroom::store::{BodyStore, Ended, ErrorKind, ManualClock, Replaced, Timestamp};
use cloakroom::{PlainRequest, SessionManager};
use tempfile::TempDir;

use super::{FileBodies, FileLayout};
use crate::Express;
use crate::body::{Object, last_access};
use crate::cookie::{Attributes, ExpressCookie};

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const HOUR: Duration = Duration::from_secs(3600);
const SID: &str = "Wq1jm5x0b8hT0Qn3vPzLkR7yUo2sDaEf";
const BODY: &[u8] =
    br#"{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"views":1}"#;

struct Place {
    folder: TempDir,
    clock: ManualClock,
    bodies: FileBodies,
    /// The id of a session, and the name of its file.
    id: String,
    file: String,
}

impl Place {
    async fn of(layout: FileLayout, id: &str, file: &str) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::at(NOW));
        let bodies = FileBodies::open_with_clock(folder.path(), layout, clock.clone()).await.unwrap();
        Self { folder, clock, bodies, id: id.to_owned(), file: file.to_owned() }
    }

    async fn express() -> Self {
        Self::of(FileLayout::session_file_store(), SID, &format!("{SID}.json")).await
    }

    async fn node_session() -> Self {
        let id = "a".repeat(40);
        Self::of(FileLayout::node_session().ttl(HOUR), &id, &id).await
    }

    async fn both() -> [Self; 2] {
        [Self::express().await, Self::node_session().await]
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join(&self.file)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    async fn body(&self) -> Option<Vec<u8>> {
        self.bodies.read(&self.id).await.unwrap().map(|body| body.bytes.to_vec())
    }

    /// The names of the files that a package would list.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap);
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| !name.starts_with('.')).collect()
    }
}

#[tokio::test]
async fn a_new_file_ends_with_its_last_access() {
    let place = Place::express().await;
    place.bodies.insert(SID, BODY, NOW + HOUR).await.unwrap().unwrap();
    let expected =
        format!("{},\"__lastAccess\":1767225600000}}", std::str::from_utf8(&BODY[..BODY.len() - 1]).unwrap());
    assert_eq!(place.text(), expected);
    assert_eq!(place.names(), [place.file.as_str()]);
    assert_eq!(place.bodies.read(SID).await.unwrap().unwrap().expires_at, NOW + HOUR);
}

#[tokio::test]
async fn a_cookie_with_a_lifetime_of_its_own_decides_when_a_file_expires() {
    let place = Place::express().await;
    let body =
        br#"{"cookie":{"originalMaxAge":60000,"expires":"2026-01-01T00:01:00.000Z"},"__lastAccess":5,"a":1}"#;
    place.bodies.insert(SID, body, NOW + Duration::from_secs(60)).await.unwrap().unwrap();
    assert!(place.text().contains("\"__lastAccess\":1767225600000,\"a\":1"), "it keeps its place");
    place.clock.advance(Duration::from_millis(59_999));
    assert!(place.body().await.is_some());
    place.clock.advance(Duration::from_millis(1));
    assert!(place.body().await.is_none());
    assert!(place.path().exists(), "the package removes it");
    place.bodies.insert(SID, BODY, NOW + HOUR).await.unwrap().expect("what has expired takes no room");
}

#[tokio::test]
async fn a_touch_moves_the_last_access_and_the_cookies_date_without_a_new_version() {
    let place = Place::express().await;
    let body = br#"{"cookie":{"originalMaxAge":3600000,"expires":"2026-01-01T01:00:00.000Z"},"a":1}"#;
    let version = place.bodies.insert(SID, body, NOW + HOUR).await.unwrap().unwrap();
    place.clock.advance(HOUR / 2);
    assert!(place.bodies.touch(SID, NOW + HOUR + HOUR / 2).await.unwrap());
    let text = place.text();
    assert_eq!(
        text,
        r#"{"cookie":{"originalMaxAge":3600000,"expires":"2026-01-01T01:30:00.000Z"},"a":1,"__lastAccess":1767227400000}"#
    );
    assert!(place.bodies.touch(SID, NOW + HOUR).await.unwrap(), "there is a body");
    assert_eq!(place.text(), text, "and it is not moved back");
    let found = place.bodies.read(SID).await.unwrap().unwrap();
    assert_eq!((found.version, found.expires_at), (version, NOW + HOUR + HOUR / 2));
}

#[tokio::test]
async fn a_touch_of_a_node_session_file_sets_its_times_and_no_bytes() {
    let place = Place::node_session().await;
    place.bodies.insert(&place.id, br#"{"_token":"t"}"#, NOW + HOUR).await.unwrap().unwrap();
    assert!(place.bodies.touch(&place.id, NOW + HOUR * 2).await.unwrap());
    // Reading it moves the time of the last access, so that is looked at first.
    let about = fs::metadata(place.path()).unwrap();
    assert_eq!(place.text(), r#"{"_token":"t"}"#);
    let at = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).unwrap();
    let last = (NOW + HOUR).since(Timestamp::EPOCH);
    assert_eq!((at(about.modified().unwrap()), at(about.accessed().unwrap())), (last, last));
    place.clock.advance(Duration::from_millis(7_199_999));
    assert!(place.body().await.is_some());
    place.clock.advance(Duration::from_millis(1));
    assert!(place.body().await.is_none());
}

#[tokio::test]
async fn only_the_body_that_was_read_is_replaced() {
    for place in Place::both().await {
        let first = place.bodies.insert(&place.id, BODY, NOW + HOUR).await.unwrap().unwrap();
        assert_eq!(place.bodies.insert(&place.id, b"{}", NOW + HOUR).await.unwrap(), None);
        let body = br#"{"cookie":{},"views":2}"#;
        let Replaced::Replaced(second) =
            place.bodies.replace(&place.id, first, body, NOW + HOUR).await.unwrap()
        else {
            panic!("it is the one that was read")
        };
        assert_ne!(first, second);
        let again = place.bodies.replace(&place.id, first, BODY, NOW + HOUR).await.unwrap();
        let Replaced::Changed(there) = again else { panic!("{again:?}") };
        assert_eq!((there.version, &*there.bytes), (second, place.text().as_bytes()));
        // Node writes the file in its own way.
        fs::write(place.path(), place.text().replace(":2", ":3")).unwrap();
        place.bodies.touch(&place.id, NOW + HOUR).await.unwrap();
        let third = place.bodies.replace(&place.id, second, BODY, NOW + HOUR).await.unwrap();
        assert!(matches!(third, Replaced::Changed(_)), "{third:?}");
        assert_eq!(place.names(), [place.file.as_str()], "no other file is left");
    }
}

#[tokio::test]
async fn writers_that_share_a_folder_exclude_each_other() {
    for place in Place::both().await {
        place.bodies.insert(&place.id, br#"{"cookie":{},"n":0}"#, NOW + HOUR).await.unwrap().unwrap();
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let layout = place.bodies.folder.layout.clone();
            let other = FileBodies::open_with_clock(place.folder.path(), layout, place.clock.clone());
            tasks.push(tokio::spawn(count_to_ten(other.await.unwrap(), place.id.clone())));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert!(place.text().contains("\"n\":80"), "{}", place.text());
    }
}

async fn count_to_ten(bodies: FileBodies, id: String) {
    for _ in 0..10 {
        loop {
            let body = bodies.read(&id).await.unwrap().unwrap();
            let mut object = Object::parse(&body.bytes).unwrap();
            let n = object.get("n").unwrap().as_millis().unwrap();
            object.set("n", crate::body::Json::number(n + 1));
            let next = object.to_text().into_owned();
            let done = bodies.replace(&id, body.version, next.as_bytes(), NOW + HOUR).await.unwrap();
            if matches!(done, Replaced::Replaced(_)) {
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_is_written_back_after_an_end_is_removed_when_it_is_read() {
    for place in Place::both().await {
        let version = place.bodies.insert(&place.id, BODY, NOW + HOUR).await.unwrap().unwrap();
        let text = place.text();
        let other = place.bodies.end(&place.id, Some(cloakroom::store::Version::new(1))).await.unwrap();
        assert!(matches!(other, Ended::Changed(_)), "{other:?}");
        let Ended::Ended(body) = place.bodies.end(&place.id, Some(version)).await.unwrap() else {
            panic!("it is the one that was read")
        };
        assert_eq!(&*body.bytes, text.as_bytes());
        assert!(place.names().is_empty());
        fs::write(place.path(), &text).unwrap();
        assert_eq!(place.bodies.end(&place.id, None).await.unwrap(), Ended::Missing);
        for hours in [1, 24, 23] {
            fs::write(place.path(), text.replace("1767225600000", "9767225600000")).unwrap();
            place.clock.advance(HOUR * hours);
            touch_now(&place);
            assert!(place.body().await.is_none(), "after {hours} hours");
            assert!(place.names().is_empty());
        }
        fs::write(place.path(), &text).unwrap();
        assert!(!place.bodies.touch(&place.id, Timestamp::NEVER).await.unwrap());
        assert_eq!(place.bodies.insert(&place.id, BODY, Timestamp::NEVER).await.unwrap(), None);
    }
}

/// Makes a file look as if it were written at the time of the test's clock.
fn touch_now(place: &Place) {
    use cloakroom::store::Clock as _;
    let now = std::time::UNIX_EPOCH + place.clock.now().since(Timestamp::EPOCH);
    fs::File::options().write(true).open(place.path()).unwrap().set_modified(now).unwrap();
}

#[tokio::test]
async fn marks_of_older_days_are_removed() {
    let place = Place::express().await;
    for number in 0..4 {
        let id = format!("session{number}");
        place.bodies.insert(&id, BODY, Timestamp::NEVER).await.unwrap().unwrap();
        assert!(matches!(place.bodies.end(&id, None).await.unwrap(), Ended::Ended(_)));
        place.clock.advance(HOUR * 24);
    }
    let own = fs::read_dir(place.folder.path().join(".cloakroom-ended")).unwrap();
    let days = own.filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with("day-"));
    assert_eq!(days.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn half_a_file_is_read_again_until_it_is_whole() {
    for half in [&b""[..], &BODY[..40]] {
        for place in Place::both().await {
            fs::write(place.path(), half).unwrap();
            touch_now(&place);
            let began = tokio::time::Instant::now();
            let (bodies, id) = (place.bodies.clone(), place.id.clone());
            let reader = tokio::spawn(async move { bodies.read(&id).await.unwrap().unwrap() });
            tokio::time::sleep(super::PAUSE * 2).await;
            assert!(!reader.is_finished());
            fs::write(place.path(), BODY).unwrap();
            touch_now(&place);
            assert_eq!(&*reader.await.unwrap().bytes, BODY);
            assert!(began.elapsed() < super::PAUSE * 4);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_file_that_stays_so_is_handed_on_and_never_removed() {
    for place in Place::both().await {
        fs::write(place.path(), &BODY[..40]).unwrap();
        touch_now(&place);
        let began = tokio::time::Instant::now();
        assert_eq!(place.body().await.as_deref(), Some(&BODY[..40]));
        assert_eq!(began.elapsed(), super::PAUSE * 5);
        assert!(place.bodies.touch(&place.id, Timestamp::NEVER).await.unwrap());
        assert_eq!(fs::read(place.path()).unwrap(), &BODY[..40]);
        assert_eq!(place.bodies.insert(&place.id, BODY, NOW + HOUR).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_id_that_is_not_a_file_name_leads_nowhere() {
    let long = "a".repeat(200);
    let ids = ["", ".", "..", "../x", "a/b", "a\\b", "a.b", "a\0b", "/etc/passwd", "é", "C:x", &long];
    for place in Place::both().await {
        let outside = place.folder.path().parent().unwrap().join("x.json");
        for id in ids {
            let error = place.bodies.insert(id, BODY, NOW + HOUR).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{id:?}");
            assert_eq!(place.bodies.read(id).await.unwrap(), None, "{id:?}");
            assert!(!place.bodies.touch(id, NOW).await.unwrap(), "{id:?}");
            assert_eq!(place.bodies.end(id, None).await.unwrap(), Ended::Missing, "{id:?}");
        }
        assert!(place.names().is_empty() && !outside.exists());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_replaced_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::express().await;
    let version = place.bodies.insert(SID, BODY, NOW + HOUR).await.unwrap().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let done = place.bodies.replace(SID, version, BODY, NOW + HOUR).await.unwrap();
    assert!(matches!(done, Replaced::Replaced(_)));
    assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o640);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_an_error_that_names_no_session() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = FileBodies::open(file.join("sessions"), FileLayout::node_session()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Setup);
}

/// The last access is the layout's to write. Handlers neither see it nor set it.
#[tokio::test]
async fn the_last_access_is_not_a_value_of_a_session() {
    let place = Place::express().await;
    let express = Express::new(["secret"]).unwrap().ttl(HOUR);
    let config = express.config().clock(place.clock.clone());
    let engine = SessionManager::new(express.store(place.bodies.clone()), config).unwrap();
    fs::write(place.path(), r#"{"cookie":{},"__lastAccess":1767225600000,"views":1}"#).unwrap();
    let cookie = ExpressCookie::new("connect.sid", ["secret"]).unwrap();
    let header = cookie.write(SID, &Attributes::default(), 0).unwrap();
    let pending = engine.begin(&PlainRequest::with_cookie(header.split(';').next().unwrap()));
    let session = pending.load().await.unwrap();
    assert_eq!(session.get::<u64>("__lastAccess").unwrap(), None);
    assert!(session.insert("__lastAccess", 5).is_err());
    session.increment("views", 1).unwrap();
    place.clock.advance(Duration::from_millis(7));
    assert_eq!(pending.commit().await.unwrap().set_cookie, None);
    let text = place.text();
    assert!(text.contains(r#","__lastAccess":1767225600007,"views":2,"__cloakroom":"#), "{text}");
}

#[tokio::test]
async fn a_session_for_ever_has_a_last_access_that_node_can_read() {
    let place = Place::express().await;
    place.bodies.insert(SID, BODY, Timestamp::NEVER).await.unwrap().unwrap();
    let text = place.text();
    let last = last_access(&Object::parse(text.as_bytes()).unwrap()).unwrap();
    assert!(last > 0 && last < 8_640_000_000_000_000, "{last}");
}
