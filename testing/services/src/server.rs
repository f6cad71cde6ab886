//! One server: a process with a port and a folder of its own.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, ExitStatus},
};

use tempfile::TempDir;

use crate::{
    Result,
    port::Port,
    process,
    program::{Place, Program},
    wait,
};

/// Another process may take a port between the moment it is found free and the moment the server listens.
const TRIES: usize = 5;

/// One running server. Dropping it kills the process and removes its files.
#[derive(Debug)]
pub struct Server {
    program: Box<dyn Program>,
    arguments: Vec<String>,
    place: Place,
    /// `None` while it does not run.
    process: Option<Child>,
    folder: TempDir,
}

impl Server {
    /// Starts a server on a free port and waits until it is ready. `arguments` come after its own.
    pub(crate) fn start(program: impl Program + 'static, arguments: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("cloakroom-").tempdir()?;
        // The server's account gets a folder inside, and has to get there.
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
        let place = Place { folder: folder.path().join("data"), port: Port::free()? };
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut server = Self { program: Box::new(program), arguments, place, process: None, folder };
        for _ in 1..TRIES {
            if let Started::Ready = server.run_empty()? {
                return Ok(server);
            }
            server.place.port = Port::free()?;
        }
        match server.run_empty()? {
            Started::Ready => Ok(server),
            Started::Ended(status) => Err(server.ended(status)),
        }
    }

    /// Returns its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.place.port.number()
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        self.program.url(&self.place)
    }

    /// Returns the id of its process; `None` while it does not run.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Returns whether it has found the others that it works with.
    pub(crate) fn is_whole(&self) -> bool {
        self.program.is_whole()
    }

    /// Ends it as a crash does: `kill -9`, to the process and all that it started.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result {
        let mut child = self.process.take().ok_or("the server does not run")?;
        let family = process::signal_all(child.id(), "KILL")?;
        child.wait()?;
        process::wait_for_end(&family)
    }

    /// Freezes it: it goes on accepting connections, as the system does that, and answers nothing.
    ///
    /// # Errors
    /// It does not run.
    pub fn pause(&mut self) -> Result {
        let stopping = process::signal_all(self.pid().ok_or("the server does not run")?, "STOP")?;
        process::wait_for_stop(&stopping)
    }

    /// Lets it go on after a [`pause`](Self::pause).
    ///
    /// # Errors
    /// It does not run.
    pub fn resume(&mut self) -> Result {
        process::signal_all(self.pid().ok_or("the server does not run")?, "CONT").map(drop)
    }

    /// Ends it in order, so that it writes what it keeps.
    ///
    /// # Errors
    /// It does not run, or does not end in time.
    pub fn stop(&mut self) -> Result {
        let mut child = self.process.take().ok_or("the server does not run")?;
        process::signal_to(&[child.id()], self.program.stop_signal())?;
        let ended = wait::until("the end of a server", || Ok(child.try_wait()?));
        if ended.is_err() {
            self.process = Some(child);
        }
        ended.map(drop)
    }

    /// Starts it again on its port, with its files; kills it before if it runs.
    ///
    /// # Errors
    /// It does not become ready.
    pub fn restart(&mut self) -> Result {
        self.kill_if_running()?;
        match self.run()? {
            Started::Ready => Ok(()),
            Started::Ended(status) => Err(self.ended(status)),
        }
    }

    /// Starts it again on its port as if it were new; kills it before if it runs.
    ///
    /// # Errors
    /// It does not become ready.
    pub fn restart_empty(&mut self) -> Result {
        self.kill_if_running()?;
        match self.run_empty()? {
            Started::Ready => Ok(()),
            Started::Ended(status) => Err(self.ended(status)),
        }
    }

    fn kill_if_running(&mut self) -> Result {
        if self.process.is_some() { self.kill() } else { Ok(()) }
    }

    fn run_empty(&mut self) -> Result<Started> {
        let folder = self.place.folder();
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir(folder)?;
        self.program.account().owns(folder)?;
        self.program.prepare(&self.place)?;
        let started = self.run()?;
        if let Started::Ready = started {
            self.program.initialize(&self.place)?;
        }
        Ok(started)
    }

    fn run(&mut self) -> Result<Started> {
        let mut command = self.place.command(self.program.account(), &self.program.tool())?;
        self.program.arguments(&self.place, &mut command);
        command.args(&self.arguments);
        let log = File::create(self.log())?;
        command.stderr(log.try_clone()?).stdout(log);
        let mut child = process::spawn(command)?;
        let program = &self.program;
        let place = &self.place;
        let ready = wait::until(program.tool().program, || {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(Started::Ended(status)));
            }
            Ok(program.is_ready(place).then_some(Started::Ready))
        });
        match ready {
            Ok(Started::Ready) => self.process = Some(child),
            Ok(Started::Ended(_)) => {}
            Err(error) => {
                self.process = Some(child);
                self.kill()?;
                return Err(format!("{error}; it said:\n{}", self.last_words()).into());
            }
        }
        ready
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn ended(&self, status: ExitStatus) -> Box<dyn std::error::Error + Send + Sync> {
        format!("{} ended ({status}); it said:\n{}", self.program.tool().program, self.last_words()).into()
    }

    /// The end of what the server said.
    fn last_words(&self) -> String {
        let said = fs::read(self.log()).unwrap_or_default();
        let lines =
            String::from_utf8_lossy(&said).lines().rev().take(20).map(str::to_owned).collect::<Vec<_>>();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It fails only if the process has ended already.
        let _ = self.kill_if_running();
    }
}

/// The result of a start.
enum Started {
    Ready,
    Ended(ExitStatus),
}
