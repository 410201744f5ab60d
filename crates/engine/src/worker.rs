//! The thread that owns the device: admits what waits, computes one step for all that run, gives each its next token, and
//! looks between two steps who still wants an answer. Knows no caller.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Instant;

use crate::decoder::Model;
use crate::decoder::Outcome;
use crate::decoder::Part;
use crate::decoder::Saved;
use crate::decoder::Wanted;
use crate::error::EngineError;
use crate::event::FinishReason;
use crate::job::Job;
use crate::job::Task;
use crate::load::Gauge;
use crate::pace::Pace;
use crate::queue::Queue;
use crate::running::Followed;
use crate::running::Language;
use crate::running::Running;
use crate::scheduler::Scheduler;
use crate::scheduler::Step;
use crate::scheduler::Swap;
use crate::sequence::Sequence;
use crate::sequence::SequenceId;
use crate::sequence::Terms;
use crate::vault::Stock;
use crate::vault::Vault;

/// All that the thread owns.
pub(crate) struct Worker {
    pub model: Box<dyn Model>,
    pub scheduler: Scheduler,
    pub max_sequences: usize,
    pub language: Language,
    pub queue: Arc<Queue<Job>>,
    /// How often everything was to be forgotten, and how often it was.
    pub epoch: Arc<AtomicU64>,
    pub forgotten: u64,
    /// Whoever is admitted, by the name of its sequence.
    pub running: HashMap<SequenceId, Running>,
    /// Keys and values of those that had to make room.
    pub swapped: HashMap<SequenceId, Saved>,
    /// What had to leave the cache.
    pub vault: Option<Arc<Vault>>,
    /// The next in turn, for which there is no room yet.
    pub next: Option<Box<Next>>,
    /// How many sequences were made: the name of the next.
    pub prepared: u64,
    pub pace: Pace,
    pub load: Gauge,
}

/// A job whose sequence waits for room.
pub(crate) struct Next {
    job: Job,
    sequence: Box<Sequence>,
}

impl Worker {
    /// Starts the thread.
    pub(crate) fn start(self) -> Result<JoinHandle<()>, EngineError> {
        let thread = std::thread::Builder::new().name("engine-decoder".into()).spawn(move || self.run());
        thread.map_err(|error| EngineError::Internal(format!("no thread: {error}")))
    }

    /// Serves until the queue is stopped.
    fn run(mut self) {
        loop {
            self.admit();
            if self.queue.tick() {
                return self.end_all();
            }
            self.let_go();
            self.show();
            if self.scheduler.is_idle() {
                continue;
            }
            let outcome = catch_unwind(AssertUnwindSafe(|| self.step()));
            let outcome = outcome.unwrap_or_else(|panic| Err(EngineError::Internal(message(&*panic))));
            if let Err(error) = outcome {
                self.fail_all(&error);
            }
            self.show();
        }
    }

    /// Takes in whoever there is room for; waits for somebody where nobody runs.
    fn admit(&mut self) {
        loop {
            let Some(next) = self.next.take().or_else(|| self.prepare()) else { return };
            if let Some(reason) = next.job.interruption() {
                let finish = next.job.unfinished(reason);
                next.job.end(finish);
                continue;
            }
            self.next = self.begin(*next);
            if self.next.is_some() {
                return;
            }
        }
    }

    /// The next in turn with its sequence; waits for it where nobody runs.
    fn prepare(&mut self) -> Option<Box<Next>> {
        loop {
            let job = if self.running.is_empty() {
                self.queue.pop()?
            } else {
                self.queue.try_pop(|_| self.running.len() < self.max_sequences)?
            };
            if matches!(job.task, Task::Forget) {
                self.forget_if_asked();
                continue;
            }
            let id = SequenceId(self.prepared);
            self.prepared += 1;
            let limit = job.prompt.len() + job.task.max_tokens();
            let terms = Terms { priority: job.priority, user: job.user, salt: job.salt, limit };
            let sequence = Box::new(Sequence::with_names(id, job.prompt.clone(), terms, job.names.clone()));
            return Some(Box::new(Next { job, sequence }));
        }
    }

    /// Lets a sequence run, or gives it back where there is no room for it yet.
    fn begin(&mut self, next: Next) -> Option<Box<Next>> {
        let Next { job, mut sequence } = next;
        let id = sequence.id();
        self.forget_if_asked();
        if job.epoch < self.forgotten {
            sequence.keep_to_itself();
        }
        match self.scheduler.admit(*sequence) {
            Ok(()) => {
                let recalled = self.recall(id);
                let cached_tokens = self.scheduler.sequence(id).map_or(0, Sequence::cached);
                self.running.insert(id, Running::begin(job, cached_tokens, &self.language));
                if let Err(error) = recalled {
                    self.fail_all(&error);
                }
                None
            }
            Err(sequence) => Some(Box::new(Next { job, sequence })),
        }
    }

    /// Ends whoever nobody waits for any more, or whose time is up.
    fn let_go(&mut self) {
        let over = self.running.iter().filter_map(|(id, running)| Some((*id, running.job().interruption()?)));
        for (id, reason) in over.collect::<Vec<_>>() {
            self.end(id, |running| running.end(reason));
        }
    }

    /// One step for all that run.
    fn step(&mut self) -> Result<(), EngineError> {
        for id in self.running.keys().copied().collect::<Vec<_>>() {
            self.recall(id)?;
        }
        let answers = self.running.values().any(Running::writes);
        let step = self.scheduler.plan(self.pace.budget(answers));
        self.spill()?;
        self.swap(&step)?;
        let began = Instant::now();
        let parts: Vec<Part<'_>> = step
            .spans
            .iter()
            .map(|span| {
                let sequence = self.scheduler.sequence(span.sequence).expect("the plan names those that run");
                let running = &self.running[&span.sequence];
                Part {
                    tokens: &sequence.tokens()[span.start..span.start + span.count],
                    position: span.start,
                    table: sequence.table(),
                    rope: running.rope(),
                    wanted: if span.samples { running.wanted(&self.language) } else { Wanted::Nothing },
                }
            })
            .collect();
        let outcomes = self.model.forward_to_sample(&parts)?;
        self.pace.took(step.tokens(), began.elapsed());
        self.scheduler.complete(&step);
        let sampling = step.spans.iter().filter(|span| span.samples);
        for (span, outcome) in sampling.zip(outcomes) {
            self.follow(span.sequence, outcome);
        }
        Ok(())
    }

    /// Copies what must make room out of the cache, then what comes back into it.
    fn swap(&mut self, step: &Step) -> Result<(), EngineError> {
        for Swap { sequence, blocks, .. } in &step.swap_out {
            self.swapped.insert(*sequence, self.model.save(blocks)?);
        }
        for Swap { sequence, first, blocks } in &step.swap_in {
            let saved = self.swapped.remove(sequence);
            let saved =
                saved.ok_or_else(|| EngineError::Internal("nothing was saved of a sequence".into()))?;
            self.model.restore(*first, blocks, &saved)?;
        }
        Ok(())
    }

    /// Brings back what the vault has of the prompt that a sequence reads, from where it is.
    fn recall(&mut self, id: SequenceId) -> Result<(), EngineError> {
        let Some(vault) = self.vault.clone() else { return Ok(()) };
        while let Some(label) = self.scheduler.next_shared(id) {
            let Some(kv) = vault.take(&label) else {
                // on disk, perhaps; what is read until the next step need not be computed
                vault.want(self.scheduler.sequence(id).map_or(&[], Sequence::names_ahead));
                break;
            };
            let Some(block) = self.scheduler.recall(id) else {
                vault.put(label, kv);
                break;
            };
            self.spill()?;
            self.model.restore(0, &[block], &kv)?;
        }
        Ok(())
    }

    /// Keeps what the last plan took places from, before they are written to.
    fn spill(&mut self) -> Result<(), EngineError> {
        let Some(vault) = &self.vault else { return Ok(()) };
        for (block, label) in self.scheduler.take_spilled() {
            vault.put(label, self.model.save(&[block])?);
        }
        Ok(())
    }

    fn show(&self) {
        let stock = self.vault.as_ref().map_or_else(Stock::default, |vault| vault.stock());
        self.load.show(&self.scheduler, stock);
    }

    /// Gives a sequence its next token, or its end.
    fn follow(&mut self, id: SequenceId, outcome: Outcome) {
        let Some(running) = self.running.get_mut(&id) else { return };
        match running.follow(outcome, &self.language) {
            Ok(Followed::By(token)) => self.scheduler.push(id, token),
            Ok(Followed::ByNothing(reason)) => self.end(id, |running| running.end(reason)),
            Err(error) => {
                tracing::error!(%error, "a request failed inside the engine");
                self.end(id, |running| running.fail(error));
            }
        }
    }

    /// Takes a sequence out and says what became of it.
    fn end(&mut self, id: SequenceId, say: impl FnOnce(Running)) {
        let sequence = self.scheduler.finish(id);
        self.swapped.remove(&id);
        if let Some(mut running) = self.running.remove(&id) {
            running.note_cached(sequence.map_or(0, |sequence| sequence.cached()));
            self.queue.served(running.elapsed());
            say(running);
        }
    }

    /// A step that failed costs all that ran in it, and what was kept of their prompts.
    fn fail_all(&mut self, error: &EngineError) {
        tracing::error!(%error, "a step failed inside the engine");
        for id in self.running.keys().copied().collect::<Vec<_>>() {
            self.end(id, |running| running.fail(error.clone()));
        }
        self.scheduler.forget();
    }

    /// The engine stops.
    fn end_all(&mut self) {
        for id in self.running.keys().copied().collect::<Vec<_>>() {
            self.end(id, |running| running.end(FinishReason::Cancelled));
        }
        if let Some(next) = self.next.take() {
            next.job.fail(EngineError::Stopped);
        }
    }

    fn forget_if_asked(&mut self) {
        let epoch = self.epoch.load(Ordering::Acquire);
        if self.forgotten < epoch {
            self.scheduler.forget();
            if let Some(vault) = &self.vault {
                vault.forget();
            }
            self.forgotten = epoch;
        }
    }
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("no message"))
}
