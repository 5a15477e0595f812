//! Who may come in, how often, and for how long a connection may be silent.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pprl::Schema;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

use super::command::Outcome;

/// The fewest characters of a token: what nobody guesses.
const SHORTEST: usize = 32;

/// The text of a file that nobody but its owner may read.
pub(crate) fn private(path: &Path) -> Outcome<String> {
    let failed = |e: io::Error| format!("{}: {e}", path.display());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(format!("{}: others can read it; chmod 600", path.display()).into());
        }
    }
    Ok(fs::read_to_string(path).map_err(failed)?)
}

/// A bearer token for each party. Only their digests are kept.
pub(crate) struct Tokens(Vec<(String, [u8; 32])>);

impl Tokens {
    /// Reads lines of a party and its token, which nobody but the service's user may read.
    pub(crate) fn read(path: &Path, schema: &Schema) -> Outcome<Self> {
        let shown = path.display();
        let text = private(path)?;
        let mut tokens: Vec<(String, [u8; 32])> = Vec::new();
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let mut words = line.split_whitespace();
            let (Some(party), Some(token), None) = (words.next(), words.next(), words.next()) else {
                return Err(format!("{shown}, line {number}: not a party and its token").into());
            };
            schema.party(party).map_err(|_| format!("{shown}, line {number}: the schema has no such party"))?;
            let digest = Sha256::digest(token).into();
            if token.len() < SHORTEST || tokens.iter().any(|(other, known)| other == party || *known == digest) {
                let problem =
                    format!("a token of less than {SHORTEST} characters, or a party or token that was there before");
                return Err(format!("{shown}, line {number}: {problem}").into());
            }
            tokens.push((party.to_owned(), digest));
        }
        if tokens.is_empty() { Err(format!("{shown}: there is no token").into()) } else { Ok(Tokens(tokens)) }
    }

    /// Whose token it is. All are compared, each in full, so that time says nothing about how much of one is right.
    pub(crate) fn party(&self, token: &[u8]) -> Option<&str> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let differs = |known: &[u8; 32]| known.iter().zip(&digest).fold(0, |sum, (a, b)| sum | (a ^ b));
        self.0.iter().fold(None, |found, (party, known)| {
            let same = std::hint::black_box(differs(known)) == 0;
            if same { Some(party.as_str()) } else { found }
        })
    }
}

/// How many requests a party may make: so many a second, and at most two seconds' worth at once.
pub(crate) struct Rates {
    each: f64,
    left: Mutex<HashMap<String, (f64, Instant)>>,
}

impl Rates {
    pub(crate) fn new(each: f64) -> Self {
        Rates { each, left: Mutex::default() }
    }

    pub(crate) fn allows(&self, party: &str) -> bool {
        let most = (2.0 * self.each).max(1.0);
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (tokens, last) = left.entry(party.to_owned()).or_insert((most, now));
        *tokens = (*tokens + now.duration_since(*last).as_secs_f64() * self.each).min(most);
        *last = now;
        let allowed = *tokens >= 1.0;
        *tokens -= f64::from(u8::from(allowed));
        allowed
    }
}

/// A listener of so many connections at most, each of which is closed when it was silent for too long.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) silent: Duration,
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                // Nobody closes it.
                std::future::pending().await
            };
            match self.socket.accept().await {
                Ok((stream, address)) => {
                    let _ = stream.set_nodelay(true);
                    let silence = Box::pin(tokio::time::sleep(self.silent));
                    return (Connection { stream, silence, silent: self.silent, _place: place }, address);
                }
                // Too many open files, or a connection that is gone again.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

pub(crate) struct Connection {
    stream: TcpStream,
    silence: Pin<Box<Sleep>>,
    silent: Duration,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// What was heard, or an error after too long a silence.
    fn heard<T>(&mut self, poll: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            let next = tokio::time::Instant::now() + self.silent;
            self.silence.as_mut().reset(next);
        } else if self.silence.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        poll
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_read(context, into);
        self.heard(poll, context)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.heard(poll, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
