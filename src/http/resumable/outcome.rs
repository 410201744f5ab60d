//! What became of an upload in pieces: kept as JSON, told in headers. Knows no file.

use crate::http::error::AppError;
use crate::http::upload::TakenFile;
use crate::ingest::Admitted;
use crate::ports::StoredUpload;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::Serialize;

/// Documents of an archive that headers tell of; the upload's own view lists all.
const MAX_TOLD: usize = 8;

/// What became of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It was taken; of an archive some files, perhaps all.
    Taken { files: Vec<TakenFile>, refused: Vec<RefusedFile> },
    /// It was refused for good.
    Refused(Refusal),
}

/// A refusal as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refusal {
    status: u16,
    code: String,
    detail: String,
}

/// A file of an archive that was refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RefusedFile {
    /// Its path in the archive.
    pub(super) file_name: String,
    /// Why.
    pub(super) refusal: Refusal,
}

impl Outcome {
    /// What became of all files, where no other try would change it.
    ///
    /// # Errors
    /// A refusal that another try may mend.
    pub(super) fn of_files(admitted: Admitted) -> Result<Self, AppError> {
        let mut refused = Vec::with_capacity(admitted.refused.len());
        for (file_name, error) in admitted.refused {
            let error = AppError::from(error);
            if !error.is_final() {
                return Err(error);
            }
            refused.push((file_name, error));
        }
        if admitted.taken.is_empty() {
            return Ok(Self::refused(&AppError::of_files(refused)));
        }
        let refused = refused
            .into_iter()
            .map(|(file_name, error)| RefusedFile { file_name, refusal: Refusal::of(&error) });
        let files = admitted.taken.into_iter().map(TakenFile::from).collect();
        Ok(Self::Taken { files, refused: refused.collect() })
    }

    /// What is kept of an upload that ended.
    pub(super) fn of(upload: &StoredUpload) -> Result<Option<Self>, AppError> {
        let kept = upload.outcome.clone().map(serde_json::from_value);
        kept.transpose().map_err(|error| AppError::bug(format!("an upload's outcome is not ours: {error}")))
    }

    /// A refusal that is kept.
    pub(super) fn refused(error: &AppError) -> Self {
        Self::Refused(Refusal::of(error))
    }

    /// To be kept.
    pub(super) fn to_json(&self) -> Result<serde_json::Value, AppError> {
        serde_json::to_value(self).map_err(|error| AppError::bug(format!("an outcome is no JSON: {error}")))
    }
}

impl Refusal {
    fn of(error: &AppError) -> Self {
        let (code, detail) = (error.code.clone().into_owned(), error.detail.clone());
        Self { status: error.status.as_u16(), code, detail }
    }

    /// The refusal once more.
    pub(super) fn error(&self) -> AppError {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        AppError::again(status, self.code.clone(), self.detail.clone())
    }
}

/// The outcome as headers; none while there is none.
pub(super) fn headers(outcome: Option<&Outcome>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut tell = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    };
    match outcome {
        None => {}
        Some(Outcome::Taken { files, .. }) => {
            for TakenFile { accepted, .. } in files.iter().take(MAX_TOLD) {
                tell("docent-document-id", &accepted.document_id.to_string());
                tell("docent-version", &accepted.version.to_string());
                tell("docent-job-id", &accepted.job_id.to_string());
            }
        }
        Some(Outcome::Refused(refusal)) => tell("docent-error-code", &refusal.code),
    }
    headers
}
