//! How many threads compute on the CPU. That is fixed by the environment when a process first computes, so a process
//! that was started with another number starts itself again, before it has any thread. Knows no model.

use crate::config::Engine;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread::available_parallelism;

/// Starts this program again with the threads that `engine.threads` asks for; 0 means as many as this process may use
/// at a time, which in a container may be fewer than the machine has. Returns where the environment says it already.
///
/// # Errors
/// When this program's own file cannot be run.
pub fn take_threads(engine: &Engine) -> std::io::Result<()> {
    let wanted = match engine.threads {
        0 => available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let variables = engine::thread_variables(wanted);
    if variables.iter().any(|(name, _)| std::env::var_os(name).is_some()) {
        return Ok(());
    }
    let again = std::env::current_exe()?;
    Err(Command::new(again).args(std::env::args_os().skip(1)).envs(variables).exec())
}
