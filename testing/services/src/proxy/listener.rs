//! The proxy itself: a listener on a thread of its own.

use std::{
    io,
    net::Ipv4Addr,
    sync::{Arc, atomic::Ordering, mpsc},
    thread::{self, JoinHandle},
};

use crate::{Port, Result};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime,
    sync::mpsc as orders,
};

use super::{Fault, link, state::State};

/// A proxy in front of one server of this machine. Dropping it cuts its connections and frees its port.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    port: Port,
    state: Arc<State>,
    /// Whether it is to listen, and whom to tell when it does or does not. Closed, the thread ends.
    orders: Option<orders::UnboundedSender<(bool, mpsc::Sender<()>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy in front of the server that this URL names, which is on 127.0.0.1 and has a port.
    ///
    /// # Errors
    /// The URL has no such place, or no port is free.
    pub fn to(server: &str) -> Result<Self> {
        let port = Port::free()?;
        let (url, upstream) = replace_port(server, port.number())
            .ok_or("the proxy needs a URL with one 127.0.0.1:PORT in it")?;
        let state = Arc::new(State::new());
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listening = port.number();
        // On a thread of its own, as the caller's may have a runtime.
        let begun = thread::spawn(move || (runtime.block_on(listen(listening)), runtime)).join();
        let (listener, runtime) = begun.map_err(|_| "the proxy's thread panicked")?;
        let listener = listener?;
        let (orders, ordered) = orders::unbounded_channel();
        let (number, shared) = (port.number(), Arc::clone(&state));
        let thread = thread::spawn(move || {
            runtime.block_on(run(listener, number, upstream, shared, ordered));
        });
        Ok(Self { url, port, state, orders: Some(orders), thread: Some(thread) })
    }

    /// Returns the server's URL with the proxy's port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the proxy's port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Sets what goes wrong from now on, instead of what did before.
    pub fn set(&self, fault: Fault) {
        let listens = fault != Fault::Refuse;
        self.state.set(fault);
        let (done, is_done) = mpsc::channel();
        if let Some(orders) = &self.orders {
            // The thread is there as long as this is, so it answers.
            let _ = orders.send((listens, done));
            let _ = is_done.recv();
        }
    }

    /// Cuts every connection that there is now.
    pub fn cut(&self) {
        self.state.cut();
    }

    /// Returns how many requests and answers were lost by [`Fault::LoseRequest`] and [`Fault::LoseAnswer`].
    pub fn losses(&self) -> usize {
        self.state.losses.load(Ordering::SeqCst)
    }

    /// Returns how often a client began to speak after the server had spoken, on any connection: the trips that were made.
    pub fn turns(&self) -> usize {
        self.state.turns.load(Ordering::SeqCst)
    }

    /// Returns how many bytes the server has sent, on any connection.
    pub fn received(&self) -> usize {
        self.state.received.load(Ordering::SeqCst)
    }

    /// Returns how many connections were accepted.
    pub fn accepted(&self) -> usize {
        self.state.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been shown there.
            let _ = thread.join();
        }
    }
}

/// The URL with another port, and the port that it had.
fn replace_port(url: &str, port: u16) -> Option<(String, u16)> {
    const HOST: &str = "127.0.0.1:";
    let (before, after) = url.split_once(HOST)?;
    let end = after.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(after.len());
    let (number, rest) = after.split_at(end);
    if rest.contains(HOST) {
        return None;
    }
    Some((format!("{before}{HOST}{port}{rest}"), number.parse().ok()?))
}

async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// Accepts connections until every handle is dropped; the runtime then drops what it still carries.
async fn run(
    listener: TcpListener,
    port: u16,
    upstream: u16,
    state: Arc<State>,
    mut orders: orders::UnboundedReceiver<(bool, mpsc::Sender<()>)>,
) {
    let mut listener = Some(listener);
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => {
                let Some((listens, done)) = order else { return };
                if !listens {
                    listener = None;
                } else if listener.is_none() {
                    // The port is ours while it is marked; a stranger on it shows as a refused connection.
                    listener = listen(port).await.ok();
                }
                // The caller is still waiting, or no longer needs the answer.
                let _ = done.send(());
            }
            client = accept(listener.as_ref()) => {
                state.accepted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(link::carry(client, upstream, Arc::clone(&state)));
            }
        }
    }
}

/// Waits for the next connection; for ever, without a listener.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        // A connection that was gone before it was accepted does not count.
        if let Ok((client, _)) = listener.accept().await {
            return client;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_url_is_replaced_and_nothing_else() {
        let replaced = |url: &str| replace_port(url, 7);
        assert_eq!(replaced("redis://127.0.0.1:6379"), Some(("redis://127.0.0.1:7".into(), 6379)));
        assert_eq!(
            replaced("mongodb://u:p@127.0.0.1:27/db?a=b"),
            Some(("mongodb://u:p@127.0.0.1:7/db?a=b".into(), 27))
        );
        assert_eq!(replaced("redis+cluster://127.0.0.1:1,127.0.0.1:2"), None);
        assert_eq!(replaced("sqlite:x"), None);
    }
}
