//! Text and JSON on their way into and out of columns. Knows no table.

use crate::adapters::postgres::error::corrupt;
use crate::domain::AclFilter;
use crate::domain::CollectionId;
use crate::ports::StoreError;
use serde::Serialize;
use std::borrow::Cow;
use std::str::FromStr;
use uuid::Uuid;

/// Postgres keeps no U+0000 in text; U+FFFD takes its place, so that positions stay as they are.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// A title as it is kept: trimmed, none when nothing is left.
pub(super) fn storable_title(title: Option<&str>) -> Option<String> {
    title.map(str::trim).filter(|title| !title.is_empty()).map(|title| storable(title).into_owned())
}

/// JSON for a `json` column, bound as text so that it is kept as it was written.
pub(super) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| corrupt(format!("a value is no JSON: {error}")))
}

/// A name that a check constraint keeps to the ones we know.
pub(super) fn known<T: FromStr<Err = String>>(name: &str) -> Result<T, StoreError> {
    name.parse().map_err(corrupt)
}

/// An unsigned number for an `integer` column.
pub(super) fn int(number: u32) -> Result<i32, StoreError> {
    i32::try_from(number).map_err(|_| corrupt(format!("{number} does not fit into an integer")))
}

/// A number from an `integer` column that a check constraint keeps from being negative.
pub(super) fn unsigned(number: i32) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| corrupt(format!("{number} is negative")))
}

/// The collections of a filter, for `= any($n)`.
pub(super) fn readable(filter: &AclFilter) -> Vec<Uuid> {
    filter.collections().map(CollectionId::uuid).collect()
}
