//! Follows the log from line to line. What it keeps is bounded: the roots of full subtrees (62 at most), intents that
//! are open, ids of recent records, and the auditor's own checkpoints. Knows no file.

use crate::export::examine::Examined;
use crate::export::examine::Seen;
use crate::export::examine::Shown;
use crate::export::examine::Start;
use crate::export::line::Scope;
use crate::export::pairs::Pairs;
use crate::export::report::Flaw;
use crate::export::report::Outcome;
use crate::export::report::Problem;
use crate::export::report::Report;
use crate::policy::Trusted;
use crate::tree::Frontier;
use crate::tree::TreeHead;
use crate::tree::check_inclusion;
use std::cmp::Ordering;
use std::collections::VecDeque;

/// After this long an intent without outcome is not one that is still at work.
const OVERDUE_US: i64 = 60 * 60 * 1_000_000;
/// Intents without outcome that a report lists.
const MAX_LISTED: usize = 100;

/// A checkpoint that the auditor has from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What it says.
    pub head: TreeHead,
    /// Where it is from, such as a file's name.
    pub source_name: String,
}

/// The state between two lines.
#[derive(Debug)]
pub struct Verifier {
    held: VecDeque<Held>,
    log: Option<Log>,
    report: Report,
}

/// What is known once the header was read.
#[derive(Debug)]
struct Log {
    scope: Scope,
    frontier: Frontier,
    pairs: Pairs,
    newest: Option<TreeHead>,
    last_at_us: i64,
}

impl Verifier {
    /// Begins; `held` are checkpoints of the auditor, checked already, in any order.
    pub fn new(mut held: Vec<Held>) -> Self {
        held.sort_by_key(|held| held.head.size);
        Self { held: held.into(), log: None, report: Report::default() }
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// When it does not follow from those before.
    pub fn take(&mut self, line: Examined) -> Result<(), Flaw> {
        let report = &mut self.report;
        if report.ended {
            return Err(Problem::AfterEnd.into());
        }
        match (line, self.log.as_mut()) {
            (Examined::Start(start), None) => {
                report.begin(&start);
                let log = self.log.insert(Log::new(start));
                while self.held.front().is_some_and(|held| held.head.size < log.frontier.size()) {
                    self.held.pop_front();
                    report.held_unused += 1;
                }
                log.compare(&mut self.held, report)?;
            }
            (Examined::Record(seen), Some(log)) => {
                log.record(&seen, report)?;
                log.compare(&mut self.held, report)?;
            }
            (Examined::Checkpoint(trusted), Some(log)) => log.checkpoint(&trusted, report)?,
            (Examined::End { records, checkpoints }, Some(_)) => {
                if (records, checkpoints) != (report.records, report.checkpoints) {
                    return Err(Problem::Count { records, checkpoints }.into());
                }
                report.ended = true;
            }
            (Examined::Start(_), Some(_)) | (_, None) => return Err(Problem::Header.into()),
        }
        report.lines += 1;
        Ok(())
    }

    /// Ends at the end of the file.
    pub fn finish(mut self) -> Outcome {
        self.note_open();
        let cut_off = self.held.front().zip(self.log.as_ref()).filter(|(_, log)| log.scope == Scope::Range);
        let flaw = cut_off.map(|(held, log)| {
            let (size, end) = (held.head.size, log.frontier.size());
            let problem = Problem::CutOff { size, end, source_name: held.source_name.clone() };
            Flaw { position: Some(end), event: None, problem }
        });
        let flaw = flaw.or_else(|| self.log.is_none().then(|| Problem::Header.into()));
        if flaw.is_none() {
            self.report.held_unused += self.held.len() as u64;
        }
        Outcome { report: self.report, flaw }
    }

    /// Ends at what does not hold.
    pub fn fail(mut self, flaw: Flaw) -> Outcome {
        self.note_open();
        Outcome { report: self.report, flaw: Some(flaw) }
    }

    fn note_open(&mut self) {
        let Some(log) = &self.log else { return };
        let mut open = log.pairs.open();
        self.report.intents = log.pairs.intents;
        self.report.outcomes = log.pairs.outcomes;
        self.report.earlier = log.pairs.earlier;
        self.report.open_count = open.len() as u64;
        let latest = self.report.times_us.map_or(0, |(_, latest)| latest);
        self.report.overdue = open.iter().filter(|open| latest - open.at_us > OVERDUE_US).count() as u64;
        open.truncate(MAX_LISTED);
        self.report.open = open;
    }
}

impl Log {
    fn new(start: Start) -> Self {
        let pairs = Pairs::new(start.frontier.size());
        Self { scope: start.scope, frontier: start.frontier, pairs, newest: None, last_at_us: i64::MIN }
    }

    fn record(&mut self, seen: &Seen, report: &mut Report) -> Result<(), Flaw> {
        let (position, event) = (seen.position, Some(seen.id));
        let flaw = |problem| Flaw { position: Some(position), event, problem };
        match self.scope {
            Scope::Range => {
                if seen.proof.is_some() {
                    return Err(flaw(Problem::Misplaced));
                }
                self.follow(seen)?;
            }
            Scope::Selection => {
                let (Some(head), Some(proof)) = (&self.newest, &seen.proof) else {
                    return Err(flaw(Problem::Unproved));
                };
                if position < report.next {
                    return Err(flaw(Problem::Order { expected: report.next }));
                }
                check_inclusion(&seen.hash, position, head, proof)
                    .map_err(|error| flaw(Problem::Proof(error)))?;
            }
        }
        let back = self.last_at_us.saturating_sub(seen.at_us);
        self.last_at_us = seen.at_us;
        report.count(seen, back);
        Ok(())
    }

    /// A record of a range: the next one, and in keeping with the rule of intents and outcomes.
    fn follow(&mut self, seen: &Seen) -> Result<(), Flaw> {
        let due = self.frontier.size();
        if seen.position > due {
            let problem = Problem::Missing { from: due, to: seen.position - 1 };
            return Err(Flaw { position: Some(due), event: None, problem });
        }
        let flaw = |problem| Flaw { position: Some(seen.position), event: Some(seen.id), problem };
        if seen.position < due {
            return Err(flaw(Problem::Order { expected: due }));
        }
        self.pairs
            .take(seen.id, seen.role, seen.reference, (seen.position, seen.at_us))
            .map_err(|unpaired| flaw(Problem::Unpaired(unpaired)))?;
        self.frontier.append(seen.hash, |_| ());
        Ok(())
    }

    fn checkpoint(&mut self, trusted: &Trusted, report: &mut Report) -> Result<(), Flaw> {
        if trusted.origin() != report.origin {
            return Err(Problem::Origin { origin: trusted.origin().to_owned() }.into());
        }
        let head = *trusted.head();
        match self.scope {
            Scope::Range => self.agree(&head, report)?,
            Scope::Selection if self.newest.is_some() => return Err(Problem::Misplaced.into()),
            Scope::Selection => {}
        }
        self.newest = Some(head);
        report.checkpoints += 1;
        report.signed = Some(head.size);
        if trusted.quorum() {
            report.witnessed = Some(head.size);
            report.cosigned = trusted.cosigned().to_vec();
        }
        Ok(())
    }

    /// A checkpoint within a range speaks of exactly the records before it.
    fn agree(&self, head: &TreeHead, report: &Report) -> Result<(), Flaw> {
        let here = self.frontier.head();
        let from = self.newest.map_or(report.first, |newest| newest.size);
        let seen_before =
            self.newest.is_some_and(|newest| head.size <= newest.size) || head.size < report.first;
        let problem = match head.size.cmp(&here.size) {
            Ordering::Equal if head.root == here.root => return Ok(()),
            Ordering::Equal if seen_before => Problem::Fork { size: head.size },
            Ordering::Equal if head.size == report.first => Problem::Frontier,
            Ordering::Less if seen_before => Problem::Old { size: head.size, after: here.size - 1 },
            Ordering::Greater => Problem::Short { from, have: here.size, size: head.size },
            Ordering::Equal | Ordering::Less => Problem::Root { from, to: here.size.saturating_sub(1) },
        };
        Err(Flaw { position: Some(from), event: None, problem })
    }

    /// Compares with what the auditor holds of this very size.
    fn compare(&self, held: &mut VecDeque<Held>, report: &mut Report) -> Result<(), Flaw> {
        if self.scope == Scope::Selection {
            return Ok(());
        }
        while let Some(next) = held.pop_front_if(|next| next.head.size == self.frontier.size()) {
            if next.head != self.frontier.head() {
                let position = self.newest.map_or(report.first, |newest| newest.size);
                let problem = Problem::Held { source_name: next.source_name };
                return Err(Flaw { position: Some(position), event: None, problem });
            }
            report.held += 1;
        }
        Ok(())
    }
}

impl Report {
    fn begin(&mut self, start: &Start) {
        self.origin.clone_from(&start.origin);
        self.scope = Some(start.scope);
        self.about.clone_from(&start.about);
        self.first = start.frontier.size();
        self.next = self.first;
    }

    fn count(&mut self, seen: &Seen, back_us: i64) {
        self.records += 1;
        self.next = seen.position + 1;
        match seen.content {
            Shown::Yes => self.disclosed += 1,
            Shown::No => self.undisclosed += 1,
            Shown::Nothing => {}
        }
        let (earliest, latest) = self.times_us.unwrap_or((seen.at_us, seen.at_us));
        self.times_us = Some((earliest.min(seen.at_us), latest.max(seen.at_us)));
        if back_us > self.back.map_or(0, |(_, most)| most) {
            self.back = Some((seen.position, back_us));
        }
    }
}
