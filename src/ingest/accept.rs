//! The upload's half: what can be checked at once is checked, then blob, row and job are written and recorded. What
//! only reading the file can tell (encrypted, damaged, a scan) is left to the worker. Knows no queue.

use crate::audit::Actor;
use crate::audit::Event;
use crate::domain::Accepted;
use crate::domain::CollectionId;
use crate::domain::EventId;
use crate::domain::Principal;
use crate::ingest::IngestError;
use crate::ingest::IngestParts;
use crate::ingest::PASSWORD;
use crate::ingest::Upload;
use crate::ports::NewVersion;
use crate::ports::StoreError;
use reader::Format;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

/// Longest title, in characters.
const MAX_TITLE: usize = 300;
/// Longest file name, in characters.
const MAX_FILE_NAME: usize = 200;

/// Takes a file, or says at once why not.
#[tracing::instrument(skip_all, fields(collection.id = %upload.collection))]
pub(super) async fn accept(
    parts: &IngestParts,
    who: &Principal,
    upload: Upload,
) -> Result<Accepted, IngestError> {
    check_writable(who, upload.collection)?;
    let title = upload.title.as_deref().map(title).transpose()?;
    let file_name = file_name(&upload.file_name);
    let size = upload.bytes.len();
    if size > parts.max_upload_bytes {
        return Err(IngestError::TooLarge { bytes: size, limit: parts.max_upload_bytes });
    }
    let (format, sha256, bytes) = examine(upload.bytes).await?;

    // Before the rows: a blob without a row is harmless, a row without its blob is a lost document.
    parts.blobs.put(upload.collection, &sha256, bytes).await?;
    let version = NewVersion {
        collection: upload.collection,
        document: upload.document,
        title,
        file_name,
        password: upload
            .password
            .map(|password| parts.vault.seal(PASSWORD, &sha256, &password))
            .transpose()?,
        sha256,
        bytes: size as i64,
        uploaded_by: who.user(),
        max_attempts: parts.config.max_attempts.try_into().unwrap_or(i32::MAX),
    };
    let accepted = parts.intake.accept(&version).await.map_err(|error| match (error, upload.document) {
        (StoreError::Missing { .. }, Some(document)) => IngestError::NoDocument(document),
        (StoreError::Missing { .. }, None) => IngestError::NoCollection(upload.collection),
        (error, _) => IngestError::Store(error),
    })?;
    // When this fails the caller hears of it and nothing is lost: the same upload again finds what is there.
    record(parts, who, &version, &accepted, format).await?;
    Ok(accepted)
}

/// Says whether the principal may change the collection; one that they cannot read does not exist for them.
pub(super) fn check_writable(who: &Principal, collection: CollectionId) -> Result<(), IngestError> {
    if who.may_write(collection) {
        Ok(())
    } else if who.acl_filter().allows(collection) {
        Err(IngestError::NotWritable)
    } else {
        Err(IngestError::NoCollection(collection))
    }
}

/// Format and hash, off the runtime's threads: a file may have hundreds of megabytes.
async fn examine(bytes: Vec<u8>) -> Result<(Format, String, Vec<u8>), IngestError> {
    let examined = tokio::task::spawn_blocking(move || {
        let format = reader::detect(&bytes)?;
        let sha256 = hex::encode(Sha256::digest(&bytes));
        Ok((format, sha256, bytes))
    });
    examined.await.map_err(|_| IngestError::Panicked("accept"))?
}

async fn record(
    parts: &IngestParts,
    who: &Principal,
    version: &NewVersion,
    accepted: &Accepted,
    format: Format,
) -> Result<(), IngestError> {
    let event = Event {
        id: EventId::new(),
        kind: "document.uploaded",
        reference: None,
        actor: Some(Actor::from(who)),
        documents: vec![accepted.document_id],
        outcome: None,
        facts: json!({
            "collection": version.collection,
            "version": accepted.version,
            "job": accepted.job_id,
            "sha256": version.sha256,
            "bytes": version.bytes,
            "media_type": format.media_type(),
            "existing": accepted.existing,
        }),
        content: Some(json!({ "file_name": version.file_name, "title": version.title })),
    };
    parts.auditor.record(event).await?;
    Ok(())
}

/// A title as it is shown: one line, no control characters.
pub(super) fn title(given: &str) -> Result<String, IngestError> {
    let title = one_line(given);
    if title.is_empty() || title.chars().count() > MAX_TITLE {
        return Err(IngestError::InvalidTitle { limit: MAX_TITLE });
    }
    Ok(title)
}

/// A file name as it is shown: the last part of the path, one line, its end kept when it is too long.
pub(super) fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    match one_line(last).as_str() {
        "" | "." | ".." => "file".to_owned(),
        name => shortened(name),
    }
}

/// A path within an archive as it is shown: without the parts that lead out of it.
pub(super) fn shown_path(given: &str) -> String {
    let parts = given.split(['/', '\\']).map(one_line);
    let parts: Vec<String> = parts.filter(|part| !matches!(part.as_str(), "" | "." | "..")).collect();
    if parts.is_empty() { "file".to_owned() } else { shortened(&parts.join("/")) }
}

/// Keeps start and end of a name that is too long.
fn shortened(name: &str) -> String {
    let characters = name.chars().count();
    if characters <= MAX_FILE_NAME {
        return name.to_owned();
    }
    let (kept_end, kept_start) = (16, MAX_FILE_NAME - 17);
    let start = name.chars().take(kept_start);
    start.chain(['…']).chain(name.chars().skip(characters - kept_end)).collect()
}

/// White space as single spaces; no control characters and none that turn the direction of text around, with which
/// `gnp.exe` is shown as `exe.png`.
fn one_line(text: &str) -> String {
    let shown = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let spaced: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(shown).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ApiKeyId;
    use crate::domain::AuthMethod;
    use crate::domain::Permission;
    use crate::domain::Role;
    use crate::domain::UserId;
    use std::collections::BTreeMap;
    use std::collections::BTreeSet;

    #[test]
    fn a_file_name_is_one_harmless_line() {
        let check = |given: &str, expected: &str| assert_eq!(file_name(given), expected);

        check("合同 2024.pdf", "合同 2024.pdf");
        check("C:\\Users\\me\\lease.pdf", "lease.pdf");
        check("../../etc/passwd", "passwd");
        check("a\u{202e}gnp.exe", "agnp.exe");
        check("two\r\nlines\0.txt", "two lines.txt");
        check("..", "file");
        check("", "file");
        check("uploads/", "file");
    }

    #[test]
    fn a_path_in_an_archive_leads_nowhere_else() {
        assert_eq!(shown_path("合同/2024/lease.pdf"), "合同/2024/lease.pdf");
        assert_eq!(shown_path("../../etc/./passwd"), "etc/passwd");
        assert_eq!(shown_path("\\\\server\\share\\a\u{202e}.txt"), "server/share/a.txt");
        assert_eq!(shown_path("/.."), "file");
    }

    #[test]
    fn a_long_file_name_keeps_its_end() {
        let name = file_name(&format!("{}.pdf", "长".repeat(1000)));

        assert_eq!(name.chars().count(), MAX_FILE_NAME);
        assert_eq!(std::path::Path::new(&name).extension(), Some("pdf".as_ref()));
    }

    #[test]
    fn a_title_is_one_line_within_its_limit() {
        assert_eq!(title("  The \n lease ").unwrap(), "The lease");
        assert!(title(" \n").is_err());
        assert!(title(&"长".repeat(MAX_TITLE)).is_ok());
        assert!(title(&"长".repeat(MAX_TITLE + 1)).is_err());
    }

    #[test]
    fn a_collection_that_cannot_be_read_does_not_exist() {
        let (readable, writable, foreign) = (CollectionId::new(), CollectionId::new(), CollectionId::new());
        let grants = BTreeMap::from([(readable, Permission::Read), (writable, Permission::Write)]);
        let roles = BTreeSet::from([Role::Contributor]);
        let who = Principal::new(
            UserId::new(),
            "li".to_owned(),
            roles,
            grants,
            AuthMethod::ApiKey(ApiKeyId::new()),
        );

        assert!(check_writable(&who, writable).is_ok());
        assert!(matches!(check_writable(&who, readable), Err(IngestError::NotWritable)));
        assert!(matches!(check_writable(&who, foreign), Err(IngestError::NoCollection(_))));
    }
}
