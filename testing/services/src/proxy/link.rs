//! One connection through the proxy.

use std::{
    io,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    Fault,
    state::{Fate, State},
};

/// Carries bytes between a client and the server on `port` until one of them ends it, or a fault does.
pub(crate) async fn carry(mut client: TcpStream, port: u16, state: Arc<State>) {
    let mut cuts = state.cuts();
    // A client sees a cut as an error at once, not as the orderly end of a connection.
    let ended = tokio::select! {
        ended = between(&mut client, port, &state) => ended,
        _ = cuts.changed() => Err(io::ErrorKind::ConnectionReset.into()),
    };
    if ended.is_err() {
        // It fails only if the connection is gone.
        let _ = client.set_zero_linger();
    }
}

/// What the two directions of a connection know of each other.
struct Talk {
    /// The next answer is to be lost.
    trap: AtomicBool,
    /// Nothing passes any more.
    hung: AtomicBool,
    server_spoke_last: AtomicBool,
}

async fn between(client: &mut TcpStream, port: u16, state: &State) -> io::Result<()> {
    if state.is(&Fault::Silence) {
        return swallow(client).await;
    }
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let talk = Talk {
        trap: AtomicBool::new(false),
        hung: AtomicBool::new(false),
        server_spoke_last: AtomicBool::new(true),
    };
    let requests = requests(from_client, to_server, state, &talk);
    let ended = tokio::try_join!(requests, answers(from_server, to_client, state, &talk));
    if talk.trap.load(Ordering::SeqCst) {
        tokio::spawn(drain(server));
    }
    ended.map(drop)
}

/// Reads what the server still says. A connection that is dropped with unread bytes is reset, and the server might
/// then drop a request that it has not read.
async fn drain(mut server: TcpStream) -> io::Result<()> {
    server.shutdown().await?;
    swallow(&mut server).await
}

/// Reads until the other end has had enough, and answers nothing.
async fn swallow(stream: &mut TcpStream) -> io::Result<()> {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).await? > 0 {}
    Ok(())
}

async fn requests(
    mut client: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    state: &State,
    talk: &Talk,
) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let length = client.read(&mut bytes).await?;
        state.hold_up().await;
        let Some(piece) = bytes.get(..length).filter(|piece| !piece.is_empty()) else {
            return server.shutdown().await;
        };
        match state.fate_of_request(piece) {
            Fate::Pass => {}
            Fate::PassAndHang => {
                talk.hung.store(true, Ordering::SeqCst);
                server.write_all(piece).await?;
                return std::future::pending().await;
            }
            Fate::PassAndTrap => talk.trap.store(true, Ordering::SeqCst),
            Fate::Lost => return Err(loss(state)),
        }
        if talk.server_spoke_last.swap(false, Ordering::SeqCst) {
            state.turns.fetch_add(1, Ordering::SeqCst);
        }
        server.write_all(piece).await?;
    }
}

async fn answers(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    state: &State,
    talk: &Talk,
) -> io::Result<()> {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let length = server.read(&mut bytes).await?;
        talk.server_spoke_last.store(true, Ordering::SeqCst);
        state.received.fetch_add(length, Ordering::SeqCst);
        if talk.trap.load(Ordering::SeqCst) {
            return Err(loss(state));
        }
        if talk.hung.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        state.hold_up().await;
        let Some(piece) = bytes.get(..length).filter(|piece| !piece.is_empty()) else {
            return client.shutdown().await;
        };
        client.write_all(piece).await?;
    }
}

fn loss(state: &State) -> io::Error {
    state.lost();
    io::ErrorKind::ConnectionReset.into()
}
