//! How many threads compute encoders on a CPU. rayon fixes the number once in a process, from the environment, when it is
//! first used. Knows no model.

/// The environment in which a process computes encoders with `count` threads on a CPU.
///
/// A process cannot safely change its own environment once it has threads, so a service that wants another number
/// than it was started with starts itself again with these variables, first thing in `main`. Without them there
/// is one thread for each core that the process may use.
pub fn thread_variables(count: usize) -> [(&'static str, String); 1] {
    ["RAYON_NUM_THREADS"].map(|name| (name, count.max(1).to_string()))
}
