//! Answers of a given form: which tokens may come next, by llguidance. Knows no logits but those it rules out.

use std::sync::Arc;
use std::sync::OnceLock;

use llguidance::Matcher;
use llguidance::ParserFactory;
use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::TokEnv;
use llguidance::toktrie::TokRxInfo;
use llguidance::toktrie::TokTrie;
use llguidance::toktrie::TokenId;
use llguidance::toktrie::TokenizerEnv;
use serde::Deserialize;
use serde::Serialize;

use crate::error::EngineError;
use crate::tokenizer::Tokenizer;

/// How long a grammar's own text may be, in bytes.
const MAX_GRAMMAR_BYTES: usize = 64 * 1024;

/// The form that an answer must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grammar {
    /// A JSON value of this schema (JSON Schema 2020-12, without references to other documents).
    JsonSchema(serde_json::Value),
    /// A text that this regular expression matches as a whole (Rust's syntax, without look-around).
    Regex(String),
    /// A text that this grammar derives from `start` (Lark's syntax, as llguidance documents it).
    Lark(String),
}

/// Compiles grammars for one vocabulary, whose table is made when the first one comes.
#[derive(Clone)]
pub(crate) struct Grammars {
    vocabulary: Vocabulary,
    factory: Arc<OnceLock<Result<ParserFactory, String>>>,
}

/// What the table is made of.
#[derive(Clone)]
struct Vocabulary {
    tokenizer: Tokenizer,
    /// Ids that end an answer; at least one.
    end: Arc<[u32]>,
}

/// The state of one answer.
pub(crate) struct Form {
    matcher: Matcher,
}

impl Grammars {
    /// `end` are the ids that end an answer.
    pub(crate) fn new(tokenizer: Tokenizer, end: &[u32]) -> Self {
        let vocabulary = Vocabulary { tokenizer, end: end.into() };
        Self { vocabulary, factory: Arc::default() }
    }

    /// Takes milliseconds; the first one of a vocabulary of 150,000 tokens a few hundred.
    ///
    /// # Errors
    /// `BadRequest` for a grammar that is too long, cannot be read, or is too costly to follow.
    pub(crate) fn compile(&self, grammar: &Grammar) -> Result<Form, EngineError> {
        let refuse = |why: &str| EngineError::BadRequest(format!("the grammar cannot be used: {why}"));
        let (bytes, grammar) = match grammar {
            Grammar::JsonSchema(schema) => {
                (schema.to_string().len(), TopLevelGrammar::from_json_schema(schema.clone()))
            }
            Grammar::Regex(regex) => (regex.len(), TopLevelGrammar::from_regex(regex)),
            Grammar::Lark(lark) => (lark.len(), TopLevelGrammar::from_lark(lark.clone())),
        };
        if bytes > MAX_GRAMMAR_BYTES {
            return Err(refuse(&format!("it has {bytes} bytes of {MAX_GRAMMAR_BYTES}")));
        }
        let factory =
            self.factory.get_or_init(|| factory(&self.vocabulary).map_err(|error| error.to_string()));
        let factory =
            factory.as_ref().map_err(|error| EngineError::Internal(format!("grammars: {error}")))?;
        let matcher = Matcher::new(factory.create_parser(grammar));
        match matcher.get_error() {
            Some(error) => Err(refuse(first_line(&error))),
            None => Ok(Form { matcher }),
        }
    }
}

impl Form {
    /// Rules out what may not come next: its logit becomes −∞.
    ///
    /// # Errors
    /// `BadRequest` when the grammar became too costly to follow.
    pub(crate) fn restrict(&mut self, logits: &mut [f32]) -> Result<(), EngineError> {
        let mask = self.matcher.compute_mask_or_eos().map_err(|error| refused(&error))?;
        for (id, logit) in logits.iter_mut().enumerate() {
            if !mask.get(id) {
                *logit = f32::NEG_INFINITY;
            }
        }
        Ok(())
    }

    /// Takes the token that was chosen; says whether nothing more can come.
    ///
    /// # Errors
    /// `BadRequest` when the grammar became too costly to follow.
    pub(crate) fn push(&mut self, token: u32) -> Result<bool, EngineError> {
        self.matcher.consume_token(token).map_err(|error| refused(&error))?;
        Ok(self.matcher.is_stopped())
    }
}

fn refused(error: &dyn std::fmt::Display) -> EngineError {
    EngineError::BadRequest(format!("the grammar cannot be followed: {}", first_line(&error.to_string())))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn factory(vocabulary: &Vocabulary) -> Result<ParserFactory, Box<dyn std::error::Error + Send + Sync>> {
    let environment: TokEnv = Arc::new(Environment::new(vocabulary));
    let mut factory = ParserFactory::new_simple(&environment)?;
    factory.quiet();
    factory.limits_mut().verbose_errors = false;
    Ok(factory)
}

/// The vocabulary as llguidance reads it.
struct Environment {
    trie: TokTrie,
    tokenizer: Tokenizer,
}

impl Environment {
    fn new(Vocabulary { tokenizer, end }: &Vocabulary) -> Self {
        let words: Vec<Vec<u8>> = (0..tokenizer.size() as u32).map(|id| word(tokenizer, id)).collect();
        let first = end.first().copied().unwrap_or_default();
        let trie = TokTrie::from(&TokRxInfo::new(words.len() as u32, first), &words);
        Self { trie: trie.with_eos_tokens(end), tokenizer: tokenizer.clone() }
    }
}

/// The bytes of a token; of a control token its name behind the byte that no text holds.
fn word(tokenizer: &Tokenizer, id: u32) -> Vec<u8> {
    match tokenizer.control(id) {
        Some(name) => [&[TokTrie::SPECIAL_TOKEN_MARKER], name.as_bytes()].concat(),
        None => tokenizer.bytes(id).unwrap_or_default().to_vec(),
    }
}

impl TokenizerEnv for Environment {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<TokenId> {
        self.trie
            .tokenize_with_greedy_fallback(bytes, |text| self.tokenizer.encode_text(text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tiny;

    fn grammars() -> Grammars {
        Grammars::new(tiny::tokenizer(), &[tiny::END, 261])
    }

    /// Whether a text is of the form, and whether it may end there.
    fn check(grammar: &Grammar, text: &str, expected: bool) {
        let mut form = grammars().compile(grammar).unwrap();
        for token in tiny::tokenizer().encode_text(text).unwrap() {
            if !allowed(&mut form, token) {
                assert!(!expected, "{text}");
                return;
            }
            form.push(token).unwrap();
        }
        assert_eq!(allowed(&mut form, tiny::END) && allowed(&mut form, 261), expected, "{text}");
    }

    fn allowed(form: &mut Form, token: u32) -> bool {
        let mut logits = vec![0.0; tiny::VOCABULARY];
        form.restrict(&mut logits).unwrap();
        logits[token as usize].is_finite()
    }

    #[test]
    fn an_answer_of_a_schema_is_json_of_that_schema() {
        let schema = Grammar::JsonSchema(json!({
            "$defs": {"yes": {"type": "boolean"}},
            "type": "object",
            "properties": {"fee": {"type": "string"}, "ok": {"$ref": "#/$defs/yes"}},
            "required": ["fee", "ok"],
            "additionalProperties": false,
        }));

        check(&schema, r#"{"fee":"差旅费","ok":true}"#, true);
        check(&schema, r#"{"fee": "3", "ok": false}"#, true);
        check(&schema, r#"{"fee":3,"ok":true}"#, false);
        check(&schema, r#"{"fee":"3"}"#, false);
        check(&schema, r#"{"fee":"3","ok":true} "x""#, false);
    }

    #[test]
    fn regular_expressions_and_grammars_are_followed() {
        check(&Grammar::Regex("(yes|no), [0-9]{1,3}".into()), "yes, 12", true);
        check(&Grammar::Regex("(yes|no), [0-9]{1,3}".into()), "yes, ", false);
        check(&Grammar::Lark("start: \"(\" start \")\" | \"费\"".into()), "((费))", true);
        check(&Grammar::Lark("start: \"(\" start \")\" | \"费\"".into()), "((费)", false);
    }

    #[test]
    fn control_tokens_are_never_text() {
        let mut form = grammars().compile(&Grammar::Regex("<think>.*".into())).unwrap();
        let think = tiny::tokenizer().special("<think>").unwrap();

        assert!(!allowed(&mut form, think));
        check(&Grammar::Regex("<think>.*".into()), "<think>a", true);
    }

    #[test]
    fn grammars_that_cannot_be_used_are_refused_with_a_reason() {
        let check = |grammar: &Grammar| match grammars().compile(grammar) {
            Err(EngineError::BadRequest(why)) => assert!(why.contains("grammar"), "{why}"),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("{grammar:?} was taken"),
        };

        check(&Grammar::Regex("(".into()));
        check(&Grammar::Lark("begin: \"a\"".into()));
        check(&Grammar::JsonSchema(json!({"type": "nothing"})));
        check(&Grammar::JsonSchema(json!({"$ref": "https://example.com/schema.json"})));
        check(&Grammar::Regex("a".repeat(MAX_GRAMMAR_BYTES + 1)));
    }
}
