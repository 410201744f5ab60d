//! Query parameters and path segments as typed values; every fault is named at once. Knows no resource.

use crate::domain::Page;
use crate::http::error::AppError;
use crate::http::error::InputFault;
use axum::extract::FromRequestParts;
use axum::extract::Path;
use axum::extract::Query;
use axum::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

const DEFAULT_LIMIT: i64 = 50;
const MAX_LIMIT: i64 = 200;

/// The segments of the path, typed.
pub(super) struct Segments<T>(pub(super) T);

impl<T, S> FromRequestParts<S> for Segments<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let segments = Path::<T>::from_request_parts(parts, state).await;
        segments
            .map(|Path(segments)| Self(segments))
            .map_err(|rejection| AppError::invalid("malformed_path", rejection.body_text()))
    }
}

/// The query parameters that nobody has taken yet, and the faults of those taken.
pub(super) struct Params {
    values: BTreeMap<String, String>,
    faults: Vec<InputFault>,
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) =
            query.map_err(|rejection| AppError::invalid("malformed_query", rejection.body_text()))?;
        let mut params = Self { values: BTreeMap::new(), faults: Vec::new() };
        for (name, value) in pairs {
            if params.values.insert(name.clone(), value).is_some() {
                params.fault(&name, "is given twice");
            }
        }
        Ok(params)
    }
}

impl Params {
    /// Takes a parameter that may be left out or empty.
    pub(super) fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let value = self.values.remove(name).filter(|value| !value.is_empty())?;
        match value.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(name, &error.to_string());
                None
            }
        }
    }

    /// Takes a parameter and reads it with `read`, which says what is wrong.
    pub(super) fn read_with<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.values.remove(name).filter(|value| !value.is_empty())?;
        read(&value).map_err(|detail| self.fault(name, &detail)).ok()
    }

    /// Takes `limit`: 1 to 200, 50 when left out.
    pub(super) fn limit(&mut self) -> i64 {
        let limit = self.optional("limit").unwrap_or(DEFAULT_LIMIT);
        self.check("limit", (1..=MAX_LIMIT).contains(&limit), "is from 1 to 200");
        limit
    }

    /// Notes a fault unless it is fine.
    pub(super) fn check(&mut self, name: &str, fine: bool, wanted: &str) {
        if !fine {
            self.fault(name, wanted);
        }
    }

    /// Gives all faults, parameters that nobody took among them.
    pub(super) fn finish(mut self) -> Result<(), AppError> {
        let unknown: Vec<String> =
            self.values.keys().take(20).map(|name| name.chars().take(60).collect()).collect();
        for name in unknown {
            self.fault(&name, "is not a parameter of this request");
        }
        if self.faults.is_empty() { Ok(()) } else { Err(AppError::input(self.faults)) }
    }

    fn fault(&mut self, name: &str, detail: &str) {
        self.faults.push(InputFault { field: name.to_owned(), detail: detail.to_owned() });
    }
}

/// A list that fits on one page.
pub(super) fn whole<T: Serialize>(data: Vec<T>) -> Page<T> {
    Page { data, next_cursor: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    async fn params(query: &str) -> Params {
        let (mut parts, ()) = Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
        Params::from_request_parts(&mut parts, &()).await.unwrap()
    }

    #[tokio::test]
    async fn a_limit_left_out_is_50() {
        let mut params = params("").await;

        assert_eq!(params.limit(), 50);
        assert!(params.finish().is_ok());
    }

    #[tokio::test]
    async fn limits_out_of_range_unknown_and_doubled_parameters_are_named_at_once() {
        let mut params = params("limit=201&limt=5&cursor=a&cursor=b").await;

        params.limit();
        let _cursor: Option<String> = params.optional("cursor");
        let text = format!("{:?}", params.finish().unwrap_err());

        for part in ["is from 1 to 200", "limt", "is given twice"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
