//! The reader as a child process: a job on standard input, the reply on standard output.
//!
//! Input is one line of JSON, a [`Job`], followed by the bytes of the file up to the end of input. Output is one line of
//! JSON, followed by the PNG where a page was to be painted. An archive's members come before that line, each a line
//! and its bytes ([`MemberLine`]). The child binds itself before it looks at a byte: memory, CPU time, no files, no
//! sockets, no processes, and an end with its parent. A file that exhausts a limit kills the child, and the parent sees
//! output that [`decode_reply`] takes for [`ProtocolError::NoReply`]. Knows no queues, no timeouts and no parent.

mod bind;
mod probe;
mod syscalls;

use crate::archive;
use crate::archive::Member;
use crate::error::ReadError;
use crate::ocr::OcrModels;
use crate::options::ReadOptions;
use crate::options::RecogniseRequest;
use crate::options::RenderRequest;
use crate::options::UnpackOptions;
use crate::parsed::Parsed;
use crate::parsed::RecognisedPage;
use serde::Deserialize;
use serde::Serialize;
use std::io;
use std::io::BufRead;
use std::io::Read;
use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Deeply nested files take stack; this much suffices for all bounds in this crate and its libraries.
const STACK_BYTES: usize = 64 << 20;
/// A header longer than this is a fault of the parent.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// What the child may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Address space, with the program itself; 2 GiB unless set.
    pub address_space_bytes: u64,
    /// CPU time in seconds; 60 unless set. The parent should wait longer than this, for a busy machine.
    pub cpu_seconds: u64,
    /// A longer file is refused; 256 MiB unless set.
    pub max_file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { address_space_bytes: 2 << 30, cpu_seconds: 60, max_file_bytes: 256 << 20 }
    }
}

/// What the child is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Read the file.
    Read(ReadOptions),
    /// Paint a page of it.
    Render(RenderRequest),
    /// Recognise the text of pages in their pictures.
    Recognise(RecogniseRequest),
    /// Take an archive apart.
    Unpack(UnpackOptions),
    /// Say what the child is kept from; the file is empty.
    Probe,
}

/// What keeps the child from the rest of the machine, besides its limits on memory and time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The version of Landlock's rules that hold; 0: this kernel has none.
    pub landlock: u32,
    /// Whether its system calls are filtered.
    pub seccomp: bool,
    /// What it tried and could do all the same.
    pub possible: Vec<String>,
}

/// A member of an archive, as the child says it; the bytes of one that was unpacked follow the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberLine {
    /// One that was unpacked.
    Unpacked {
        /// Its path in the archive, as the archive says it.
        path: String,
        /// How many bytes follow.
        bytes: u64,
    },
    /// One that was not, and why.
    Refused {
        /// Its path in the archive, as the archive says it.
        path: String,
        /// Why.
        error: ReadError,
    },
}

/// Says what a line of the child's output announces: a member, or, where it is none, the reply.
pub fn decode_member(line: &[u8]) -> Option<MemberLine> {
    serde_json::from_slice(line).ok()
}

/// What the child says.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The file that was read.
    Parsed(Box<Parsed>),
    /// The page that was painted, as PNG.
    Rendered(Vec<u8>),
    /// The pages that were asked for, in that order.
    Recognised(Vec<RecognisedPage>),
    /// All members were said.
    Unpacked,
    /// What the child is kept from.
    Confined(Confinement),
    /// Why nothing came of it.
    Failed(ReadError),
}

/// Why the child's output is no reply.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// The child ended without a reply: it used up its memory or its time, or it crashed.
    #[error("the reader ended without a reply; the file takes more memory or time than is allowed")]
    NoReply,
    /// The output is not of the protocol; the child is of another version.
    #[error("the reader's reply cannot be understood")]
    Malformed(#[source] serde_json::Error),
    /// The output ends before the image does.
    #[error("the reader's reply is cut off")]
    CutOff,
}

/// The line that begins the output.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReplyLine {
    Parsed(Box<Parsed>),
    Rendered { bytes: u64 },
    Recognised(Vec<RecognisedPage>),
    AllUnpacked,
    Confined(Confinement),
    Failed(ReadError),
}

/// Returns what the parent writes before the file's bytes.
pub fn encode_header(job: &Job) -> Vec<u8> {
    let mut line = serde_json::to_vec(job).expect("a job has no maps with keys that are not text");
    line.push(b'\n');
    line
}

/// Takes the child's whole output.
///
/// # Errors
/// [`ProtocolError`], where the child did not get as far as a reply.
pub fn decode_reply(stdout: &[u8]) -> Result<Reply, ProtocolError> {
    let end = stdout.iter().position(|&byte| byte == b'\n').ok_or(ProtocolError::NoReply)?;
    match serde_json::from_slice(&stdout[..end]).map_err(ProtocolError::Malformed)? {
        ReplyLine::Parsed(parsed) => Ok(Reply::Parsed(parsed)),
        ReplyLine::Recognised(pages) => Ok(Reply::Recognised(pages)),
        ReplyLine::AllUnpacked => Ok(Reply::Unpacked),
        ReplyLine::Confined(confinement) => Ok(Reply::Confined(confinement)),
        ReplyLine::Failed(error) => Ok(Reply::Failed(error)),
        ReplyLine::Rendered { bytes } => {
            let image = &stdout[end + 1..];
            let complete = u64::try_from(image.len()).is_ok_and(|length| length == bytes);
            if complete { Ok(Reply::Rendered(image.to_vec())) } else { Err(ProtocolError::CutOff) }
        }
    }
}

/// Does one job, from standard input to standard output, under limits that hold for the rest of the process.
///
/// Fails only if the limits cannot be set or the parent does not keep to the protocol; faults of the file are replies.
pub fn serve(limits: &Limits) -> ExitCode {
    serve_bound(limits, None)
}

/// Does one job as [`serve`] does, with models at hand to recognise text.
///
/// They were loaded before: a bound child opens no files.
pub fn serve_with_models(limits: &Limits, models: OcrModels) -> ExitCode {
    serve_bound(limits, Some(models))
}

fn serve_bound(limits: &Limits, models: Option<OcrModels>) -> ExitCode {
    match bind::bind(limits).and_then(|bound| converse(limits, models, bound)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is the parent's log; it says nothing of the file.
            let _ = writeln!(io::stderr(), "reader: {error}");
            ExitCode::FAILURE
        }
    }
}

fn converse(limits: &Limits, models: Option<OcrModels>, bound: Confinement) -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut header = Vec::new();
    input.by_ref().take(MAX_HEADER_BYTES).read_until(b'\n', &mut header)?;
    let job: Job = serde_json::from_slice(&header)?;
    let mut bytes = Vec::new();
    input.take(limits.max_file_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    let reply = if bytes.len() as u64 > limits.max_file_bytes {
        Reply::Failed(ReadError::TooLarge { limit: limits.max_file_bytes, unit: "bytes".into() })
    } else {
        guarded(job, bytes, models, bound)?
    };
    answer(reply, &mut io::BufWriter::new(io::stdout().lock()))
}

/// Does the job on a thread with enough stack. A panic is a fault of the file, and its place in the code is kept, but
/// not its message, which can hold text of the file.
fn guarded(job: Job, bytes: Vec<u8>, models: Option<OcrModels>, bound: Confinement) -> io::Result<Reply> {
    static PLACE: Mutex<Option<String>> = Mutex::new(None);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|location| format!("{}:{}", location.file(), location.line()));
        *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
    let worker = std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(move || perform(&job, &bytes, models.as_ref(), &bound))?;
    Ok(worker.join().unwrap_or_else(|_| {
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).take();
        let detail =
            format!("the reader gave up on it (at {})", place.as_deref().unwrap_or("an unknown place"));
        Reply::Failed(ReadError::Damaged { detail })
    }))
}

fn perform(job: &Job, bytes: &[u8], models: Option<&OcrModels>, bound: &Confinement) -> Reply {
    let outcome = match job {
        Job::Read(options) => crate::read(bytes, options).map(|parsed| Reply::Parsed(Box::new(parsed))),
        Job::Render(request) => crate::render(bytes, request).map(Reply::Rendered),
        Job::Recognise(request) => models
            .ok_or_else(|| ReadError::RecognitionFailed { detail: "no models are loaded".into() })
            .and_then(|models| crate::recognise(bytes, request, models))
            .map(Reply::Recognised),
        Job::Unpack(options) => {
            archive::unpack(bytes, options, &mut |member| say(&member)).map(|()| Reply::Unpacked)
        }
        Job::Probe => Ok(Reply::Confined(probe::probe(bound))),
    };
    outcome.unwrap_or_else(Reply::Failed)
}

/// Writes a member out as soon as it is unpacked, so that there is one in memory at a time. A parent that no longer
/// listens has no use for the rest.
fn say(member: &Member) -> ControlFlow<()> {
    let (path, empty) = (member.path.clone(), &Vec::new());
    let (line, bytes) = match &member.content {
        Ok(bytes) => (MemberLine::Unpacked { path, bytes: bytes.len() as u64 }, bytes),
        Err(error) => (MemberLine::Refused { path, error: error.clone() }, empty),
    };
    let mut output = io::stdout().lock();
    let mut line = serde_json::to_vec(&line).expect("a line has no maps");
    line.push(b'\n');
    let said = output.write_all(&line).and_then(|()| output.write_all(bytes)).and_then(|()| output.flush());
    if said.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

fn answer(reply: Reply, output: &mut impl Write) -> io::Result<()> {
    let (line, image) = match reply {
        Reply::Parsed(parsed) => (ReplyLine::Parsed(parsed), Vec::new()),
        Reply::Rendered(image) => (ReplyLine::Rendered { bytes: image.len() as u64 }, image),
        Reply::Recognised(pages) => (ReplyLine::Recognised(pages), Vec::new()),
        Reply::Unpacked => (ReplyLine::AllUnpacked, Vec::new()),
        Reply::Confined(confinement) => (ReplyLine::Confined(confinement), Vec::new()),
        Reply::Failed(error) => (ReplyLine::Failed(error), Vec::new()),
    };
    serde_json::to_writer(&mut *output, &line)?;
    output.write_all(b"\n")?;
    output.write_all(&image)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsed::Recognised;
    use crate::parsed::Rect;
    use crate::parsed::Span;
    use crate::parsed::Word;

    #[test]
    fn a_reply_comes_back_as_it_was() {
        let parsed = crate::read("# 合同\n\n正文\n\n## 二\n".as_bytes(), &ReadOptions::default()).unwrap();
        let page = RecognisedPage {
            number: 3,
            text: "租金 rent".into(),
            words: vec![Word { span: Span { start: 0, end: 2 }, rect: Rect::default() }],
            recognised: Recognised { confidence: 0.5, quarter_turns: 1, skew_degrees: -2.0 },
        };
        let replies = [
            Reply::Parsed(Box::new(parsed)),
            Reply::Rendered(vec![0x89, b'P', b'\n', 0]),
            Reply::Recognised(vec![page]),
            Reply::Unpacked,
            Reply::Confined(Confinement { landlock: 6, seccomp: true, possible: vec!["read a file".into()] }),
            Reply::Failed(ReadError::Empty),
            Reply::Failed(ReadError::TooManyPages { pages: 9, limit: 5 }),
        ];
        for reply in replies {
            let mut output = Vec::new();
            answer(reply.clone(), &mut output).unwrap();

            assert_eq!(decode_reply(&output).unwrap(), reply);
        }
    }

    #[test]
    fn broken_output_is_no_reply() {
        assert!(matches!(decode_reply(b""), Err(ProtocolError::NoReply)));
        assert!(matches!(decode_reply(b"{\"parsed\":{"), Err(ProtocolError::NoReply)));
        assert!(matches!(decode_reply(b"hello\n"), Err(ProtocolError::Malformed(_))));
        assert!(matches!(decode_reply(b"{\"rendered\":{\"bytes\":5}}\nabc"), Err(ProtocolError::CutOff)));
    }
}
