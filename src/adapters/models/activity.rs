//! Whether somebody waits for an answer. On a CPU all models share the same cores: embedding passages makes room while a
//! question is being answered, for a while. Knows no model.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Work in bulk waits no longer than this for each batch, so that a service that is asked without pause still takes in
/// documents.
const LONGEST_COURTESY: Duration = Duration::from_secs(10);

/// How many answers are being written.
#[derive(Clone)]
pub(super) struct Activity {
    answers: Arc<watch::Sender<usize>>,
}

/// An answer that is being written, until it is dropped.
pub(super) struct Answering {
    answers: Arc<watch::Sender<usize>>,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self { answers: Arc::new(watch::Sender::new(0)) }
    }

    /// Notes that an answer is being written.
    pub(super) fn enter(&self) -> Answering {
        self.answers.send_modify(|answers| *answers += 1);
        Answering { answers: Arc::clone(&self.answers) }
    }

    /// Waits until nobody waits for an answer, but not for long.
    pub(super) async fn pause(&self) {
        self.pause_for(LONGEST_COURTESY).await;
    }

    async fn pause_for(&self, longest: Duration) {
        let mut answers = self.answers.subscribe();
        let quiet = answers.wait_for(|answers| *answers == 0);
        if tokio::time::timeout(longest, quiet).await.is_err() {
            tracing::debug!("passages are embedded beside a question");
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.answers.send_modify(|answers| *answers -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bulk_work_waits_for_the_last_answer() {
        let activity = Activity::new();
        activity.pause().await;
        let (first, second) = (activity.enter(), activity.enter());
        let waiting = tokio::spawn({
            let activity = activity.clone();
            async move { activity.pause_for(Duration::from_mins(1)).await }
        });
        drop(first);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!waiting.is_finished());

        drop(second);

        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn bulk_work_does_not_wait_for_ever() {
        let activity = Activity::new();
        let _endless = activity.enter();

        let paused = activity.pause_for(Duration::from_millis(10));

        tokio::time::timeout(Duration::from_secs(10), paused).await.unwrap();
    }
}
