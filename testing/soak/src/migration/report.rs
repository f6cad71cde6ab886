//! What a run came to, as a table.

use std::fmt;
use std::time::Duration;

/// The figures of one direction.
#[derive(Clone, Debug)]
pub struct Report {
    /// From which server to which.
    pub direction: String,
    /// How many sessions there were at first.
    pub sessions: u32,
    /// How many of them began while they moved.
    pub begun: u64,
    /// How many were ended meanwhile.
    pub ended: u64,
    /// How long filling the old store took.
    pub filling: Duration,
    /// How long the processes of `cloakroom migrate` ran, all together.
    pub moving: Duration,
    /// How many of those were killed.
    pub kills: u32,
    /// How many playgrounds were killed.
    pub playground_kills: u32,
    /// Requests that clients made meanwhile.
    pub requests: u64,
    /// Those that were not answered, or with an error: their processes were killed, mostly.
    pub unanswered: u64,
    /// Sessions in the new store.
    pub there: u64,
    /// How many there must be at least, and at most.
    pub due: (u64, u64),
    /// Ids that were given up, and lead nowhere.
    pub former: u64,
    /// Sessions whose new id no client received, and ones that may have begun without a client.
    pub unknown: u64,
    /// Marks that are left in the old store.
    pub marks: u64,
    /// The last line that `cloakroom migrate` wrote while there was traffic.
    pub said: String,
    /// What must not be, in words.
    pub wrong: Vec<String>,
}

impl Report {
    /// Sessions a second, of the time in which a migration was running.
    pub fn rate(&self) -> f64 {
        f64::from(self.sessions) / self.moving.as_secs_f64().max(f64::EPSILON)
    }

    fn due_in_words(&self) -> String {
        let (least, most) = self.due;
        if least == most { format!("{least}") } else { format!("{least} to {most}") }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { direction, sessions, begun, ended, kills, playground_kills, requests, unanswered, .. } =
            self;
        writeln!(f, "{direction}")?;
        writeln!(
            f,
            "  {sessions} sessions, filled in in {:.1} s; {begun} began meanwhile",
            self.filling.as_secs_f64()
        )?;
        writeln!(f, "  moved in {:.1} s, {:.0} a second", self.moving.as_secs_f64(), self.rate())?;
        writeln!(f, "  {kills} migrations and {playground_kills} playgrounds were killed")?;
        writeln!(f, "  {requests} requests meanwhile, {unanswered} of them without a good answer")?;
        writeln!(
            f,
            "  {} sessions are in the new store, due: {}; {} of unknown id",
            self.there,
            self.due_in_words(),
            self.unknown
        )?;
        writeln!(f, "  {ended} were ended, {} ids given up: none of them is back", self.former)?;
        writeln!(f, "  the old store holds {} marks and nothing else", self.marks)?;
        writeln!(f, "  $ cloakroom migrate FROM TO")?;
        writeln!(f, "  {}", self.said)?;
        write!(f, "  {} things that must not be", self.wrong.len())?;
        self.wrong.iter().take(20).try_for_each(|wrong| write!(f, "\n    {wrong}"))
    }
}
