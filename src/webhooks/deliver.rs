//! The loop that sends: takes what waits with a lease, so that several processes share the work and a killed one loses
//! none; a bounded number at once, each with a deadline. Knows no event.

use crate::ports::ClaimedDelivery;
use crate::ports::StoreError;
use crate::webhooks::AnnouncingParts;
use crate::webhooks::SECRET;
use crate::webhooks::address;
use crate::webhooks::signature;
use futures::StreamExt;
use std::time::Duration;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// Messages are looked for this often.
const POLL: Duration = Duration::from_secs(1);
/// Longest wait between two attempts.
const MAX_WAIT: Duration = Duration::from_hours(1);
/// Messages that ended are shown for this long.
const KEPT: Duration = Duration::from_hours(24 * 7);
/// Those that ended longer ago are forgotten after this many looks.
const FORGET_EVERY: u32 = 3_600;

/// Sends until stopped.
pub(super) async fn deliver(parts: &AnnouncingParts, stop: &CancellationToken) {
    let mut looks: u32 = 0;
    loop {
        let sent = tokio::select! {
            () = stop.cancelled() => return,
            sent = send_waiting(parts) => sent,
        };
        looks = looks.wrapping_add(1);
        let forgotten = if looks % FORGET_EVERY == 1 { parts.deliveries.forget(KEPT).await } else { Ok(()) };
        let more = match sent.and_then(|more| forgotten.map(|()| more)) {
            Ok(more) => more,
            Err(error) => {
                tracing::error!(%error, "messages to webhooks could not be looked for");
                false
            }
        };
        if !more {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}

/// Sends as many as may be under way at once; says whether more may wait.
async fn send_waiting(parts: &AnnouncingParts) -> Result<bool, StoreError> {
    let most = parts.config.max_running;
    // The deadline, and time to write down what came of it.
    let lease = Duration::from_millis(parts.config.timeout_ms) + Duration::from_secs(30);
    let claimed = parts.deliveries.claim(lease, most).await?;
    let full = claimed.len() == most as usize;
    let sending = claimed.into_iter().map(|delivery| async move { send(parts, &delivery).await });
    let ends: Vec<_> = futures::stream::iter(sending).buffer_unordered(most as usize).collect().await;
    ends.into_iter().collect::<Result<(), StoreError>>()?;
    Ok(full)
}

/// One attempt, and what came of it.
async fn send(parts: &AnnouncingParts, delivery: &ClaimedDelivery) -> Result<(), StoreError> {
    let (status, error) = match attempt(parts, delivery).await {
        Ok(status) if (200..300).contains(&status) => {
            return parts.deliveries.delivered(delivery, status).await;
        }
        Ok(status) => (Some(status), format!("the receiver answered with status {status}")),
        Err(error) => (None, error),
    };
    let attempts = u32::try_from(delivery.attempt).unwrap_or(u32::MAX);
    let again = attempts < parts.config.max_attempts;
    let wait = wait(Duration::from_millis(parts.config.retry_ms), attempts, rand::random());
    let retry_at = again.then(|| OffsetDateTime::now_utc() + wait);
    if !again {
        tracing::warn!(delivery.id = %delivery.id, webhook.id = %delivery.webhook, error, "a message is given up");
    }
    parts.deliveries.failed(delivery, status, &error, retry_at).await
}

async fn attempt(parts: &AnnouncingParts, delivery: &ClaimedDelivery) -> Result<u16, String> {
    // Again: what was allowed when the webhook was made may not be any more.
    address::check(&delivery.url, &parts.config.allowed_hosts).map_err(|error| error.to_string())?;
    let (id, timestamp) = (delivery.id.to_string(), OffsetDateTime::now_utc().unix_timestamp());
    let secret = parts.vault.open(SECRET, &delivery.webhook.to_string(), &delivery.secret);
    let signature = secret.and_then(|secret| signature::sign(&secret, &id, timestamp, &delivery.payload));
    let signature = signature.ok_or("the secret cannot be opened with this master key")?;
    let headers =
        [("webhook-id", id), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)];
    parts.client.post(&delivery.url, headers, delivery.payload.clone()).await
}

/// Doubles with each attempt, up to an hour; a quarter more or less by chance, so that what failed together does not
/// come again together.
fn wait(first: Duration, attempts: u32, chance: f64) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
    doubled.min(MAX_WAIT).mul_f64(0.75 + chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_give_or_take_a_quarter() {
        let first = Duration::from_secs(4);

        assert_eq!(wait(first, 1, 0.5), Duration::from_secs(4));
        assert_eq!(wait(first, 3, 0.5), Duration::from_secs(16));
        assert_eq!(
            (wait(first, 1, 0.0), wait(first, 1, 1.0)),
            (Duration::from_secs(3), Duration::from_secs(5))
        );
        assert_eq!(wait(first, u32::MAX, 0.5), MAX_WAIT);
    }
}
