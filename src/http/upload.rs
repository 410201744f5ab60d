//! The files of a multipart form, taken one by one as they arrive: one is held in memory at a time, and one that is
//! refused does not keep the others out. Knows no collection's rules and no file format.

use crate::domain::Accepted;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::Fault;
use crate::domain::Principal;
use crate::http::State as Service;
use crate::http::error::AppError;
use crate::http::error::Occasion;
use crate::http::error::Problem;
use crate::http::fingerprint::Fingerprint;
use crate::ingest::Admitted;
use crate::ingest::Taken;
use crate::ingest::Upload;
use axum::Json;
use axum::extract::Multipart;
use axum::extract::multipart::Field;
use axum::extract::multipart::MultipartError;
use axum::extract::multipart::MultipartRejection;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use secrecy::SecretString;
use serde::Deserialize;
use serde::Serialize;
use std::time::Duration;

/// An upload that sends nothing for this long is cut off.
pub(super) const SILENCE: Duration = Duration::from_secs(30);
/// A refused upload is read on for this long, so that its client hears why.
const DRAINING: Duration = Duration::from_secs(20);
/// Longest title, in bytes of UTF-8.
const MAX_TITLE: usize = 2_000;
/// Longest password of a file: what PDF 2.0 allows.
pub(super) const MAX_PASSWORD: usize = 127;
/// Longest file name that is kept, in characters.
const MAX_FILE_NAME: usize = 255;
/// Files of one form.
const MAX_FILES: usize = 1_000;

/// The form of an upload.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "the form is read part by part; this is its description for clients")]
pub(super) struct UploadForm {
    /// One or more files. Each file of a zip archive becomes a document of its own; a title is for one file alone.
    #[schema(value_type = Vec<String>, format = "binary")]
    file: Vec<Vec<u8>>,
    /// Names the file that follows it; after the last file, that file. Else the file's own title counts.
    title: Option<String>,
    /// Opens the file that follows it, or the last file, where that is encrypted. Kept sealed with the file.
    password: Option<String>,
}

/// What became of the files of an upload; those of a zip archive each for itself.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Uploaded {
    /// The files that were taken, in order.
    data: Vec<TakenFile>,
    /// The files that were refused, with `file_name`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Problem>,
}

/// A file that was taken.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct TakenFile {
    #[serde(flatten)]
    pub(super) accepted: Accepted,
    /// Its name; of a file in a zip archive, its path there.
    file_name: String,
}

impl From<Taken> for TakenFile {
    fn from(Taken { file_name, accepted }: Taken) -> Self {
        Self { accepted, file_name }
    }
}

/// Where files go.
#[derive(Clone, Copy)]
pub(super) struct Destination {
    pub(super) collection: CollectionId,
    /// Whose next version the one file is.
    pub(super) document: Option<DocumentId>,
}

/// A form before it is read.
pub(super) struct Form<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) parts: Result<Multipart, MultipartRejection>,
}

/// What is done with a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// Its files are taken.
    Take,
    /// Its files are taken, and it is told apart from others.
    TakeAndDigest,
    /// It is told apart from others, and nothing is taken.
    Digest,
}

/// A form that was read.
pub(super) struct Received {
    /// 202 if at least one file was taken, else the first refusal.
    pub(super) answer: Result<(StatusCode, Json<Uploaded>), AppError>,
    /// What it said; none where nobody asked, it was not read to its end, or the next time it may end otherwise.
    pub(super) fingerprint: Option<String>,
}

/// Takes every file of the form.
pub(super) async fn receive(
    state: &Service,
    who: &Principal,
    to: Destination,
    occasion: &Occasion,
    form: Form<'_>,
    handling: Handling,
) -> Received {
    let unread = |error| Received { answer: Err(error), fingerprint: None };
    let Ok(mut parts) = form.parts else {
        return unread(AppError::unsupported("send files as `multipart/form-data`"));
    };
    if let Err(error) = check_length(form.headers, state.config.http.max_upload_bytes) {
        drain(parts).await;
        return unread(error);
    }
    let _in_memory = match state.limits.upload_permit().await {
        Ok(permit) => permit,
        Err(error) => return unread(error),
    };
    let mut intake = Intake::new(state, who, to, handling);
    let read = intake.take_all(&mut parts).await;
    let fingerprint = std::mem::replace(&mut intake.fingerprint, Fingerprint::unasked()).finish();
    let lasting = read.is_ok() && intake.refused.iter().all(|(_, error)| error.is_final());
    let fingerprint = fingerprint.filter(|_| lasting);
    if let Err(error) = read {
        intake.refused.push((String::new(), error));
        drain(parts).await;
    }
    Received { answer: intake.outcome(occasion), fingerprint }
}

/// What was said before a file.
#[derive(Default)]
struct About {
    title: Option<String>,
    password: Option<SecretString>,
}

/// The outcome of a whole form so far.
struct Intake<'a> {
    state: &'a Service,
    who: &'a Principal,
    to: Destination,
    /// Bytes that the rest of the form may still have.
    room: usize,
    handling: Handling,
    fingerprint: Fingerprint,
    taken: Vec<TakenFile>,
    refused: Vec<(String, AppError)>,
}

impl<'a> Intake<'a> {
    fn new(state: &'a Service, who: &'a Principal, to: Destination, handling: Handling) -> Self {
        let fingerprint = match handling {
            Handling::Take => Fingerprint::unasked(),
            Handling::TakeAndDigest | Handling::Digest => Fingerprint::new(),
        };
        let room = state.config.http.max_upload_bytes;
        Self { state, who, to, room, handling, fingerprint, taken: Vec::new(), refused: Vec::new() }
    }

    /// Holds one file back until the next part is seen, as a title may still follow it.
    async fn take_all(&mut self, form: &mut Multipart) -> Result<(), AppError> {
        let (mut held, mut about, mut files): (Option<Upload>, About, usize) = (None, About::default(), 0);
        while let Some(field) = in_time(form.next_field()).await? {
            match field.name() {
                Some("file") => {
                    files += 1;
                    self.check_count(files)?;
                    self.accept(held.take()).await;
                    held = Some(self.read_file(field, std::mem::take(&mut about)).await?);
                }
                Some("title") => {
                    let text = in_memory(field, MAX_TITLE).await?.ok_or_else(title_too_long)?;
                    self.fingerprint.part("title", &text);
                    about.title = Some(text_of(text)?).filter(|title| !title.is_empty());
                }
                Some("password") => {
                    let text =
                        in_memory(field, MAX_PASSWORD).await?.and_then(|text| String::from_utf8(text).ok());
                    let text = text.ok_or_else(password_too_long)?;
                    // That there is one, not which: a plain digest of it could be guessed from.
                    self.fingerprint.part("password", b"");
                    about.password = Some(text).filter(|text| !text.is_empty()).map(SecretString::from);
                }
                other => {
                    let name: String = other.unwrap_or_default().chars().take(60).collect();
                    self.accept(held.take()).await;
                    let detail =
                        format!("`{name}` is not a part of this form: send `file`, `title` and `password`");
                    return Err(AppError::invalid("unknown_part", detail));
                }
            }
        }
        if let Some(last) = &mut held {
            last.title = last.title.take().or(about.title);
            last.password = last.password.take().or(about.password);
        }
        self.accept(held).await;
        if files == 0 { Err(AppError::invalid("no_file", "the form has no part `file`")) } else { Ok(()) }
    }

    fn check_count(&self, files: usize) -> Result<(), AppError> {
        if self.to.document.is_some() && files > 1 {
            return Err(AppError::invalid("one_file", "a version is one file"));
        }
        if files > MAX_FILES {
            return Err(AppError::invalid(
                "too_many_files",
                format!("a form takes at most {MAX_FILES} files"),
            ));
        }
        Ok(())
    }

    async fn read_file(&mut self, field: Field<'_>, about: About) -> Result<Upload, AppError> {
        let file_name = file_name(field.file_name());
        let limit = self.state.config.http.max_upload_bytes;
        let bytes = in_memory(field, self.room).await?.ok_or_else(|| too_large(limit))?;
        self.room -= bytes.len();
        let bytes = self.fingerprint.file(&file_name, bytes).await;
        Ok(Upload {
            collection: self.to.collection,
            document: self.to.document,
            title: about.title,
            file_name,
            bytes,
            password: about.password,
        })
    }

    async fn accept(&mut self, upload: Option<Upload>) {
        let Some(upload) = upload.filter(|_| self.handling != Handling::Digest) else { return };
        let file_name = upload.file_name.clone();
        match self.state.ingest.admit(self.who, upload).await {
            Ok(Admitted { taken, refused }) => {
                self.taken.extend(taken.into_iter().map(TakenFile::from));
                self.refused.extend(refused.into_iter().map(|(file_name, error)| (file_name, error.into())));
            }
            Err(error) => self.refused.push((file_name, error.into())),
        }
    }

    fn outcome(self, occasion: &Occasion) -> Result<(StatusCode, Json<Uploaded>), AppError> {
        if self.taken.is_empty() {
            return Err(AppError::of_files(self.refused));
        }
        let refused =
            self.refused.into_iter().map(|(file_name, error)| error.problem(occasion).about_file(file_name));
        Ok((StatusCode::ACCEPTED, Json(Uploaded { data: self.taken, errors: refused.collect() })))
    }
}

/// Says so before the body is read, where the client announces too much.
fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), AppError> {
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) { Err(too_large(limit)) } else { Ok(()) }
}

pub(super) fn too_large(limit: usize) -> AppError {
    let mebibytes = limit / (1024 * 1024);
    AppError::new(
        Fault::TooLarge,
        "too_large",
        format!("an upload takes at most {mebibytes} MiB ({limit} bytes)"),
    )
}

fn title_too_long() -> AppError {
    AppError::invalid("invalid_title", format!("`title` takes at most {MAX_TITLE} bytes"))
}

pub(super) fn password_too_long() -> AppError {
    AppError::invalid("invalid_password", format!("`password` takes at most {MAX_PASSWORD} bytes of UTF-8"))
}

/// The part's bytes; none when there are more than `max`.
async fn in_memory(mut field: Field<'_>, max: usize) -> Result<Option<Vec<u8>>, AppError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = in_time(field.chunk()).await? {
        if bytes.len() + chunk.len() > max {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

async fn in_time<T>(part: impl Future<Output = Result<T, MultipartError>>) -> Result<T, AppError> {
    let arrived = tokio::time::timeout(SILENCE, part).await.map_err(|_| AppError::slow_body())?;
    arrived.map_err(|error| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            AppError::new(Fault::TooLarge, "too_large", "the form is too large")
        } else {
            AppError::invalid("broken_form", "the form broke off or is malformed")
        }
    })
}

/// Reads on without keeping anything, up to the route's body limit: a client that is still sending when the connection
/// closes sees a reset instead of the reason.
async fn drain(mut form: Multipart) {
    let reading = async {
        while let Ok(Some(mut field)) = form.next_field().await {
            while let Ok(Some(_)) = field.chunk().await {}
        }
    };
    let _gave_up = tokio::time::timeout(DRAINING, reading).await;
}

fn text_of(bytes: Vec<u8>) -> Result<String, AppError> {
    let text =
        String::from_utf8(bytes).map_err(|_| AppError::invalid("invalid_title", "`title` is not UTF-8"))?;
    Ok(text.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned())
}

/// The last part of whatever path a client sends; never used as a path here.
pub(super) fn file_name(sent: Option<&str>) -> String {
    let name = sent.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_FILE_NAME).collect();
    let name = name.trim();
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_never_a_path() {
        let check = |sent, expected| assert_eq!(file_name(sent), expected, "{sent:?}");

        check(Some("合同 2024.pdf"), "合同 2024.pdf");
        check(Some("../../etc/passwd"), "passwd");
        check(Some(r"C:\Users\me\lease.pdf"), "lease.pdf");
        check(Some("a\r\nb\0.pdf"), "ab.pdf");
        check(Some("dir/"), "unnamed");
        check(None, "unnamed");
        assert_eq!(file_name(Some(&"长".repeat(400))).chars().count(), 255);
    }

    #[test]
    fn an_upload_that_announces_too_much_is_refused_before_it_is_read() {
        let announced = |length: u64| HeaderMap::from_iter([(header::CONTENT_LENGTH, length.into())]);

        assert!(check_length(&announced(100), 100).is_ok());
        assert_eq!(check_length(&announced(101), 100).unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(check_length(&HeaderMap::new(), 100).is_ok());
    }
}
