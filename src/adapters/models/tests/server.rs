//! A hub on the loopback that speaks as the real one does: redirects with `X-Linked-*`, a store with ranges, and faults
//! on demand. One request a connection.

use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::Mutex;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What goes wrong with one request for a body from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    /// The connection is cut after so many bytes.
    Cut(usize),
    /// The connection says nothing more after so many bytes.
    Stall(usize),
    /// The whole file comes, whatever was asked for.
    IgnoresRange,
    /// Every byte is another.
    Lies,
    /// 503.
    Refuses,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) range: Option<String>,
    pub(super) token: Option<String>,
}

#[derive(Default)]
struct Inner {
    files: BTreeMap<String, (Vec<u8>, bool)>,
    mishaps: Mutex<VecDeque<Mishap>>,
    seen: Mutex<Vec<Seen>>,
    store: Mutex<String>,
}

/// A running hub; it ends with the test's runtime.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) endpoint: String,
    inner: Arc<Inner>,
}

/// An answer's head and body.
type Answer = (String, Vec<u8>);

impl Server {
    /// Serves files of the repository `maker/tiny`; the flag says whether a file is a large one.
    pub(super) async fn start(files: &[(&str, &[u8], bool)]) -> Self {
        let files = files.iter().map(|(name, bytes, large)| ((*name).to_owned(), (bytes.to_vec(), *large)));
        let inner = Arc::new(Inner { files: files.collect(), ..Inner::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        inner.store.lock().unwrap().clone_from(&endpoint);
        let served = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(Arc::clone(&served), connection));
            }
        });
        Self { endpoint, inner }
    }

    /// Large files come from another host.
    pub(super) fn with_store_at(self, other: &Server) -> Self {
        self.inner.store.lock().unwrap().clone_from(&other.endpoint);
        self
    }

    /// What happens to the next requests to the store, one each.
    pub(super) fn plan(&self, mishaps: &[Mishap]) {
        self.inner.mishaps.lock().unwrap().extend(mishaps);
    }

    /// What came to an address that contains `part`, and forgets all.
    pub(super) fn seen(&self, part: &str) -> Vec<Seen> {
        let mut seen = std::mem::take(&mut *self.inner.seen.lock().unwrap());
        seen.retain(|seen| seen.path.contains(part));
        seen
    }

    /// What was asked of bodies at an address that contains `part`.
    pub(super) fn ranges(&self, part: &str) -> Vec<Option<String>> {
        let seen = self.seen(part);
        seen.into_iter().filter(|seen| seen.method == "GET").map(|seen| seen.range).collect()
    }
}

async fn serve(inner: Arc<Inner>, mut connection: TcpStream) {
    let Some(request) = request(&mut connection).await else { return };
    inner.seen.lock().unwrap().push(request.clone());
    let mut mishap = None;
    let (head, body) = match request.path.split('/').collect::<Vec<_>>()[..] {
        ["", "maker", "tiny", "resolve", "main" | COMMIT, file] => resolve(&inner, file),
        ["", "store", file] => {
            mishap = inner.mishaps.lock().unwrap().pop_front();
            store(&inner, file, request.range.as_deref(), mishap)
        }
        _ => answer("404 Not Found", &[], Vec::new()),
    };
    let body = if request.method == "HEAD" { Vec::new() } else { body };
    let sent = match mishap {
        Some(Mishap::Cut(after) | Mishap::Stall(after)) => &body[..after.min(body.len())],
        Some(Mishap::IgnoresRange | Mishap::Lies | Mishap::Refuses) | None => &body[..],
    };
    // the other side may have left
    let _ = connection.write_all(head.as_bytes()).await;
    let _ = connection.write_all(sent).await;
    let _ = connection.flush().await;
    if matches!(mishap, Some(Mishap::Stall(_))) {
        std::future::pending::<()>().await;
    }
    let _ = connection.shutdown().await;
}

async fn request(connection: &mut TcpStream) -> Option<Seen> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(connection.read_u8().await.ok()?);
    }
    let text = String::from_utf8(text).ok()?;
    let mut lines = text.lines();
    let (method, rest) = lines.next()?.split_once(' ')?;
    let path = rest.split(' ').next()?;
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let (range, token) = (headers.get("range").cloned(), headers.get("authorization").cloned());
    Some(Seen { method: method.to_owned(), path: path.to_owned(), range, token })
}

fn resolve(inner: &Inner, file: &str) -> Answer {
    let Some((bytes, large)) = inner.files.get(file) else { return answer("404 Not Found", &[], Vec::new()) };
    let digest = hex::encode(Sha256::digest(bytes));
    if !large {
        let small = [("ETag", format!("\"{}\"", &digest[..40])), ("X-Repo-Commit", COMMIT.to_owned())];
        return answer("200 OK", &small, bytes.clone());
    }
    let store = inner.store.lock().unwrap().clone();
    let redirect = [
        ("Location", format!("{store}/store/{file}")),
        ("X-Linked-Etag", format!("\"{digest}\"")),
        ("X-Linked-Size", bytes.len().to_string()),
        ("X-Repo-Commit", COMMIT.to_owned()),
    ];
    answer("302 Found", &redirect, Vec::new())
}

fn store(inner: &Inner, file: &str, range: Option<&str>, mishap: Option<Mishap>) -> Answer {
    let Some((bytes, _)) = inner.files.get(file) else { return answer("404 Not Found", &[], Vec::new()) };
    let from = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let content_range = from.map(|from| {
        let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        [("Content-Range", range)]
    });
    match (mishap, from, content_range) {
        (Some(Mishap::Refuses), _, _) => answer("503 Service Unavailable", &[], Vec::new()),
        (Some(Mishap::Lies), _, _) => answer("200 OK", &[], bytes.iter().map(|byte| !byte).collect()),
        (Some(Mishap::Cut(_) | Mishap::Stall(_)) | None, Some(from), Some(range)) => {
            answer("206 Partial Content", &range, bytes[from..].to_vec())
        }
        (_, _, _) => answer("200 OK", &[], bytes.clone()),
    }
}

fn answer(status: &str, headers: &[(&str, String)], body: Vec<u8>) -> Answer {
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    (head + "\r\n", body)
}
