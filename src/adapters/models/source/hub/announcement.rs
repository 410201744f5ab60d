//! What the hub says of a file before it sends it. Knows no connection.

use crate::adapters::models::manifest::FileSpec;
use reqwest::header::HeaderMap;
use sha2::Digest;
use sha2::Sha256;

/// Gathered from the answers on the way to a file, the first to say something wins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Announcement {
    /// Of a large file; the hub has none for a small one.
    pub(super) sha256: Option<String>,
    /// Of the file.
    pub(super) bytes: Option<u64>,
    /// Of the repository.
    pub(super) commit: Option<String>,
    /// Changes with the file.
    etag: Option<String>,
}

impl Announcement {
    /// Takes what the hub's own answer adds; `last` when it is no redirect.
    pub(super) fn learn(&mut self, headers: &HeaderMap, last: bool) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let unquoted = |tag: String| tag.trim_start_matches("W/").trim_matches('"').to_ascii_lowercase();
        let linked = text("x-linked-etag").map(unquoted);
        let is_sha256 = |tag: &String| tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.sha256 = self.sha256.take().or_else(|| linked.clone().filter(is_sha256));
        self.etag = self.etag.take().or(linked);
        self.bytes = self.bytes.or_else(|| text("x-linked-size").and_then(|size| size.parse().ok()));
        let is_plain = |commit: &String| {
            !commit.is_empty()
                && commit.len() <= 64
                && commit.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        self.commit = self.commit.take().or_else(|| text("x-repo-commit").filter(is_plain));
        if last {
            self.etag = self.etag.take().or_else(|| text("etag").map(unquoted));
            self.bytes = self.bytes.or_else(|| text("content-length").and_then(|size| size.parse().ok()));
        }
    }

    /// Whether nothing more can be learnt.
    pub(super) fn is_whole(&self) -> bool {
        self.sha256.is_some() && self.bytes.is_some()
    }

    /// Whether a part can be recognised as one of this file.
    pub(super) fn has_tag(&self) -> bool {
        self.sha256.is_some() || self.etag.is_some()
    }

    /// Names parts of this very file.
    pub(super) fn tag(&self) -> String {
        let identity = self.sha256.as_ref().or(self.etag.as_ref()).map_or("", String::as_str);
        hex::encode(&Sha256::digest(identity)[..8])
    }

    /// Saves a download that could only be thrown away.
    ///
    /// # Errors
    /// What the hub has and what the manifest wants.
    pub(super) fn agrees_with(&self, file: &FileSpec) -> Result<(), String> {
        match (&self.sha256, &file.sha256) {
            (Some(has), Some(wants)) if has != wants => {
                return Err(format!("has SHA-256 {has}, and the manifest wants {wants}"));
            }
            (Some(_) | None, Some(_) | None) => {}
        }
        match (self.bytes, file.bytes) {
            (Some(has), Some(wants)) if has != wants => {
                Err(format!("has {has} bytes, and the manifest wants {wants}"))
            }
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_large_file_is_announced_by_its_redirect() {
        let sha256 = "a".repeat(64);
        let mut announced = Announcement::default();

        let linked = format!("\"{sha256}\"");
        let redirect = [("x-linked-etag", &*linked), ("x-linked-size", "12"), ("x-repo-commit", "abc")];
        announced.learn(&headers(&redirect), false);
        announced.learn(&headers(&[("etag", "\"of the store\""), ("content-length", "99")]), true);

        assert_eq!(announced.sha256, Some(sha256));
        assert_eq!((announced.bytes, announced.commit.as_deref()), (Some(12), Some("abc")));
    }

    #[test]
    fn a_small_file_has_a_tag_and_no_digest() {
        let mut announced = Announcement::default();

        announced.learn(&headers(&[("etag", "W/\"da39a3ee\""), ("content-length", "726")]), true);

        assert_eq!(
            (announced.sha256.as_deref(), announced.bytes, announced.has_tag()),
            (None, Some(726), true)
        );
    }

    #[test]
    fn a_commit_that_is_no_plain_word_is_not_put_into_an_address() {
        let mut announced = Announcement::default();

        announced.learn(&headers(&[("x-repo-commit", "../../other")]), true);

        assert_eq!(announced.commit, None);
    }
}
