//! Turns the tokens of one answer into `Thought` and `Text` events. Knows no sampling.

use crate::detokenize::Detokenizer;
use crate::detokenize::StopFilter;
use crate::event::Event;
use crate::thinking::Kind;
use crate::tokenizer::Tokenizer;

/// What an answer says so far.
pub(crate) struct Writer {
    thoughts: Voice,
    text: Voice,
    filter: StopFilter,
    stopped: bool,
}

/// One of the two things that an answer consists of.
#[derive(Default)]
struct Voice {
    detokenizer: Detokenizer,
    /// Since the last event.
    tokens: Vec<u32>,
    /// Whether lines that are empty are left out: those that follow a mark belong to it.
    skips_lines: bool,
}

impl Writer {
    /// An answer that ends before any of `stop`.
    pub(crate) fn new(stop: &[String]) -> Self {
        let (thoughts, text) = (Voice::default(), Voice::default());
        Self { thoughts, text, filter: StopFilter::new(stop.to_vec()), stopped: false }
    }

    /// Sends what a token makes certain; says whether a stop string came. Thoughts are not looked through for them.
    pub(crate) fn write(
        &mut self,
        tokenizer: &Tokenizer,
        (token, kind): (u32, Kind),
        mut send: impl FnMut(Event),
    ) -> bool {
        match kind {
            Kind::Mark => {
                self.thoughts.skips_lines = true;
                self.text.skips_lines = true;
            }
            Kind::Thought => {
                let text = self.thoughts.push(tokenizer, token);
                self.thoughts.say(text, |text, tokens| send(Event::Thought { text, tokens }));
            }
            Kind::Answer => {
                let text = self.text.push(tokenizer, token);
                let cleared = self.filter.push(&text);
                self.stopped = cleared.stopped;
                self.text.say(cleared.text, |text, tokens| send(Event::Text { text, tokens }));
            }
        }
        self.stopped
    }

    /// Sends what was held back, unless a stop string ended the text.
    pub(crate) fn finish(&mut self, mut send: impl FnMut(Event)) {
        let thought = self.thoughts.detokenizer.finish();
        self.thoughts.say(thought, |text, tokens| send(Event::Thought { text, tokens }));
        if self.stopped {
            return;
        }
        let rest = self.text.detokenizer.finish();
        let cleared = self.filter.push(&rest);
        let held = if cleared.stopped { String::new() } else { self.filter.finish() };
        self.text.say(cleared.text + &held, |text, tokens| send(Event::Text { text, tokens }));
    }
}

impl Voice {
    fn push(&mut self, tokenizer: &Tokenizer, token: u32) -> String {
        self.tokens.push(token);
        let text = self.detokenizer.push(tokenizer, token);
        if !self.skips_lines {
            return text;
        }
        let rest = text.trim_start_matches('\n').to_owned();
        self.skips_lines = rest.is_empty();
        rest
    }

    fn say(&mut self, text: String, send: impl FnOnce(String, Vec<u32>)) {
        if !text.is_empty() {
            send(text, std::mem::take(&mut self.tokens));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiny;

    #[test]
    fn thoughts_and_text_come_apart_without_the_empty_lines_between_them() {
        let tokenizer = tiny::tokenizer();
        let of = |text: &str, kind: Kind| {
            tokenizer.encode_text(text).unwrap().into_iter().map(move |token| (token, kind))
        };
        let tokens = [(0, Kind::Mark)]
            .into_iter()
            .chain(of("\nthe 费 STOP\n\n", Kind::Thought))
            .chain([(0, Kind::Mark)])
            .chain(of("\n\n费: 3\n\nSTOP more", Kind::Answer));
        let (mut thoughts, mut text) = (String::new(), String::new());
        let mut hear = |event| match event {
            Event::Thought { text: piece, .. } => thoughts += &piece,
            Event::Text { text: piece, .. } => text += &piece,
            Event::Queued { .. } | Event::Started { .. } | Event::Finished(_) | Event::Failed(_) => {}
        };

        let mut writer = Writer::new(&["STOP".into()]);
        for token in tokens {
            if writer.write(&tokenizer, token, &mut hear) {
                break;
            }
        }
        writer.finish(&mut hear);

        assert_eq!(thoughts, "the 费 STOP\n\n");
        assert_eq!(text, "费: 3\n\n");
    }
}
