//! Threads that compute together. A run needs none but the caller's thread: the others help as they come, so that a
//! worker that sleeps or was taken off its core delays nobody. Knows no matrix.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::thread::Thread;
use std::time::Duration;
use std::time::Instant;

/// As long as a thread waits awake: about as long as waking it takes. Other work wants the cores, too.
const AWAKE: Duration = Duration::from_micros(30);

/// Threads that wait for work.
#[derive(Debug)]
pub(crate) struct Team {
    board: Arc<Board>,
    workers: Vec<JoinHandle<()>>,
}

impl Team {
    /// A team of `threads`, of which one is the caller's; at least that one.
    pub(crate) fn new(threads: usize) -> Self {
        let board = Arc::new(Board::default());
        let spawn = |index| {
            let board = Arc::clone(&board);
            let named = std::thread::Builder::new().name(format!("team-{index}"));
            // without a worker the others do its work
            named.spawn(move || board.work()).ok()
        };
        let workers = (1..threads).filter_map(spawn).collect();
        Self { board, workers }
    }

    /// Threads that compute, the caller's among them.
    pub(crate) fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `task` for `0..tasks`, each index once, and returns when all are done. When tasks panic, the others are
    /// done all the same, and then the first panic goes on in the caller's thread. Calls may overlap and be nested.
    pub(crate) fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        let job = Job::new(tasks, task);
        if tasks > 1 && !self.workers.is_empty() {
            let job = Arc::new(job);
            self.board.post(&job);
            job.help();
            job.wait();
            job.pass_panic_on();
        } else {
            job.help();
            job.pass_panic_on();
        }
    }

    /// Runs `task` for each of `items`, which it gets for its own.
    pub(crate) fn each<T: Send>(&self, items: Vec<T>, task: impl Fn(T) + Sync) {
        let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
        self.run(items.len(), &|index| {
            if let Some(item) = lock(&items[index]).take() {
                task(item);
            }
        });
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.board.close();
        for worker in self.workers.drain(..) {
            // workers catch the panics of tasks
            let _ = worker.join();
        }
    }
}

/// Where the work hangs out.
#[derive(Debug, Default)]
struct Board {
    /// How often the notice changed: what threads that are awake look at.
    changes: AtomicU64,
    notice: Mutex<Notice>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Notice {
    job: Option<Arc<Job>>,
    sleepers: usize,
    closed: bool,
}

impl Board {
    fn post(&self, job: &Arc<Job>) {
        let mut notice = lock(&self.notice);
        notice.job = Some(Arc::clone(job));
        self.changes.fetch_add(1, Ordering::Release);
        let sleepers = notice.sleepers;
        drop(notice);
        // a waker is slow
        if sleepers > 0 {
            self.changed.notify_all();
        }
    }

    fn close(&self) {
        let mut notice = lock(&self.notice);
        notice.closed = true;
        self.changes.fetch_add(1, Ordering::Release);
        drop(notice);
        self.changed.notify_all();
    }

    /// The life of a worker.
    fn work(&self) {
        let mut seen = 0;
        while let Some(job) = self.next(&mut seen) {
            job.help();
        }
    }

    /// Waits until the notice is another than that of the change `seen`; none once the board is closed.
    fn next(&self, seen: &mut u64) -> Option<Arc<Job>> {
        await_awake(|| self.changes.load(Ordering::Acquire) != *seen);
        let mut notice = lock(&self.notice);
        loop {
            let changes = self.changes.load(Ordering::Acquire);
            if notice.closed {
                return None;
            }
            if changes != *seen {
                *seen = changes;
                return notice.job.clone();
            }
            notice.sleepers += 1;
            notice = self.changed.wait(notice).unwrap_or_else(PoisonError::into_inner);
            notice.sleepers -= 1;
        }
    }
}

/// A run. Threads may keep it after its end, and then find no index left.
struct Job {
    task: *const (dyn Fn(usize) + Sync),
    tasks: usize,
    next: AtomicUsize,
    unfinished: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    caller: Thread,
}

// SAFETY: the task is `Sync`, so that any thread may call it; the rest can be sent by itself.
unsafe impl Send for Job {}
// SAFETY: as above.
unsafe impl Sync for Job {}

impl std::fmt::Debug for Job {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Job").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

impl Job {
    /// Whoever makes one keeps `task` alive until `wait` or, alone, `help` came back.
    fn new(tasks: usize, task: &(dyn Fn(usize) + Sync)) -> Self {
        // SAFETY: only the lifetime changes; `help` says why the task lives when it is called.
        let task: &'static (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(task) };
        Self {
            task: std::ptr::from_ref(task),
            tasks,
            next: AtomicUsize::new(0),
            unfinished: AtomicUsize::new(tasks),
            panic: Mutex::new(None),
            caller: std::thread::current(),
        }
    }

    /// Runs tasks until none is left to begin.
    fn help(&self) {
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.tasks {
                return;
            }
            // SAFETY: the caller's thread stays in `run`, which borrows the task, until `unfinished` is 0, and that
            // it is not before this index is done.
            let task = unsafe { &*self.task };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| task(index))) {
                lock(&self.panic).get_or_insert(panic);
            }
            // the last one lets the caller's thread see what all wrote
            if self.unfinished.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.caller.unpark();
            }
        }
    }

    /// Waits until all tasks are done.
    fn wait(&self) {
        let done = || self.unfinished.load(Ordering::Acquire) == 0;
        await_awake(done);
        while !done() {
            std::thread::park();
        }
    }

    fn pass_panic_on(&self) {
        if let Some(panic) = lock(&self.panic).take() {
            resume_unwind(panic);
        }
    }
}

/// Looks for what is awaited for a little while.
fn await_awake(come: impl Fn() -> bool) {
    let since = Instant::now();
    while !come() {
        for _ in 0..16 {
            std::hint::spin_loop();
        }
        if since.elapsed() > AWAKE {
            return;
        }
    }
}

/// Nothing is left half done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
