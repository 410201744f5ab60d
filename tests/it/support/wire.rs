//! Requests by hand, for what no decent client does: stop in the middle of a body and leave.

use std::fmt::Write;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Sends a request's head, which announces `length` bytes, and the first of them. Dropping the stream breaks the line.
pub(crate) async fn broken(
    url: &str,
    request: &str,
    headers: &[(&str, &str)],
    length: usize,
    first: &[u8],
) -> TcpStream {
    let host = url.strip_prefix("http://").unwrap();
    let mut head = format!("{request} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    head.push_str("\r\n");
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(first).await.unwrap();
    stream.flush().await.unwrap();
    stream
}
