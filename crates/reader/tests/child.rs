//! The child process: this program starts itself as one and talks to it. It has a main of its own because the test
//! harness would write to the child's standard output.
#![expect(clippy::unwrap_used, reason = "a test may stop at any fault")]

use reader::Format;
use reader::OcrModels;
use reader::ReadOptions;
use reader::RecogniseRequest;
use reader::UnpackOptions;
use reader::child;
use reader::child::Job;
use reader::child::Limits;
use reader::child::MemberLine;
use reader::child::ProtocolError;
use reader::child::Reply;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;

fn main() -> ExitCode {
    let limits = Limits { max_file_bytes: 1 << 20, cpu_seconds: 20, ..Limits::default() };
    match std::env::args().nth(1).as_deref() {
        Some("serve") => return child::serve(&limits),
        Some("recognise") => return child::serve_with_models(&limits, models()),
        Some("starve") => return child::serve(&Limits { address_space_bytes: 1 << 20, ..limits }),
        // Whatever a test runner passes on.
        Some(_) | None => {}
    }
    a_file_is_read_in_the_child();
    a_fault_of_the_file_is_a_reply();
    a_file_that_is_too_long_is_refused();
    a_child_without_memory_gives_no_reply();
    a_header_that_is_no_job_fails();
    recognition_without_models_is_refused();
    recognition_keeps_to_the_limits();
    a_child_can_do_nothing_else();
    an_archive_is_said_file_by_file();
    ExitCode::SUCCESS
}

fn converse(mode: &str, header: &[u8], file: &[u8]) -> (bool, Result<Reply, ProtocolError>) {
    let (success, output) = output(mode, header, file);
    (success, child::decode_reply(&output))
}

fn output(mode: &str, header: &[u8], file: &[u8]) -> (bool, Vec<u8>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(mode)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A child that gives up early closes its end; that is for the reply to tell.
    let _ = input.write_all(header).and_then(|()| input.write_all(file));
    drop(input);
    let output = child.wait_with_output().unwrap();
    (output.status.success(), output.stdout)
}

fn read(file: &[u8]) -> (bool, Result<Reply, ProtocolError>) {
    converse("serve", &child::encode_header(&Job::Read(ReadOptions::default())), file)
}

fn a_file_is_read_in_the_child() {
    let (success, reply) = read("# 合同\n\n- 正文\n".as_bytes());

    let Ok(Reply::Parsed(parsed)) = reply else { panic!("{reply:?}") };
    assert!(success);
    assert_eq!(parsed.format, Format::Markdown);
    assert_eq!(parsed.title.as_deref(), Some("合同"));
}

fn a_fault_of_the_file_is_a_reply() {
    let (success, reply) = read(b"%PDF-1.4 and nothing else");

    let Ok(Reply::Failed(error)) = reply else { panic!("{reply:?}") };
    assert!(success);
    assert_eq!(error.code(), "damaged");
}

fn a_file_that_is_too_long_is_refused() {
    let (success, reply) = read(&vec![b'a'; (1 << 20) + 1]);

    let Ok(Reply::Failed(error)) = reply else { panic!("{reply:?}") };
    assert!(success);
    assert_eq!(error.code(), "too_large");
}

fn a_child_without_memory_gives_no_reply() {
    let header = child::encode_header(&Job::Read(ReadOptions::default()));
    let (success, reply) = converse("starve", &header, b"text");

    assert!(!success);
    assert!(matches!(reply, Err(ProtocolError::NoReply)), "{reply:?}");
}

fn a_header_that_is_no_job_fails() {
    let (success, reply) = converse("serve", b"{\"delete\":{}}\n", b"text");

    assert!(!success);
    assert!(matches!(reply, Err(ProtocolError::NoReply)), "{reply:?}");
}

/// The models that `docent models pull starter` fetched.
fn models() -> OcrModels {
    let folder =
        std::env::var_os("DOCENT__MODELS__DIR").expect("set by `make test`: the folder of the models");
    OcrModels::open(&Path::new(&folder).join("pp-ocrv6-small"), 1).unwrap()
}

/// A PDF with one page, black on white.
const PICTURE: &[u8] = b"%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R
/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>> endobj
4 0 obj <</Length 51>> stream
BT /F1 24 Tf 50 700 Td (The rent is 2400) Tj ET    
endstream endobj
trailer <</Root 1 0 R>>
%%EOF";

fn recognise(mode: &str) -> (bool, Result<Reply, ProtocolError>) {
    let request = RecogniseRequest { pages: vec![1], password: None };
    converse(mode, &child::encode_header(&Job::Recognise(request)), PICTURE)
}

fn recognition_without_models_is_refused() {
    let (success, reply) = recognise("serve");

    let Ok(Reply::Failed(error)) = reply else { panic!("{reply:?}") };
    assert!(success);
    assert_eq!(error.code(), "recognition_failed");
}

fn recognition_keeps_to_the_limits() {
    let (success, reply) = recognise("recognise");

    let Ok(Reply::Recognised(pages)) = reply else { panic!("{reply:?}") };
    assert!(success);
    assert_eq!((pages.len(), pages[0].number, pages[0].text.as_str()), (1, 1, "The rent is 2400"));
}

fn a_child_can_do_nothing_else() {
    let (success, reply) = converse("serve", &child::encode_header(&Job::Probe), b"");

    let Ok(Reply::Confined(confinement)) = reply else { panic!("{reply:?}") };
    assert!(success);
    assert_eq!(confinement.possible, Vec::<String>::new());
    // Wherever tests run, there are filters; Landlock is newer.
    assert!(confinement.seccomp, "{confinement:?}");
}

fn an_archive_is_said_file_by_file() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in [("a.txt", b"two\nlines".to_vec()), ("zeros", vec![0; 4 << 20])] {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    let archive = writer.finish().unwrap().into_inner();
    let output = output("serve", &child::encode_header(&Job::Unpack(UnpackOptions::default())), &archive).1;

    let (first, rest) = output.split_at(output.iter().position(|&byte| byte == b'\n').unwrap() + 1);
    let Some(MemberLine::Unpacked { path, bytes: 9 }) = child::decode_member(first) else {
        panic!("{first:?}")
    };
    assert_eq!((path.as_str(), &rest[..9]), ("a.txt", b"two\nlines".as_slice()));
    let second = rest[9..].split_inclusive(|&byte| byte == b'\n').next().unwrap();
    let Some(MemberLine::Refused { error, .. }) = child::decode_member(second) else { panic!("{second:?}") };
    assert_eq!(error.code(), "out_of_budget");
    assert_eq!(child::decode_reply(&rest[9 + second.len()..]).unwrap(), Reply::Unpacked);
}
