//! How many threads compute on a CPU. candle fixes the number once in a process, from the environment, when it is
//! first used. Knows no model.

/// The environment in which a process computes with `count` threads on a CPU.
///
/// A process cannot safely change its own environment once it has threads, so a service that wants another number
/// than it was started with starts itself again with these variables, first thing in `main`. Without them there
/// is one thread for each physical core of the machine, whatever share of it a container was given.
pub fn thread_variables(count: usize) -> [(&'static str, String); 2] {
    ["CANDLE_NUM_THREADS", "RAYON_NUM_THREADS"].map(|name| (name, count.max(1).to_string()))
}

/// Says in the log when the number of threads is not what was asked for, or more than this process may use at a
/// time: threads that wait for each other by spinning are then many times slower.
pub(crate) fn check(wanted: Option<usize>) {
    let in_use = candle_core::utils::barrier_pool().n_workers() + 1;
    let allowed = std::thread::available_parallelism().map_or(in_use, usize::from);
    let right = wanted.unwrap_or_else(|| in_use.min(allowed));
    if right == in_use {
        tracing::info!(threads = in_use, "threads for models on the CPU");
    } else {
        let variables = thread_variables(right).map(|(name, value)| format!("{name}={value}")).join(" ");
        tracing::warn!(
            threads = in_use,
            wanted = right,
            "the number of threads for models on the CPU is fixed when the process starts: set {variables}"
        );
    }
}
