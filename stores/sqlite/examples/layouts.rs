//! Measures table layouts: `cargo run --release -p cloakroom-sqlite --example layouts -- [folder] [runs]`.
//!
//! Every layout gets the same work, in transactions of 1 and of 32 statements: 20,000 sessions of 1 KB are created,
//! then written at random, each about once a minute of a simulated time, with an idle timeout of 30 minutes.
//! What a layout must do to find expired records later (move index entries) is part of what is measured.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a person to read")]

use std::path::Path;
use std::time::Instant;

use cloakroom_sqlite::rusqlite::{Connection, Transaction, TransactionBehavior, params};

const SESSIONS: i64 = 20_000;
const MINUTE: i64 = 60_000_000;
const IDLE: i64 = 30 * MINUTE;

struct Layout {
    name: &'static str,
    page: u32,
    checkpoint: u32,
    schema: &'static str,
    create: &'static str,
    /// The first that changes a row is the last that runs.
    update: &'static [&'static str],
    /// Runs once a simulated minute.
    sweep: &'static str,
}

const ROWID: Layout = Layout {
    name: "rowid, no expiry index",
    page: 4096,
    checkpoint: 1000,
    schema: "CREATE TABLE r(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, expires_at INTEGER NOT NULL, payload BLOB NOT NULL) STRICT",
    create: "INSERT INTO r(key, version, expires_at, payload) VALUES (?1, 1, ?2, ?3)",
    update: &["UPDATE r SET version = version + 1, expires_at = ?2, payload = ?3 WHERE key = ?1"],
    sweep: "",
};

const LAZY: Layout = Layout {
    name: "rowid, index on a lower bound",
    schema: "CREATE TABLE r(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, expires_at INTEGER NOT NULL, due_at INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
             CREATE INDEX r_due ON r(due_at)",
    create: "INSERT INTO r(key, version, expires_at, due_at, payload) VALUES (?1, 1, ?2, ?2, ?3)",
    update: &["UPDATE r SET version = version + 1, expires_at = ?2, payload = ?3 WHERE key = ?1 AND due_at <= ?2"],
    sweep: "UPDATE r SET due_at = max(expires_at, ?1 + 1800000000) WHERE due_at <= ?1",
    ..ROWID
};

const LAYOUTS: [Layout; 9] = [
    Layout {
        name: "WITHOUT ROWID, expiry index",
        schema: "CREATE TABLE r(key BLOB PRIMARY KEY, version INTEGER NOT NULL, expires_at INTEGER NOT NULL, payload BLOB NOT NULL) WITHOUT ROWID, STRICT;
                 CREATE INDEX r_expiry ON r(expires_at)",
        ..ROWID
    },
    Layout {
        name: "rowid, expiry index",
        schema: "CREATE TABLE r(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, expires_at INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
                 CREATE INDEX r_expiry ON r(expires_at)",
        ..ROWID
    },
    Layout {
        name: "rowid, index on 10-minute buckets",
        schema: "CREATE TABLE r(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, expires_at INTEGER NOT NULL, bucket INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
                 CREATE INDEX r_bucket ON r(bucket)",
        create: "INSERT INTO r(key, version, expires_at, bucket, payload) VALUES (?1, 1, ?2, ?2 / 600000000, ?3)",
        update: &[
            "UPDATE r SET version = version + 1, expires_at = ?2, payload = ?3 WHERE key = ?1 AND bucket = ?2 / 600000000",
            "UPDATE r SET version = version + 1, expires_at = ?2, bucket = ?2 / 600000000, payload = ?3 WHERE key = ?1",
        ],
        ..ROWID
    },
    Layout {
        name: "rowid, deadlines in a table of their own",
        schema: "CREATE TABLE r(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, version INTEGER NOT NULL, expires_at INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
                 CREATE TABLE d(due_at INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (due_at, id)) WITHOUT ROWID;
                 CREATE TRIGGER t AFTER INSERT ON r BEGIN INSERT INTO d VALUES (new.expires_at, new.id); END",
        sweep: "UPDATE d SET due_at = max(?1 + 1800000000, (SELECT expires_at FROM r WHERE r.id = d.id)) WHERE due_at <= ?1",
        ..ROWID
    },
    ROWID,
    LAZY,
    Layout { name: "the same, pages of 2 KB", page: 2048, ..LAZY },
    Layout { name: "the same, pages of 8 KB", page: 8192, ..LAZY },
    Layout { name: "the same, checkpoint every 4000 pages", checkpoint: 4000, ..LAZY },
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "target".into());
    let runs: usize = arguments.next().map_or(3, |runs| runs.parse().unwrap());
    // Interleaved, so that a slow minute of the disk hits all layouts.
    let measured: Vec<Vec<[f64; 5]>> =
        (0..runs).map(|_| LAYOUTS.iter().map(|layout| run(layout, Path::new(&folder))).collect()).collect();
    println!(
        "medians of {runs} runs                      statements a second                   KB of log a statement"
    );
    println!(
        "{:42} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "", "create x32", "update x1", "update x32", "x1", "x32"
    );
    for (number, layout) in LAYOUTS.iter().enumerate() {
        let median = |column: usize| {
            let mut figures: Vec<f64> = measured.iter().map(|run| run[number][column]).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        print!("{:42} {:10.0} {:10.0} {:10.0}", layout.name, median(0), median(1), median(2));
        println!(" {:10.1} {:10.1}", median(3), median(4));
    }
}

fn run(layout: &Layout, folder: &Path) -> [f64; 5] {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let file = folder.path().join("layout.db");
    let mut work = Work::new(layout, &file);
    let created = work.rate(32, SESSIONS, |work, tx| {
        work.next += 1;
        // Their first deadlines lie spread over the next half hour, as those of sessions that began one by one.
        let (key, expires_at) = (key(work.next), work.now() + IDLE * work.next / SESSIONS);
        tx.prepare_cached(work.layout.create)
            .unwrap()
            .execute(params![key, expires_at, work.payload])
            .unwrap();
    });
    let single = work.rate(1, 4_000, Work::update);
    let grouped = work.rate(32, 32_000, Work::update);
    [created, single, grouped, work.log(&file, 1, 4_000), work.log(&file, 32, 4_000)]
}

struct Work<'a> {
    layout: &'a Layout,
    db: Option<Connection>,
    payload: Vec<u8>,
    next: i64,
    writes: i64,
    random: i64,
}

impl<'a> Work<'a> {
    fn new(layout: &'a Layout, file: &Path) -> Self {
        let db = Connection::open(file).unwrap();
        db.pragma_update(None, "page_size", layout.page).unwrap();
        db.pragma_update(None, "journal_mode", "WAL").unwrap();
        db.pragma_update(None, "synchronous", "FULL").unwrap();
        db.pragma_update(None, "wal_autocheckpoint", layout.checkpoint).unwrap();
        db.pragma_update(None, "cache_size", -64_000).unwrap();
        db.execute_batch(layout.schema).unwrap();
        Self { layout, db: Some(db), payload: vec![7; 1024], next: 0, writes: 0, random: 1 }
    }

    /// How many KB of log an update costs: exact, whatever the disk does.
    fn log(&mut self, file: &Path, group: i64, total: i64) -> f64 {
        let db = self.db.as_ref().unwrap();
        db.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        db.pragma_update(None, "synchronous", "OFF").unwrap();
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        self.rate(group, total, Self::update);
        let written = std::fs::metadata(file.with_extension("db-wal")).unwrap().len();
        as_float(i64::try_from(written).unwrap()) / 1024.0 / as_float(total)
    }

    /// The simulated time: every session is written once a minute on average.
    fn now(&self) -> i64 {
        self.writes * MINUTE / SESSIONS
    }

    fn rate(&mut self, group: i64, total: i64, one: impl Fn(&mut Self, &Transaction<'_>)) -> f64 {
        let mut db = self.db.take().unwrap();
        let begin = Instant::now();
        for _ in 0..total / group {
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
            for _ in 0..group {
                self.writes += 1;
                one(self, &tx);
                self.sweep(&tx);
            }
            tx.commit().unwrap();
        }
        self.db = Some(db);
        as_float(total) / begin.elapsed().as_secs_f64()
    }

    fn update(&mut self, tx: &Transaction<'_>) {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (key, expires_at) = (key((self.random >> 33).rem_euclid(SESSIONS) + 1), self.now() + IDLE);
        for statement in self.layout.update {
            let changed = tx
                .prepare_cached(statement)
                .unwrap()
                .execute(params![key, expires_at, self.payload])
                .unwrap();
            if changed == 1 {
                return;
            }
        }
        panic!("no statement changed the session");
    }

    fn sweep(&self, tx: &Transaction<'_>) {
        // 200 of a minute's 20,000 writes: a sweep in small batches.
        if self.writes % 200 == 0 && !self.layout.sweep.is_empty() {
            tx.prepare_cached(self.layout.sweep).unwrap().execute([self.now()]).unwrap();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of millions")]
fn as_float(count: i64) -> f64 {
    count as f64
}

/// Scatters, as a hash does.
fn key(number: i64) -> [u8; 32] {
    let mut key = [0; 32];
    let mut state = number;
    for part in key.chunks_mut(8) {
        state =
            (state ^ (state >> 29)).wrapping_mul(0x3f58_476d_1ce4_e5b9).wrapping_add(0x1e37_79b9_7f4a_7c15);
        part.copy_from_slice(&(state ^ (state >> 32)).to_be_bytes());
    }
    key
}
