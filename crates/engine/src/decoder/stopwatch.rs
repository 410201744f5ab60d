//! The speed of a decoder alone, without scheduler, sampler and text, for `examples/gpu_bench.rs`.

use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use super::LoadFormat;
use super::LoadOptions;
use super::Model;
use super::Part;
use super::RopeProfile;
use super::Wanted;
use crate::blocks::BLOCK_TOKENS;
use crate::blocks::BlockId;
use crate::device::DeviceChoice;
use crate::error::EngineError;

/// A loaded decoder that computes whatever tokens.
pub struct Stopwatch {
    model: Box<dyn Model>,
    step_tokens: usize,
    vocabulary: u32,
}

impl Stopwatch {
    /// Loads a model with room for `kv_tokens`.
    ///
    /// # Errors
    /// `Device` when the device is not there, `Model` for everything about the files.
    pub fn load(
        model: &Path,
        format: LoadFormat,
        device: DeviceChoice,
        kv_tokens: usize,
    ) -> Result<Self, EngineError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let model = super::load(&LoadOptions { model, format, device, kv_tokens, threads })?;
        let vocabulary = model.about().vocabulary as u32;
        Ok(Self { model, step_tokens: device.step_tokens(), vocabulary })
    }

    /// How long it takes to read a prompt, up to the logits of its last token.
    ///
    /// # Errors
    /// `TooLong` when there is no room for it, `Internal` when computing fails.
    pub fn prompt(&mut self, tokens: usize) -> Result<Duration, EngineError> {
        let (prompt, table) = (self.tokens(tokens), self.table(0, tokens)?);
        let rope = self.rope(tokens)?;
        let started = Instant::now();
        let mut position = 0;
        for step in prompt.chunks(self.step_tokens) {
            let last = position + step.len() == tokens;
            let wanted = if last { Wanted::Logits } else { Wanted::Nothing };
            self.model.forward(&[Part { tokens: step, position, table: &table, rope, wanted }])?;
            position += step.len();
        }
        Ok(started.elapsed())
    }

    /// How long `steps` steps take that each write a token for `sequences` sequences, which have `context` tokens at first.
    /// What those tokens are does not matter to the time, so they are not computed.
    ///
    /// # Errors
    /// As for [`Stopwatch::prompt`].
    pub fn answers(
        &mut self,
        sequences: usize,
        context: usize,
        steps: usize,
    ) -> Result<Duration, EngineError> {
        let longest = context + steps + 2;
        let rope = self.rope(longest)?;
        let each = longest.div_ceil(BLOCK_TOKENS);
        let tables = (0..sequences).map(|index| self.table(index * each, longest));
        let tables = tables.collect::<Result<Vec<_>, _>>()?;
        let (tokens, below) = (self.tokens(sequences), self.vocabulary as usize);
        let mut step = |position: usize| {
            let parts = tokens.iter().zip(&tables).map(|(token, table)| Part {
                tokens: std::slice::from_ref(token),
                position,
                table,
                rope,
                wanted: Wanted::Likeliest { below },
            });
            let parts: Vec<Part<'_>> = parts.collect();
            self.model.forward_to_sample(&parts).map(|_| ())
        };
        // the first is slower where a graph is captured
        step(context)?;
        step(context + 1)?;
        let started = Instant::now();
        (context + 2..longest).try_for_each(&mut step)?;
        Ok(started.elapsed())
    }

    fn rope(&self, tokens: usize) -> Result<RopeProfile, EngineError> {
        let limit = self.model.about().longest();
        let too_long = EngineError::TooLong { prompt_tokens: tokens, max_tokens: 0, limit };
        self.model.about().rope_of(tokens).ok_or(too_long)
    }

    fn tokens(&self, count: usize) -> Vec<u32> {
        (0..count as u32).map(|index| index.wrapping_mul(7919) % self.vocabulary).collect()
    }

    fn table(&self, first: usize, tokens: usize) -> Result<Vec<BlockId>, EngineError> {
        let end = first + tokens.div_ceil(BLOCK_TOKENS);
        if end > self.model.blocks() {
            let limit = self.model.blocks() * BLOCK_TOKENS;
            return Err(EngineError::TooLong { prompt_tokens: end * BLOCK_TOKENS, max_tokens: 0, limit });
        }
        Ok((first..end).map(BlockId::at).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny;

    #[test]
    fn prompts_and_answers_are_timed_as_far_as_there_is_room() {
        let directory = tiny::model("qwen3");
        let load = |format| Stopwatch::load(directory.path(), format, DeviceChoice::Cpu, 512);
        let mut stopwatch = load(LoadFormat::Dummy).unwrap();

        assert!(stopwatch.prompt(300).unwrap() > Duration::ZERO);
        assert!(stopwatch.answers(3, 100, 4).unwrap() > Duration::ZERO);
        assert!(matches!(stopwatch.prompt(600), Err(EngineError::TooLong { .. })));
        assert!(matches!(stopwatch.answers(5, 100, 4), Err(EngineError::TooLong { .. })));
    }
}
