//! The model's text, cut into sentences as it comes. What comes out is a draft and no answer. Knows no passage.

use crate::answer::AnswerError;
use crate::answer::marks::without_marks;
use crate::answer::prompt::Prompt;
use crate::answer::sentences::Splitter;
use crate::domain::FinishReason;
use crate::domain::Sampling;
use crate::ports::Generation;
use crate::ports::GenerationEvent;
use crate::ports::Generator;
use crate::ports::ModelError;
use crate::ports::Turn;
use std::collections::VecDeque;
use std::time::Duration;

/// A sentence that nobody has checked; only [`Drafts`] makes one.
pub(super) struct Draft {
    text: String,
}

impl Draft {
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// What a running generation says, sentence by sentence.
pub(super) enum Piece {
    /// Requests before it.
    Waiting {
        position: usize,
        wait: Duration,
    },
    Started {
        prompt_tokens: u32,
        cached_tokens: u32,
    },
    /// Sampled since the last ones.
    Tokens(Vec<u32>),
    Sentence(Draft),
    Finished(Finish),
}

/// How a generation ended.
#[derive(Clone, Debug)]
pub(super) struct Finish {
    pub(super) reason: FinishReason,
    /// All of the answer.
    pub(super) tokens: Vec<u32>,
}

/// A running generation; dropping it cancels.
pub(super) struct Drafts {
    generation: Box<dyn Generation>,
    splitter: Splitter,
    /// Lines of the prompt around the sources.
    frame: Vec<String>,
    ready: VecDeque<Piece>,
}

/// Hands the prompt to the model.
///
/// # Errors
/// When the model's queue is full, or it has stopped.
pub(super) async fn generate(
    generator: &dyn Generator,
    prompt: &Prompt,
    sampling: Sampling,
    turn: Turn,
) -> Result<Drafts, AnswerError> {
    let generation = generator.generate(prompt.tokens().to_vec(), sampling, turn).await?;
    let frame = prompt.frame().to_vec();
    Ok(Drafts { generation, splitter: Splitter::default(), frame, ready: VecDeque::new() })
}

impl Drafts {
    /// The next piece; the last one is `Finished`.
    ///
    /// # Errors
    /// When the model fails, or goes silent before it has finished.
    pub(super) async fn next(&mut self) -> Result<Piece, AnswerError> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Ok(piece);
            }
            let silent =
                || GenerationEvent::Failed(ModelError::Failed("it ended without saying why".to_owned()));
            match self.generation.next().await.unwrap_or_else(silent) {
                GenerationEvent::Queued { position, wait } => return Ok(Piece::Waiting { position, wait }),
                GenerationEvent::Started { prompt_tokens, cached_tokens } => {
                    return Ok(Piece::Started { prompt_tokens, cached_tokens });
                }
                GenerationEvent::Text { text, tokens } => {
                    self.ready.push_back(Piece::Tokens(tokens));
                    let sentences = self.splitter.push(&text);
                    self.keep(sentences);
                }
                GenerationEvent::Finished { reason, tokens } => {
                    let rest = self.splitter.finish();
                    self.keep(rest);
                    self.ready.push_back(Piece::Finished(Finish { reason, tokens }));
                }
                GenerationEvent::Failed(error) => return Err(error.into()),
            }
        }
    }

    /// Marks, rules, fences of code (```` ```sh ````) and lines that only lay out the prompt are no sentences.
    fn keep(&mut self, sentences: Vec<String>) {
        let frame = &self.frame;
        let says_something = |text: &String| {
            let (words, _) = without_marks(text);
            let tag = |tag: &str| tag.chars().all(|c| c.is_ascii_alphanumeric() || "+-#_".contains(c));
            let fence = words.strip_prefix("```").is_some_and(tag);
            let inner = words.trim_matches(['[', ']', '=', ' ']);
            let framing = frame.iter().any(|line| line == &words || line.trim_matches(['=', ' ']) == inner);
            !fence && !framing && words.chars().any(char::is_alphanumeric)
        };
        let drafts = sentences.into_iter().filter(says_something).map(|text| Piece::Sentence(Draft { text }));
        self.ready.extend(drafts);
    }
}
