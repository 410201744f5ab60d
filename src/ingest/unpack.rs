//! An archive as the child takes it apart: one member at a time, however many it says there are. While a member is
//! stored, the child waits for its pipe to be read. Knows no document.

use crate::ingest::IngestError;
use crate::ingest::child;
use crate::ingest::child::Call;
use crate::ingest::child::Remains;
use reader::ReadError;
use reader::UnpackOptions;
use reader::child::Job;
use reader::child::MemberLine;
use reader::child::Reply;
use std::time::Duration;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::BufReader;
use tokio::process::Child;
use tokio::process::ChildStdout;
use tokio::task::JoinHandle;

/// Longest line: a path of 64 KiB, each byte of it escaped.
const MAX_LINE: u64 = 512 << 10;

/// A file of an archive.
pub(super) struct Unpacked {
    /// Its path there; only for display.
    pub(super) path: String,
    /// Its bytes, or why they cannot be had.
    pub(super) content: Result<Vec<u8>, ReadError>,
}

/// An archive that is being taken apart. Dropped, its child is killed.
pub(super) struct Unpacking<'a> {
    call: &'a Call<'a>,
    child: Child,
    output: BufReader<ChildStdout>,
    complaint: JoinHandle<String>,
    /// Members that may still be said, and bytes of each.
    members: usize,
    member_bytes: u64,
}

impl<'a> Unpacking<'a> {
    /// Starts the child and gives it the archive, which is let go as soon as the child has it.
    pub(super) fn start(
        call: &'a Call<'a>,
        options: UnpackOptions,
        archive: Vec<u8>,
    ) -> Result<Self, IngestError> {
        let missing = || IngestError::ReaderBroken { detail: "the child has no pipes".to_owned() };
        let (members, member_bytes) = (options.max_members, options.max_member_bytes);
        let header = reader::child::encode_header(&Job::Unpack(options));
        let mut child = child::start(call, archive.len())?;
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let complaints = child.stderr.take().ok_or_else(missing)?;
        // Both end with the child, whose end of the pipes closes then.
        tokio::spawn(async move { child::feed(input, header, &archive).await });
        let complaint = tokio::spawn(child::complaint(complaints));
        Ok(Self { call, child, output, complaint, members, member_bytes })
    }

    /// The next file; none after the last.
    ///
    /// # Errors
    /// Why the archive, or the rest of it, cannot be had: its own fault, or what became of the child.
    pub(super) async fn next(&mut self) -> Result<Option<Unpacked>, IngestError> {
        let deadline = self.call.deadline;
        let Ok(heard) = tokio::time::timeout(deadline, self.hear()).await else {
            let _gone_already = self.child.kill().await;
            return Err(IngestError::ReaderTimeout { seconds: deadline.as_secs() });
        };
        heard
    }

    async fn hear(&mut self) -> Result<Option<Unpacked>, IngestError> {
        let mut line = Vec::new();
        let read = (&mut self.output).take(MAX_LINE).read_until(b'\n', &mut line).await;
        read.map_err(|error| child::broken(&error))?;
        match reader::child::decode_member(&line) {
            None => self.end(line).await.map(|()| None),
            Some(_) if self.members == 0 => Err(nonsense("more files than it may")),
            Some(MemberLine::Refused { path, error }) => {
                self.members -= 1;
                Ok(Some(Unpacked { path, content: Err(error) }))
            }
            Some(MemberLine::Unpacked { path, bytes }) => {
                self.members -= 1;
                let content = self.content(bytes).await?;
                Ok(Some(Unpacked { path, content: Ok(content) }))
            }
        }
    }

    /// Memory is taken as bytes come, not as they are announced.
    async fn content(&mut self, bytes: u64) -> Result<Vec<u8>, IngestError> {
        if bytes > self.member_bytes {
            return Err(nonsense("a larger file than it may"));
        }
        let mut content = Vec::new();
        let read = (&mut self.output).take(bytes).read_to_end(&mut content).await;
        read.map_err(|error| child::broken(&error))?;
        if content.len() as u64 == bytes { Ok(content) } else { Err(self.dead(Vec::new()).await) }
    }

    /// The line that is no member's is the last: the reply.
    async fn end(&mut self, line: Vec<u8>) -> Result<(), IngestError> {
        match reader::child::decode_reply(&line) {
            Ok(Reply::Unpacked) => Ok(()),
            Ok(Reply::Failed(error)) => Err(error.into()),
            Ok(Reply::Parsed(_) | Reply::Rendered(_) | Reply::Recognised(_) | Reply::Confined(_)) => {
                Err(nonsense("another thing than files"))
            }
            Err(_) => Err(self.dead(line).await),
        }
    }

    /// What the child died of, where it did not say its last line. One that is alive talks nonsense, and waits for
    /// somebody to hear the rest of it.
    async fn dead(&mut self, reply: Vec<u8>) -> IngestError {
        let ended = match tokio::time::timeout(LAST_BREATH, self.child.wait()).await {
            Ok(Ok(status)) => Some(status),
            Ok(Err(error)) => return child::broken(&error),
            Err(_) => None,
        };
        let Some(status) = ended else {
            let _gone_already = self.child.kill().await;
            return nonsense("neither a file nor a reply");
        };
        let complaint = tokio::time::timeout(LAST_BREATH, &mut self.complaint).await;
        let complaint = complaint.ok().and_then(Result::ok).unwrap_or_default();
        let remains = Remains { status, reply, complaint, overflowed: false };
        let death = child::death(self.call.limits, &remains);
        death.unwrap_or_else(|| nonsense("neither a file nor a reply"))
    }
}

/// A child whose output has ended is gone within this time.
const LAST_BREATH: Duration = Duration::from_secs(2);

fn nonsense(what: &str) -> IngestError {
    IngestError::ReaderBroken { detail: format!("the reader said {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::child::tests::Script;

    /// Everything that a child says, and why there was no more.
    async fn unpacked(script: &str, deadline: Duration) -> (Vec<Unpacked>, Option<IngestError>) {
        let script = Script::new(script).await;
        let call = script.call(deadline);
        let options = UnpackOptions { max_members: 2, max_member_bytes: 10, ..UnpackOptions::default() };
        let mut unpacking = Unpacking::start(&call, options, b"x".repeat(1 << 20)).unwrap();
        let mut members = Vec::new();
        loop {
            match unpacking.next().await {
                Ok(Some(member)) => members.push(member),
                Ok(None) => return (members, None),
                Err(error) => return (members, Some(error)),
            }
        }
    }

    const LONG: Duration = Duration::from_secs(20);
    const MEMBER: &str = r#"cat > /dev/null; echo '{"unpacked":{"path":"a","bytes":2}}'; printf hi"#;

    #[tokio::test]
    async fn members_come_one_by_one_up_to_the_reply() {
        let refused =
            r#"echo '{"refused":{"path":"b","error":{"code":"encrypted_member"}}}'; echo '"all_unpacked"'"#;
        let (members, error) = unpacked(&format!("{MEMBER}; {refused}"), LONG).await;

        assert!(error.is_none(), "{error:?}");
        assert_eq!(members[0].content.as_deref(), Ok(b"hi".as_slice()));
        assert_eq!((members[1].path.as_str(), &members[1].content), ("b", &Err(ReadError::EncryptedMember)));
    }

    #[tokio::test]
    async fn a_child_that_says_more_than_it_may_is_not_believed() {
        let many = format!("{MEMBER}; {MEMBER}; {MEMBER}");
        let large = r#"echo '{"unpacked":{"path":"a","bytes":99999999999}}'; exec cat /dev/zero"#;

        for (script, members) in
            [(many.as_str(), 2), (large, 0), ("exec cat /dev/zero", 0), ("echo hello", 0)]
        {
            let (said, error) = unpacked(script, LONG).await;

            assert_eq!(said.len(), members, "{script}");
            assert!(matches!(error, Some(IngestError::ReaderBroken { .. })), "{script}: {error:?}");
        }
    }

    #[tokio::test]
    async fn a_child_that_dies_on_its_way_is_told_by_what_it_died_of() {
        let (said, crashed) = unpacked(&format!("{MEMBER}; kill -SEGV $$"), LONG).await;
        let (_, starved) =
            unpacked(r#"echo '{"unpacked":{"path":"a","bytes":9}}'; kill -KILL $$"#, LONG).await;
        let (_, late) = unpacked("exec sleep 60", Duration::from_millis(300)).await;

        assert_eq!(said.len(), 1);
        assert!(matches!(crashed, Some(IngestError::ReaderCrashed { .. })), "{crashed:?}");
        assert!(matches!(starved, Some(IngestError::ReaderOutOfMemory)), "{starved:?}");
        assert!(matches!(late, Some(IngestError::ReaderTimeout { .. })), "{late:?}");
    }
}
