//! Each fault, against a server that sends back what it gets.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use cloakroom_services::proxy::{Fault, Proxy};

/// How long a test waits for bytes that are to come, on a busy machine.
const LONG: Duration = Duration::from_secs(30);
/// How long a test waits for bytes that are not to come.
const SHORT: Duration = Duration::from_millis(50);

/// A server that sends back what it gets, and tells the test what that was.
struct Echo {
    proxy: Proxy,
    heard: mpsc::Receiver<Vec<u8>>,
}

impl Echo {
    fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (hears, heard) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let hears = hears.clone();
                thread::spawn(move || echo(stream, &hears));
            }
        });
        let proxy = Proxy::to(&format!("echo://{address}")).map_err(io::Error::other)?;
        Ok(Self { proxy, heard })
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.proxy.port()))?;
        stream.set_read_timeout(Some(LONG))?;
        Ok(stream)
    }
}

fn echo(mut stream: TcpStream, hears: &mpsc::Sender<Vec<u8>>) -> io::Result<()> {
    let mut bytes = [0; 1024];
    loop {
        let length = stream.read(&mut bytes)?;
        if length == 0 {
            return Ok(());
        }
        // The test may have seen enough.
        let _ = hears.send(bytes[..length].to_vec());
        stream.write_all(&bytes[..length])?;
    }
}

fn ask(stream: &mut TcpStream, question: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(question)?;
    answer(stream)
}

/// The next bytes; the end of the connection is an error.
fn answer(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = [0; 1024];
    match stream.read(&mut bytes)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        length => Ok(bytes[..length].to_vec()),
    }
}

/// Returns whether nothing comes for a while, and the connection is there all the same.
fn is_silent(stream: &mut TcpStream) -> io::Result<bool> {
    stream.set_read_timeout(Some(SHORT))?;
    let came = answer(stream);
    stream.set_read_timeout(Some(LONG))?;
    Ok(came.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)))
}

#[test]
fn without_a_fault_everything_passes() {
    let echo = Echo::start().unwrap();
    let mut client = echo.connect().unwrap();
    assert_eq!(ask(&mut client, b"one").unwrap(), b"one");
    assert_eq!(ask(&mut client, b"two").unwrap(), b"two");
    assert_eq!(echo.proxy.accepted(), 1);
    assert_eq!(echo.proxy.losses(), 0);
}

#[test]
fn the_end_of_a_connection_passes_too() {
    let echo = Echo::start().unwrap();
    let mut client = echo.connect().unwrap();
    client.write_all(b"last").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"last");
}

#[test]
fn refused_is_who_comes_and_not_who_is_there() {
    let echo = Echo::start().unwrap();
    let mut before = echo.connect().unwrap();
    assert_eq!(ask(&mut before, b"x").unwrap(), b"x");
    echo.proxy.set(Fault::Refuse);
    assert_eq!(echo.connect().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(ask(&mut before, b"y").unwrap(), b"y");
    echo.proxy.set(Fault::None);
    assert_eq!(ask(&mut echo.connect().unwrap(), b"z").unwrap(), b"z");
}

#[test]
fn a_cut_ends_every_connection_and_later_ones_work() {
    let echo = Echo::start().unwrap();
    let mut one = echo.connect().unwrap();
    let mut two = echo.connect().unwrap();
    ask(&mut one, b"x").unwrap();
    ask(&mut two, b"x").unwrap();
    echo.proxy.cut();
    answer(&mut one).unwrap_err();
    answer(&mut two).unwrap_err();
    assert_eq!(ask(&mut echo.connect().unwrap(), b"y").unwrap(), b"y");
}

#[test]
fn a_delay_is_there_in_both_directions() {
    let echo = Echo::start().unwrap();
    let mut client = echo.connect().unwrap();
    echo.proxy.set(Fault::Delay(SHORT));
    let begin = Instant::now();
    assert_eq!(ask(&mut client, b"late").unwrap(), b"late");
    assert!(begin.elapsed() >= 2 * SHORT);
}

#[test]
fn an_answer_is_lost_after_the_request_has_arrived() {
    let echo = Echo::start().unwrap();
    let mut client = echo.connect().unwrap();
    ask(&mut client, b"before").unwrap();
    assert_eq!(echo.heard.recv().unwrap(), b"before");
    echo.proxy.set(Fault::lose_answer());
    ask(&mut client, b"a write").unwrap_err();
    assert_eq!(echo.heard.recv().unwrap(), b"a write");
    assert_eq!(echo.proxy.losses(), 1);
    assert_eq!(ask(&mut echo.connect().unwrap(), b"again").unwrap(), b"again");
}

#[test]
fn the_answer_to_a_certain_request_is_lost() {
    let echo = Echo::start().unwrap();
    let mut client = echo.connect().unwrap();
    echo.proxy.set(Fault::LoseAnswer { to: b"WRITE".to_vec() });
    assert_eq!(ask(&mut client, b"PING").unwrap(), b"PING");
    ask(&mut client, b"a WRITE").unwrap_err();
    assert_eq!(echo.proxy.losses(), 1);
}

#[test]
fn a_lost_request_never_arrives() {
    let echo = Echo::start().unwrap();
    let mut client = echo.connect().unwrap();
    echo.proxy.set(Fault::lose_request());
    ask(&mut client, b"lost").unwrap_err();
    assert_eq!(echo.proxy.losses(), 1);
    ask(&mut echo.connect().unwrap(), b"arrives").unwrap();
    assert_eq!(echo.heard.recv().unwrap(), b"arrives");
}

#[test]
fn what_is_stalled_arrives_afterwards() {
    let echo = Echo::start().unwrap();
    let mut client = echo.connect().unwrap();
    ask(&mut client, b"x").unwrap();
    echo.proxy.set(Fault::Stall);
    client.write_all(b"later").unwrap();
    assert!(is_silent(&mut client).unwrap());
    echo.proxy.set(Fault::None);
    assert_eq!(answer(&mut client).unwrap(), b"later");
}

#[test]
fn what_is_stalled_can_be_cut() {
    let echo = Echo::start().unwrap();
    let mut client = echo.connect().unwrap();
    ask(&mut client, b"x").unwrap();
    echo.proxy.set(Fault::Stall);
    client.write_all(b"never").unwrap();
    echo.proxy.cut();
    answer(&mut client).unwrap_err();
    echo.proxy.set(Fault::None);
    ask(&mut echo.connect().unwrap(), b"y").unwrap();
    assert_eq!(echo.heard.iter().take(2).collect::<Vec<_>>(), [b"x".to_vec(), b"y".to_vec()]);
}

#[test]
fn silence_applies_to_new_connections_and_stays_with_them() {
    let echo = Echo::start().unwrap();
    let mut before = echo.connect().unwrap();
    ask(&mut before, b"x").unwrap();
    echo.proxy.set(Fault::Silence);
    let mut silent = echo.connect().unwrap();
    silent.write_all(b"hello?").unwrap();
    assert!(is_silent(&mut silent).unwrap());
    assert_eq!(ask(&mut before, b"y").unwrap(), b"y");
    echo.proxy.set(Fault::None);
    assert!(is_silent(&mut silent).unwrap());
    assert_eq!(ask(&mut echo.connect().unwrap(), b"z").unwrap(), b"z");
}

#[test]
fn a_dropped_proxy_cuts_what_it_carries() {
    let Echo { proxy, heard } = Echo::start().unwrap();
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
    client.set_read_timeout(Some(LONG)).unwrap();
    ask(&mut client, b"x").unwrap();
    drop(proxy);
    answer(&mut client).unwrap_err();
    drop(heard);
}

#[test]
fn a_question_and_its_answer_are_one_turn_however_many_pieces_they_have() -> io::Result<()> {
    let echo = Echo::start()?;
    let mut stream = echo.connect()?;
    for turn in 1..=3 {
        assert_eq!(ask(&mut stream, b"question")?, b"question");
        assert_eq!(echo.proxy.turns(), turn);
    }
    Ok(())
}
