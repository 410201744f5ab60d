//! Which tokens of an answer are thinking, and what ends thinking that takes too long. Knows no text and no logits.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::EngineError;
use crate::tokenizer::Tokenizer;

/// What Qwen3 was made to go on from when its thinking is cut short (Qwen3 Technical Report, arXiv 2505.09388, §4.3).
const ENDING: &str = "Considering the limited time by the user, I have to give the solution based on the thinking directly now.\n";

/// The control tokens around a model's thinking, and what ends it early.
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    begin: u32,
    end: u32,
    /// Said in the model's place, the end mark included.
    ending: Arc<[u32]>,
}

impl Marks {
    /// Those of a tokenizer; nothing where it has none.
    ///
    /// # Errors
    /// `Internal` when the tokenizer fails on a plain sentence.
    pub(crate) fn of(tokenizer: &Tokenizer) -> Result<Option<Self>, EngineError> {
        let (Some(begin), Some(end)) = (tokenizer.special("<think>"), tokenizer.special("</think>")) else {
            return Ok(None);
        };
        let mut ending = tokenizer.encode_text(&format!("\n\n{ENDING}"))?;
        ending.push(end);
        Ok(Some(Self { begin, end, ending: ending.into() }))
    }
}

/// What a token of an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Begins or ends thinking; no text.
    Mark,
    Thought,
    Answer,
}

/// The state of one answer.
pub(crate) struct Thinking {
    marks: Option<Marks>,
    thinks: bool,
    /// Tokens of thinking so far.
    tokens: usize,
    /// How many there may be.
    budget: usize,
    forced: VecDeque<u32>,
}

impl Thinking {
    /// An answer to `prompt`, which may have begun to think already, with at most `budget` tokens of thinking.
    pub(crate) fn new(marks: Option<Marks>, prompt: &[u32], budget: usize) -> Self {
        let last = |marks: &Marks| prompt.iter().rev().find(|id| [marks.begin, marks.end].contains(*id));
        let thinks = marks.as_ref().is_some_and(|marks| last(marks) == Some(&marks.begin));
        let mut thinking = Self { marks, thinks, tokens: 0, budget, forced: VecDeque::new() };
        thinking.bound();
        thinking
    }

    /// Whether the next token is part of the answer rather than of thinking.
    pub(crate) fn answers(&self) -> bool {
        !self.thinks && self.forced.is_empty()
    }

    /// What comes next whatever the model would choose, if the budget is spent.
    pub(crate) fn forced(&mut self) -> Option<u32> {
        self.forced.pop_front()
    }

    /// Takes the next token and says what it is.
    pub(crate) fn push(&mut self, token: u32) -> Kind {
        let Some(Marks { begin, end, .. }) = self.marks else { return Kind::Answer };
        let kind = match self.thinks {
            _ if token == begin || token == end => Kind::Mark,
            true => Kind::Thought,
            false => Kind::Answer,
        };
        self.thinks = token == begin || (self.thinks && token != end);
        self.tokens += usize::from(kind == Kind::Thought);
        self.bound();
        kind
    }

    /// How many tokens it thought.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }

    fn bound(&mut self) {
        if let Some(Marks { ending, .. }) = &self.marks
            && self.thinks
            && self.tokens >= self.budget
        {
            self.forced = ending.iter().copied().collect();
            // what is said in its place is not counted again
            self.budget = usize::MAX;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny;

    fn marks() -> Marks {
        Marks::of(&tiny::tokenizer()).unwrap().unwrap()
    }

    #[test]
    fn tokens_between_the_marks_are_thoughts() {
        let Marks { begin, end, .. } = marks();
        let mut thinking = Thinking::new(Some(marks()), &[1, 2], 100);

        let kinds: Vec<Kind> = [begin, 7, 8, end, 9].into_iter().map(|token| thinking.push(token)).collect();

        assert_eq!(kinds, [Kind::Mark, Kind::Thought, Kind::Thought, Kind::Mark, Kind::Answer]);
        assert_eq!((thinking.tokens(), thinking.forced()), (2, None));
    }

    #[test]
    fn a_prompt_may_end_while_thinking_or_after_it() {
        let Marks { begin, end, .. } = marks();
        let first = |prompt: &[u32]| Thinking::new(Some(marks()), prompt, 100).push(7);

        assert_eq!(first(&[1, begin]), Kind::Thought);
        assert_eq!(first(&[1, begin, 2, end, 3]), Kind::Answer);
        assert_eq!(Thinking::new(None, &[1, begin], 100).push(7), Kind::Answer);
    }

    #[test]
    fn a_budget_that_is_spent_ends_the_thinking_once() {
        let Marks { begin, ending, .. } = marks();
        let mut thinking = Thinking::new(Some(marks()), &[1], 2);
        for token in [begin, 7, 8] {
            assert_eq!(thinking.forced(), None);
            thinking.push(token);
        }

        let mut said = Vec::new();
        while let Some(token) = thinking.forced() {
            assert!(!thinking.answers());
            thinking.push(token);
            said.push(token);
        }

        assert_eq!(said, *ending);
        assert!(thinking.answers());
        assert_eq!(thinking.push(7), Kind::Answer);
    }

    #[test]
    fn no_budget_at_all_ends_thinking_before_it_begins() {
        let Marks { begin, ending, .. } = marks();

        assert_eq!(Thinking::new(Some(marks()), &[begin], 0).forced(), Some(ending[0]));
    }
}
