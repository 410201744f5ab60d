//! The lines as JSON. An unknown field is an error: what nobody checks must not stand beside what was checked. Hashes
//! and keys are lower-case hexadecimal. Knows no log.

use serde::Deserialize;
use serde::Serialize;
use std::borrow::Cow;

/// What the first line names as its format.
pub const FORMAT: &str = "docent.audit-export/1";

/// One line: an object with one field, named after what the line is.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line<'a> {
    #[serde(borrow)]
    Export(Header<'a>),
    Record(Record<'a>),
    Checkpoint(Cow<'a, str>),
    End(End),
}

/// What an export holds of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every record from the first to the last: shows that none is missing between them.
    Range,
    /// Records that somebody chose, each with its proof: shows nothing about those left out.
    Selection,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header<'a> {
    #[serde(borrow)]
    pub(super) format: Cow<'a, str>,
    pub(super) origin: Cow<'a, str>,
    pub(super) scope: Scope,
    /// Of a range: the position of its first record.
    #[serde(default)]
    pub(super) first: u64,
    /// Of a range that does not begin at 0: the roots of the full subtrees before it, the largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) frontier: Vec<Cow<'a, str>>,
    /// The log's key as the exporter says it: proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Cow<'a, str>>,
    /// Who made it when and for what, in words: proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record<'a> {
    pub(super) position: u64,
    #[serde(borrow)]
    pub(super) leaf: Cow<'a, str>,
    pub(super) hash: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) disclosed: Option<Content<'a>>,
    /// Of a selection: from the leaf's sibling upwards, to the root of the checkpoint before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) proof: Option<Vec<Cow<'a, str>>>,
}

/// The content that the leaf commits to, and the key of the commitment.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content<'a> {
    #[serde(borrow)]
    pub(super) content: Cow<'a, str>,
    pub(super) key: Cow<'a, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) records: u64,
    pub(super) checkpoints: u64,
}
