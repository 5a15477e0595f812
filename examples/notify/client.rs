//! As much of an HTTP client as the service needs: one connection, one request at a time. Put TLS in front of the service;
//! this is for the same machine.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The longest answer.
const MOST: u64 = 16 << 20;

pub(crate) struct Client {
    address: String,
    token: String,
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects to `http://HOST:PORT`.
    pub(crate) fn new(url: &str, token: &str) -> io::Result<Self> {
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let address = url.strip_prefix("http://").map(|address| address.trim_end_matches('/').to_owned());
        let address =
            address.ok_or_else(|| wrong(format!("{url}: http://HOST:PORT is needed; TLS is not spoken here")))?;
        let stream = TcpStream::connect(&address).map_err(|e| io::Error::new(e.kind(), format!("{url}: {e}")))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Client { address, token: token.to_owned(), stream: BufReader::new(stream) })
    }

    /// The status and the body of the answer.
    pub(crate) fn request(&mut self, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
        let Client { address, token, .. } = self;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.get_mut().write_all([head.as_bytes(), body.as_bytes()].concat().as_slice())?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<(u16, String)> {
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, "that is no answer of this service");
        let mut line = String::new();
        let mut next = |stream: &mut BufReader<TcpStream>| -> io::Result<String> {
            line.clear();
            stream.by_ref().take(8192).read_line(&mut line)?;
            Ok(line.trim_end().to_owned())
        };
        let status = next(&mut self.stream)?;
        let status = status.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(wrong)?;
        let mut length = 0u64;
        loop {
            let header = next(&mut self.stream)?;
            let Some((name, value)) = header.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok().filter(|length| *length <= MOST).ok_or_else(wrong)?;
            }
        }
        let mut body = String::new();
        self.stream.by_ref().take(length).read_to_string(&mut body)?;
        Ok((status, body))
    }
}
