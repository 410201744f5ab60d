//! JSON bodies read field by field, so that every fault is named at once: unknown fields, missing ones, wrong types and
//! values out of range. Knows no resource.

use crate::config::Config;
use crate::domain::Fault;
use crate::http::State;
use crate::http::error::AppError;
use crate::http::error::InputFault;
use axum::body::Bytes;
use axum::extract::FromRequest;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A body of up to `http.max_body_bytes` must be here within this time.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// What a handler takes as its body.
pub(super) trait Input: Sized {
    /// Reads all fields and notes all faults; none when a needed field is not there.
    fn read(fields: &mut Fields, config: &Config) -> Option<Self>;
}

/// The body of a request, read and found without fault.
pub(super) struct Body<T>(pub(super) T);

impl<T: Input> FromRequest<Arc<State>> for Body<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, AppError> {
        let json = request.headers().get(header::CONTENT_TYPE).is_some_and(|kind| is_json(kind.as_bytes()));
        if !json {
            return Err(AppError::unsupported("send the body as `Content-Type: application/json`"));
        }
        let limit = state.config.http.max_body_bytes;
        let reading = tokio::time::timeout(BODY_DEADLINE, Bytes::from_request(request, state));
        let bytes = reading.await.map_err(|_| AppError::slow_body())?.map_err(|rejection| {
            if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
                AppError::new(Fault::TooLarge, "too_large", format!("the body is larger than {limit} bytes"))
            } else {
                AppError::invalid("broken_body", "the body broke off")
            }
        })?;
        parse(&bytes, &state.config).map(Self)
    }
}

/// The body of a request that may have none, which then says nothing.
pub(super) struct OptionalBody<T>(pub(super) Option<T>);

impl<T: Input> FromRequest<Arc<State>> for OptionalBody<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, AppError> {
        if !request.headers().contains_key(header::CONTENT_TYPE) {
            return Ok(Self(None));
        }
        Body::from_request(request, state).await.map(|Body(input)| Self(Some(input)))
    }
}

fn is_json(content_type: &[u8]) -> bool {
    let kind = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

fn parse<T: Input>(bytes: &[u8], config: &Config) -> Result<T, AppError> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| AppError::invalid("invalid_json", format!("the body is not JSON: {error}")))?;
    let Value::Object(values) = value else {
        return Err(AppError::invalid("invalid_json", "the body is not a JSON object"));
    };
    read(values, config)
}

/// Reads an input from the fields of a JSON object, or of a page's plain form.
pub(super) fn read<T: Input>(values: Map<String, Value>, config: &Config) -> Result<T, AppError> {
    let mut fields = Fields { values, faults: Vec::new() };
    let input = T::read(&mut fields, config);
    fields.finish(input)
}

/// The fields of a JSON object that nobody has taken yet, and the faults of those taken.
pub(super) struct Fields {
    values: Map<String, Value>,
    faults: Vec<InputFault>,
}

impl Fields {
    /// Takes a field that has to be there.
    pub(super) fn required<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let faults = self.faults.len();
        let value = self.optional(name);
        if value.is_none() && self.faults.len() == faults {
            self.fault(name, "is missing");
        }
        value
    }

    /// Takes a field that may be left out or null.
    pub(super) fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.values.remove(name).filter(|value| !value.is_null())?;
        match serde_json::from_value(value) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(name, &error.to_string());
                None
            }
        }
    }

    /// Takes a text that has to be there, without white space around it, of `min` to `max` characters.
    pub(super) fn text(&mut self, name: &str, min: usize, max: usize) -> Option<String> {
        let text: String = self.required(name)?;
        let text = text.trim().to_owned();
        let length = text.chars().count();
        let plain = !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        self.check(
            name,
            (min..=max).contains(&length),
            &format!("takes {min} to {max} characters, not {length}"),
        );
        self.check(name, plain, "takes no control characters");
        Some(text)
    }

    /// Takes a list that may be left out, of at most `max` entries.
    pub(super) fn list<T: DeserializeOwned>(&mut self, name: &str, max: usize) -> Vec<T> {
        let list: Vec<T> = self.optional(name).unwrap_or_default();
        self.check(name, list.len() <= max, &format!("takes at most {max} entries"));
        list
    }

    /// Takes a number that may be left out, if `fine` says so; `wanted` says what would be.
    pub(super) fn number<T: DeserializeOwned + Copy>(
        &mut self,
        name: &str,
        fine: impl Fn(T) -> bool,
        wanted: &str,
    ) -> Option<T> {
        let number: T = self.optional(name)?;
        self.check(name, fine(number), wanted);
        Some(number)
    }

    /// Takes a time of RFC 3339 in the past that may be left out.
    pub(super) fn time(&mut self, name: &str) -> Option<OffsetDateTime> {
        let text: String = self.optional(name)?;
        let time = OffsetDateTime::parse(&text, &Rfc3339).ok();
        let past =
            |at: &OffsetDateTime| *at <= OffsetDateTime::now_utc() && *at >= OffsetDateTime::UNIX_EPOCH;
        let time = time.filter(past);
        self.check(name, time.is_some(), "is a past time such as 2026-01-31T12:00:00Z");
        time
    }

    /// Notes a fault unless it is fine.
    pub(super) fn check(&mut self, name: &str, fine: bool, wanted: &str) {
        if !fine {
            self.fault(name, wanted);
        }
    }

    fn fault(&mut self, name: &str, detail: &str) {
        self.faults.push(InputFault { field: name.to_owned(), detail: detail.to_owned() });
    }

    fn finish<T>(mut self, input: Option<T>) -> Result<T, AppError> {
        let unknown: Vec<String> =
            self.values.keys().take(20).map(|name| name.chars().take(60).collect()).collect();
        for name in unknown {
            self.fault(&name, "is not a field of this request");
        }
        match input {
            Some(input) if self.faults.is_empty() => Ok(input),
            Some(_) | None => Err(AppError::input(self.faults)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug)]
    struct Order {
        name: String,
        count: Option<u32>,
    }

    impl Input for Order {
        fn read(fields: &mut Fields, _config: &Config) -> Option<Self> {
            let name = fields.text("name", 1, 5);
            let count = fields.number("count", |count: u32| count > 0, "is at least 1");
            Some(Self { name: name?, count })
        }
    }

    fn order(json: &str) -> Result<Order, AppError> {
        let config = Config::from_layers(None, &BTreeMap::new()).unwrap();
        parse(json.as_bytes(), &config)
    }

    #[test]
    fn a_body_without_fault_is_read() {
        let order = order(r#"{"name": " 合同 ", "count": 2}"#).unwrap();

        assert_eq!((order.name.as_str(), order.count), ("合同", Some(2)));
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let error = order(r#"{"nmae": "x", "count": 0, "extra": []}"#).unwrap_err();

        let text = format!("{error:?}");

        for part in ["is missing", "is at least 1", "\"nmae\"", "\"extra\"", "invalid_input"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn a_wrong_type_is_named_once() {
        let text = format!("{:?}", order(r#"{"name": 5}"#).unwrap_err());

        assert!(text.contains("expected a string") && !text.contains("is missing"), "{text}");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for json in ["", "{", "[]", "null", "\"x\"", "{\"name\": \"a\\u0000b\"}"] {
            assert!(order(json).is_err(), "{json}");
        }
        assert!(order(&"[".repeat(100_000)).is_err(), "deep nesting overflows no stack");
    }
}
