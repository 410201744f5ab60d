//! `Upload-Metadata` of the tus protocol: pairs of a name and a value in base64. Names that only clients know are passed
//! over, as common clients send some. Knows no collection's rules.

use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::http::error::AppError;
use crate::http::error::InputFault;
use crate::http::upload;
use crate::ports::StoredUpload;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::str::FromStr;

static NAME: HeaderName = HeaderName::from_static("upload-metadata");
/// Longest header, in bytes.
const MAX: usize = 16 * 1024;

/// What is said of a file.
pub(super) struct Metadata {
    pub(super) file_name: String,
    pub(super) title: Option<String>,
    pub(super) password: Option<SecretString>,
    pub(super) target: Target,
}

/// Where the file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Into a collection, as a document.
    Collection(CollectionId),
    /// The next version of a document.
    Document(DocumentId),
}

impl Metadata {
    /// Reads the header.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, AppError> {
        let header = headers.get(&NAME).map(HeaderValue::as_bytes).unwrap_or_default();
        let malformed = || {
            AppError::invalid(
                "invalid_upload_metadata",
                "`Upload-Metadata` is no list of names and base64 values",
            )
        };
        let mut values = pairs(header).ok_or_else(malformed)?;
        let mut take = |name: &str| values.remove(name).filter(|value| !value.is_empty());
        let file_name = upload::file_name(take("filename").as_deref());
        let title = take("title");
        let password = take("password");
        if password.as_ref().is_some_and(|password| password.len() > upload::MAX_PASSWORD) {
            return Err(upload::password_too_long());
        }
        let target = match (take("collection_id"), take("document_id")) {
            (Some(collection), None) => Target::Collection(id("collection_id", &collection)?),
            (None, Some(document)) => Target::Document(id("document_id", &document)?),
            (Some(_), Some(_)) | (None, None) => {
                return Err(fault("collection_id", "give either this or `document_id`"));
            }
        };
        Ok(Self { file_name, title, password: password.map(SecretString::from), target })
    }
}

/// The header of an upload that was announced, without its password.
pub(super) fn of(upload: &StoredUpload) -> HeaderMap {
    let announced = &upload.announced;
    let target = match announced.document {
        Some(document) => ("document_id", Some(document.to_string())),
        None => ("collection_id", Some(announced.collection.to_string())),
    };
    let known = [("filename", Some(announced.file_name.clone())), ("title", announced.title.clone()), target];
    let pairs =
        known.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", STANDARD.encode(value?))));
    let text = pairs.collect::<Vec<_>>().join(",");
    let value = HeaderValue::from_str(&text).expect("names and base64 are ASCII");
    HeaderMap::from_iter([(NAME.clone(), value)])
}

fn pairs(header: &[u8]) -> Option<BTreeMap<String, String>> {
    let text = std::str::from_utf8(header).ok().filter(|text| text.len() <= MAX)?;
    let mut pairs = BTreeMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        if pairs.insert(name.to_owned(), value).is_some() {
            return None;
        }
    }
    Some(pairs)
}

fn id<T: FromStr>(name: &str, text: &str) -> Result<T, AppError> {
    text.parse().map_err(|_| fault(name, "is no id"))
}

fn fault(field: &str, detail: &str) -> AppError {
    AppError::input(vec![InputFault { field: field.to_owned(), detail: detail.to_owned() }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Metadata, AppError> {
        Metadata::read(&HeaderMap::from_iter([(NAME.clone(), HeaderValue::from_str(text).unwrap())]))
    }

    fn pair(name: &str, value: &str) -> String {
        format!("{name} {}", STANDARD.encode(value))
    }

    #[test]
    fn what_is_said_of_a_file_is_read_and_what_is_unknown_is_passed_over() {
        let collection = CollectionId::new();
        let said = [
            pair("filename", "../合同.pdf"),
            pair("filetype", "application/pdf"),
            pair("password", "geheim"),
            "is_confidential".to_owned(),
            pair("collection_id", &collection.to_string()),
        ];

        let metadata = read(&said.join(", ")).ok().unwrap();

        assert_eq!(metadata.file_name, "合同.pdf");
        assert_eq!(metadata.target, Target::Collection(collection));
        assert!(metadata.password.is_some() && metadata.title.is_none());
    }

    #[test]
    fn a_file_goes_to_one_place() {
        let (collection, document) =
            (pair("collection_id", &CollectionId::new().to_string()), DocumentId::new());
        let document = pair("document_id", &document.to_string());

        assert!(matches!(read(&document).ok().unwrap().target, Target::Document(_)));
        for wrong in [
            "",
            &format!("{collection},{document}"),
            &format!("{collection},{collection}"),
            &pair("collection_id", "1"),
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("filename ???").is_err());
        assert!(read(&format!("{collection},{}", pair("password", &"x".repeat(128)))).is_err());
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _read_or_not = pairs(&bytes);
        }
    }
}
