//! Server-sent events: numbered frames, heart-beats, and headers that keep proxies from holding them back. Knows no
//! resource.

use crate::http::error::AppError;
use crate::http::error::Occasion;
use crate::http::observe::RequestId;
use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::response::sse::KeepAlive;
use futures::Stream;
use serde::Serialize;
use std::convert::Infallible;
use std::time::Duration;

impl<S: Send + Sync> FromRequestParts<S> for Occasion {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let request_id = parts.extensions.get::<RequestId>().cloned().unwrap_or_default();
        Ok(Self { request_id, path: parts.uri.path().to_owned() })
    }
}

/// Numbers events, from 1.
#[derive(Default)]
pub(super) struct Numbered(u64);

impl Numbered {
    /// The next event.
    pub(super) fn event(&mut self, name: &str, data: &impl Serialize) -> Event {
        self.0 += 1;
        let event = Event::default().id(self.0.to_string()).event(name);
        event.json_data(data).expect("our types are JSON")
    }

    /// The last event of a stream that ends badly.
    pub(super) fn error(&mut self, error: &AppError, occasion: &Occasion) -> Event {
        self.event("error", &error.problem(occasion))
    }
}

/// The response of a stream of events.
pub(super) fn respond(events: impl Stream<Item = Event> + Send + 'static, heartbeat: Duration) -> Response {
    use futures::StreamExt;
    let events = Sse::new(events.map(Ok::<_, Infallible>));
    let alive = KeepAlive::new().interval(heartbeat).text("alive");
    // nginx holds responses back unless told not to.
    ([(HeaderName::from_static("x-accel-buffering"), "no")], events.keep_alive(alive)).into_response()
}
