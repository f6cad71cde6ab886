//! S15: the clocks of the machines that serve a site are an hour apart.

use std::time::Duration;

use cloakroom::{Config, ManualClock};
use cloakroom_races::{Browser, Kind, Op, Stand, races};
use cloakroom_tower::Session;

races! {
    s15_a_write_whose_answer_was_lost_counts_once_whatever_the_clocks_of_others_say,
    s15_every_machine_finds_the_session_and_none_ends_it_early,
    s15_an_unused_session_ends_on_every_machine,
    s15_a_log_out_on_any_machine_ends_the_session_of_any,
    @owned
    s15_a_revocation_ends_the_sessions_of_every_machine,
    s15_log_ins_on_several_machines_leave_as_many_sessions_as_the_cap_allows,
}

/// How many seconds a machine's clock is ahead of the first one's, plus an hour.
const AHEAD: [u64; 3] = [3_600, 7_200, 0];

const IDLE: Duration = Duration::from_secs(6 * 3_600);

/// Three servers on the same records: the first one's clock is right, another one's an hour ahead, the last one's behind.
struct Site {
    machines: [Stand; 3],
    clocks: [ManualClock; 3],
}

impl Site {
    async fn new(kind: Kind) -> Self {
        Self::with(kind, |config| config).await
    }

    async fn with(kind: Kind, change: fn(Config) -> Config) -> Self {
        let right = Stand::with(kind, |config| change(config.idle_timeout(IDLE))).await;
        let [ahead, behind] = [AHEAD[1], AHEAD[2]].map(|seconds| {
            let an_hour_ago = cloakroom::Clock::now(&right.clock) - Duration::from_secs(3_600);
            ManualClock::at(an_hour_ago + Duration::from_secs(seconds))
        });
        let clocks = [right.clock.clone(), ahead.clone(), behind.clone()];
        let ahead = right.beside(|config| change(config.idle_timeout(IDLE).clock(ahead))).await;
        let behind = right.beside(|config| change(config.idle_timeout(IDLE).clock(behind))).await;
        Self { machines: [right, ahead, behind], clocks }
    }

    /// Lets time pass on all machines.
    fn wait(&self, seconds: u64) {
        for clock in &self.clocks {
            clock.advance(Duration::from_secs(seconds));
        }
    }

    /// The browser, whose next requests are answered by another machine.
    fn at(&self, machine: usize, browser: &Browser) -> Browser {
        let mut there = self.machines[machine].browser();
        if let Some(cookie) = browser.cookie() {
            there.plant(cookie);
        }
        there
    }

    async fn user(&self, machine: usize, user: &'static str) -> Browser {
        self.machines[machine].user(user).await
    }
}

async fn count(browser: &Browser) {
    browser.start(async |session: Session| Ok(session.increment("n", 1).map(drop)?)).answer().await.ok();
}

async fn s15_a_write_whose_answer_was_lost_counts_once_whatever_the_clocks_of_others_say(kind: Kind) {
    for writer in 0..3 {
        for op in [Op::Update, Op::Create] {
            let site = Site::new(kind).await;
            let mut browser = site.user(0, "alice").await;
            let lost = site.machines[writer].store.lose(op, "an answer is about to be lost");
            let at_writer = site.at(writer, &browser);
            let renews = op == Op::Create;
            let exchange = at_writer.start(async move |session: Session| {
                session.increment("n", 1)?;
                if renews {
                    session.cycle_id();
                }
                Ok(())
            });
            lost.reached().await;
            for other in (0..3).filter(|other| *other != writer) {
                for _ in 0..2 {
                    count(&site.at(other, &browser)).await;
                }
            }
            lost.open();
            browser.obey(&exchange.answer().await.ok());
            assert_eq!(site.at(0, &browser).read::<u32>("n").await, Some(5), "machine {writer}, {op:?}");
        }
    }
}

async fn s15_every_machine_finds_the_session_and_none_ends_it_early(kind: Kind) {
    for began in 0..3 {
        let site = Site::new(kind).await;
        let mut browser = site.user(began, "alice").await;
        for round in 0..12 {
            let there = site.at(round % 3, &browser);
            let write = async |session: Session| {
                session.increment("n", 1)?;
                Ok(session.user().unwrap_or_default())
            };
            let answer = there.start(write).answer().await.ok();
            assert_eq!(answer.body, "alice", "began on {began}, round {round}");
            assert!(answer.leaves_cookie());
            if round == 6 {
                browser = site.at(round % 3, &browser);
                let renew = async |session: Session| {
                    session.cycle_id();
                    Ok(())
                };
                browser.run(renew).await.ok();
            }
            site.wait(1_800);
        }
        assert_eq!(site.at(0, &browser).read::<u32>("n").await, Some(12));
    }
}

async fn s15_an_unused_session_ends_on_every_machine(kind: Kind) {
    for began in 0..3 {
        let site = Site::new(kind).await;
        let browser = site.user(began, "alice").await;
        // The clock that is furthest behind decides at the latest.
        site.wait(IDLE.as_secs() + 2 * 3_600 + 1);
        for machine in 0..3 {
            assert!(!site.at(machine, &browser).is_known().await, "began on {began}, asked {machine}");
        }
        let browser = site.user(began, "alice").await;
        for round in 0..8 {
            site.at(round % 3, &browser).is_known().await;
            site.wait(2 * 3_600);
        }
        for machine in 0..3 {
            let there = site.at(machine, &browser);
            assert!(!there.is_known().await, "began on {began}, asked {machine} after its absolute end");
        }
    }
}

async fn s15_a_log_out_on_any_machine_ends_the_session_of_any(kind: Kind) {
    let site = Site::new(kind).await;
    for began in 0..3 {
        for ended in 0..3 {
            let browser = site.user(began, "alice").await;
            let writer = site.at((ended + 1) % 3, &browser).hold(|session| session.insert("late", 1)).await;
            let log_out = async |session: Session| {
                session.log_out();
                Ok(())
            };
            assert!(site.at(ended, &browser).run(log_out).await.ok().removes_cookie());
            assert!(writer.release().await.ok().leaves_cookie());
            for machine in 0..3 {
                assert!(!site.at(machine, &browser).is_known().await, "began on {began}, ended on {ended}");
            }
        }
    }
}

async fn s15_a_revocation_ends_the_sessions_of_every_machine(kind: Kind) {
    for revoked in 0..3 {
        let site = Site::new(kind).await;
        let mut browsers = Vec::new();
        for machine in 0..3 {
            browsers.push(site.user(machine, "alice").await);
        }
        let bystander = site.user(1, "bob").await;
        site.wait(1);
        let ended = site.machines[revoked].engine.sessions().revoke_all("alice").await.unwrap();
        assert_eq!(ended, 3, "revoked on {revoked}");
        for (began, browser) in browsers.iter().enumerate() {
            assert!(!site.at(0, browser).is_known().await, "began on {began}, revoked on {revoked}");
        }
        assert_eq!(site.at(0, &bystander).user().await.as_deref(), Some("bob"));
        // The same clock lets the user in again at once.
        site.wait(1);
        let again = site.user(revoked, "alice").await;
        assert_eq!(site.at(0, &again).user().await.as_deref(), Some("alice"));
    }
}

async fn s15_log_ins_on_several_machines_leave_as_many_sessions_as_the_cap_allows(kind: Kind) {
    let site = Site::with(kind, |config| config.max_sessions_per_user(2)).await;
    for round in 0..6 {
        let _browser = site.user(round % 3, "alice").await;
        site.wait(1);
        let count = site.machines[0].engine.sessions().count("alice").await.unwrap();
        assert!(count <= 2, "{count} sessions after log-in {round}");
    }
    assert_eq!(site.machines[0].engine.sessions().count("alice").await.unwrap(), 2);
}
