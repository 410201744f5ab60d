//! What a client still sends when its answer is ready is read and thrown away, within bounds: a connection that is
//! closed upon bytes that nobody read is reset, and the client sees a broken pipe in place of the reason why it was
//! refused. Knows no route.

use crate::http::State as Service;
use axum::body::Body;
use axum::body::BodyDataStream;
use axum::body::Bytes;
use axum::body::HttpBody;
use axum::extract::Request;
use axum::extract::State;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures::Stream;
use futures::StreamExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::oneshot;

/// For so long a client may go on sending what will not be used.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers, and reads what the handler left of the body. Who waits for leave to send it is not given that.
pub(super) async fn discard(State(state): State<Arc<Service>>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return next.run(request).await;
    }
    let (back, left) = oneshot::channel();
    let lend = |body: Body| Body::from_stream(Lent { body: Some(body.into_data_stream()), back: Some(back) });
    let response = next.run(request.map(lend)).await;
    let (stop, max_bytes) = (state.stop.clone(), state.config.http.max_upload_bytes);
    tokio::spawn(async move {
        let Ok(body) = left.await else { return };
        tokio::select! {
            () = read(body, max_bytes) => {}
            () = tokio::time::sleep(PATIENCE) => {}
            () = stop.cancelled() => {}
        }
    });
    response
}

async fn read(mut body: BodyDataStream, max_bytes: usize) {
    let mut bytes = 0;
    while bytes < max_bytes
        && let Some(Ok(chunk)) = body.next().await
    {
        bytes += chunk.len();
    }
}

/// A body that comes back when it is dropped before its end.
struct Lent {
    body: Option<BodyDataStream>,
    back: Option<oneshot::Sender<BodyDataStream>>,
}

impl Stream for Lent {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = body.poll_next_unpin(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            // Nobody takes it where the service is gone.
            let _ = back.send(body);
        }
    }
}
