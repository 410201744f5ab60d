//! A bar on standard error, when that is a terminal. Knows no record.

use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

const EVERY: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// How far a file was read.
pub(crate) struct Progress {
    bytes: Option<u64>,
    shown: Option<Instant>,
    silent: bool,
}

impl Progress {
    /// Of a file of this length, where it is known.
    pub(crate) fn new(bytes: Option<u64>, quiet: bool) -> Self {
        Self { bytes, shown: None, silent: quiet || !io::stderr().is_terminal() }
    }

    /// Shows how many bytes were read, ten times a second at most.
    pub(crate) fn show(&mut self, read: u64) {
        if self.silent || self.shown.is_some_and(|shown| shown.elapsed() < EVERY) {
            return;
        }
        self.shown = Some(Instant::now());
        // a bar that cannot be drawn is no reason to stop checking
        let _unseen = write!(io::stderr(), "\r{}", bar(read, self.bytes));
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        if self.shown.is_some() {
            let _unseen = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn bar(read: u64, bytes: Option<u64>) -> String {
    let megabytes = read / 1_000_000;
    let Some(bytes) = bytes.filter(|&bytes| bytes > 0) else {
        return format!("checking: {megabytes} MB");
    };
    let done = (read.min(bytes) * WIDTH / bytes) as usize;
    let (full, empty) = ("#".repeat(done), ".".repeat(WIDTH as usize - done));
    format!(
        "checking: [{full}{empty}] {:3} %, {megabytes} of {} MB",
        read.min(bytes) * 100 / bytes,
        bytes / 1_000_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_shows_how_far_it_is() {
        assert_eq!(bar(0, Some(2_000_000)), "checking: [..............................]   0 %, 0 of 2 MB");
        assert_eq!(
            bar(1_000_000, Some(2_000_000)),
            "checking: [###############...............]  50 %, 1 of 2 MB"
        );
        assert_eq!(bar(7_000_000, None), "checking: 7 MB");
        assert_eq!(bar(7, Some(0)), "checking: 0 MB");
    }
}
