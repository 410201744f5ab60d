//! What a person sees while files come in: bars on a terminal, a line now and then elsewhere. Knows no source.

use crate::adapters::models::error::human;
use indicatif::MultiProgress;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

const LINE_EVERY: Duration = Duration::from_secs(10);

/// Where progress is shown.
pub struct PullProgress {
    shown: Shown,
}

enum Shown {
    Bars(MultiProgress),
    Lines,
    Nowhere,
}

/// One file's way.
pub(super) struct Meter {
    label: String,
    total: Option<u64>,
    done: u64,
    shown: MeterShown,
}

enum MeterShown {
    Bar(ProgressBar),
    Lines { last: Instant },
    Nowhere,
}

impl PullProgress {
    /// Bars when stderr is a terminal, lines when it is not.
    pub fn on_stderr() -> Self {
        let bars = std::io::stderr().is_terminal();
        Self { shown: if bars { Shown::Bars(MultiProgress::new()) } else { Shown::Lines } }
    }

    /// Shows nothing.
    pub fn silent() -> Self {
        Self { shown: Shown::Nowhere }
    }

    /// Says a sentence.
    pub fn say(&self, line: &str) {
        match &self.shown {
            // indicatif fails only when the terminal is gone, and then nobody reads it
            Shown::Bars(bars) => drop(bars.println(line)),
            Shown::Lines => print(line),
            Shown::Nowhere => {}
        }
    }

    pub(super) fn meter(&self, label: &str, total: Option<u64>) -> Meter {
        let shown = match &self.shown {
            Shown::Bars(bars) => MeterShown::Bar(bars.add(bar(label, total))),
            Shown::Lines => {
                let size = total.map(|total| format!(" ({})", human(total))).unwrap_or_default();
                print(&format!("{label}{size}"));
                MeterShown::Lines { last: Instant::now() }
            }
            Shown::Nowhere => MeterShown::Nowhere,
        };
        Meter { label: label.to_owned(), total, done: 0, shown }
    }
}

impl Meter {
    /// So many bytes are done.
    pub(super) fn set(&mut self, done: u64) {
        self.done = done;
        match &mut self.shown {
            MeterShown::Bar(bar) => bar.set_position(done),
            MeterShown::Lines { last } if last.elapsed() >= LINE_EVERY => {
                *last = Instant::now();
                let of = self.total.map(|total| format!(" of {}", human(total))).unwrap_or_default();
                print(&format!("{}: {}{of}", self.label, human(done)));
            }
            MeterShown::Lines { .. } | MeterShown::Nowhere => {}
        }
    }

    /// So many bytes more are done.
    pub(super) fn add(&mut self, bytes: u64) {
        self.set(self.done + bytes);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let MeterShown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar(label: &str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => {
            (ProgressBar::new(total), "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}")
        }
        None => (ProgressBar::new_spinner(), "{msg} {spinner} {bytes}"),
    };
    let style =
        ProgressStyle::with_template(template).expect("the template is a constant").progress_chars("=> ");
    bar.with_style(style).with_message(label.to_owned())
}

fn print(line: &str) {
    // a closed stderr must not end a download
    let _ = writeln!(std::io::stderr(), "{line}");
}
