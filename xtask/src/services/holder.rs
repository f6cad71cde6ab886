//! The process that holds the services: they live as long as it does.
//!
//! It is a process of its own, in a group of its own, so that it outlives what ends the task suddenly (Ctrl-C, an
//! error, `kill -9`) and then stops the services in order.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::{
        net::{UnixListener, UnixStream},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use cloakroom_services::{Certificates, Instance, Service, programs_folder};

use crate::shell::{Result, in_memory};

/// What the holder says when all services are ready.
const READY: &str = "ready";

/// The variable with the certificate that the services' clients have to trust.
const AUTHORITY: &str = "CLOAKROOM_TEST_CA";

/// A running holder, as the process that started it sees it.
pub(crate) struct Holder {
    child: Child,
    /// Names and values of the environment variables that say where the services are.
    pub(crate) variables: Vec<(String, String)>,
}

impl Holder {
    /// Starts a holder and waits until its services are ready. It ends when [`stop`](Self::stop) is called or when
    /// this process dies, or, if it listens on the socket, when a client asks it to.
    pub(crate) fn start(services: &[Service], listens: bool) -> Result<Self> {
        // Not by its path: a task that builds the workspace may have put another program there.
        let mut command = Command::new("/proc/self/exe");
        let names: Vec<_> = services.iter().map(|service| service.name()).collect();
        command.args(["services", "hold", "--only", &names.join(",")]);
        if listens {
            command.arg("--listen").stdin(Stdio::null());
        } else {
            command.stdin(Stdio::piped());
        }
        let mut child = in_memory(&mut command).process_group(0).stdout(Stdio::piped()).spawn()?;
        let mut variables = Vec::new();
        for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
            let line = line?;
            if line == READY {
                return Ok(Self { child, variables });
            }
            variables.extend(line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        child.wait()?;
        Err("the services did not start".into())
    }

    /// Lets the services end, and waits until they have.
    pub(crate) fn stop(mut self) -> Result {
        drop(self.child.stdin.take());
        self.child.wait()?;
        Ok(())
    }
}

/// Runs as the holder: starts the services, says where they are, and keeps them until it is asked to end.
pub(crate) fn hold(services: &[Service], listens: bool) -> Result {
    let listener = listens.then(listen).transpose()?;
    let folder = tempfile::Builder::new().prefix("cloakroom-").tempdir()?;
    let certificates = Certificates::make(folder.path())?;
    let instances = start(services, &certificates)?;
    let authority = format!("{AUTHORITY}={}\n", certificates.authority().display());
    let urls =
        instances.iter().map(|instance| format!("{}={}\n", instance.service().variable(), instance.url()));
    let variables: String = [authority].into_iter().chain(urls).collect();
    io::stdout().write_all(format!("{variables}{READY}\n").as_bytes())?;
    io::stdout().flush()?;
    let told = match listener {
        // Ends when the process at the other end of the pipe ends.
        None => io::stdin().read_to_end(&mut Vec::new()).map(|_| None)?,
        Some(listener) => Some(serve(&listener, &variables)?),
    };
    drop(instances);
    // Closed only now, so that the client learns that the services have ended.
    drop(told);
    Ok(())
}

/// Starts all services at once.
fn start(services: &[Service], certificates: &Certificates) -> Result<Vec<Instance>> {
    let started: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> = services
            .iter()
            .map(|&service| (service, scope.spawn(move || Instance::start_trusted(service, certificates))))
            .collect();
        starts.into_iter().map(|(service, start)| (service, start.join())).collect()
    });
    let mut instances = Vec::new();
    for (service, start) in started {
        let start = start.map_err(|_| format!("{service}: the start panicked"))?;
        instances.push(start.map_err(|error| format!("{service}: {error}"))?);
    }
    Ok(instances)
}

/// Returns where a holder listens that was left running.
fn socket() -> PathBuf {
    programs_folder().join("socket")
}

fn listen() -> Result<UnixListener> {
    let socket = socket();
    if UnixStream::connect(&socket).is_ok() {
        return Err("services are up already; `cargo xtask services down` ends them".into());
    }
    if let Some(folder) = socket.parent() {
        fs::create_dir_all(folder)?;
    }
    remove(&socket);
    Ok(UnixListener::bind(&socket)?)
}

fn remove(socket: &Path) {
    // It is not there, or the next `bind` says what is wrong with it.
    let _ = fs::remove_file(socket);
}

/// Writes to every client where the services are, until one asks for the end: its connection ends with them.
fn serve(listener: &UnixListener, variables: &str) -> Result<UnixStream> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut question = String::new();
        // A client that disconnects at once has asked nothing.
        if BufReader::new(&stream).read_line(&mut question).is_err() {
            continue;
        }
        match question.trim() {
            "down" => {
                remove(&socket());
                return Ok(stream);
            }
            _ => {
                let _ = (&stream).write_all(variables.as_bytes());
            }
        }
    }
}

/// Asks the holder that was left running and waits for the end of its answer; `None` if no holder is running.
pub(crate) fn ask(question: &str) -> Result<Option<String>> {
    let Ok(mut stream) = UnixStream::connect(socket()) else { return Ok(None) };
    writeln!(stream, "{question}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(Some(answer))
}
