//! What an entry of a question is found by: the words of question and answer, blinded under a key, and tags of what its leaf
//! says. Knows no store.

use crate::audit::event::Event;
use crate::domain::AuthMethod;
use crate::domain::content_terms;
use crate::ports::Marks;
use ledger::BlindingKey;
use serde_json::Value;
use std::collections::BTreeSet;

/// Words of one entry; what a person writes or reads has fewer.
const MAX_WORDS: usize = 4_000;
/// Tags of one entry.
const MAX_TAGS: usize = 500;

/// Marks of entries; words are blinded, so that who reads the database reads no question.
pub(super) struct Marker {
    key: BlindingKey,
}

impl Marker {
    pub(super) const fn new(key: BlindingKey) -> Self {
        Self { key }
    }

    /// The words of a question, a search or an outcome, what an outcome says, and the key that anything was done with; none for
    /// what has nothing of it.
    pub(super) fn marks(&self, event: &Event) -> Option<Marks> {
        let mut marks = Marks::default();
        if event.kind.starts_with("chat.") || event.kind.starts_with("search.") {
            marks.words = self.words_of(event.content.as_ref());
            marks.tags = tags_of(&event.facts);
        }
        // these are found by the question that they are parts of
        let part = matches!(event.kind, "chat.sources" | "chat.sentence");
        if let (false, Some(AuthMethod::ApiKey(key))) = (part, event.actor.as_ref().map(|actor| actor.method))
        {
            marks.tags.push(format!("key:{key}"));
        }
        (marks != Marks::default()).then_some(marks)
    }

    /// The words of a text that is looked for.
    pub(super) fn words(&self, text: &str) -> Vec<i64> {
        let words: BTreeSet<i64> = content_terms(text).iter().map(|word| self.key.blind(word)).collect();
        words.into_iter().take(MAX_WORDS).collect()
    }

    fn words_of(&self, content: Option<&Value>) -> Vec<i64> {
        let mut text = String::new();
        let mut add = |value: &Value| {
            if let Some(words) = value.as_str() {
                text.push_str(words);
                text.push('\n');
            }
        };
        if let Some(content) = content {
            for field in ["question", "answer"] {
                add(&content[field]);
            }
            for field in ["sentences", "withheld", "repeated"] {
                content[field].as_array().into_iter().flatten().for_each(&mut add);
            }
        }
        self.words(&text)
    }
}

/// `model:…`, `verdict:…`, `collection:…`, `version:DOCUMENT:N` and `flag:…` of what an outcome says.
fn tags_of(facts: &Value) -> Vec<String> {
    let mut tags = BTreeSet::new();
    let words = |value: &Value| -> Vec<String> {
        let words = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        words.map(str::to_owned).collect()
    };
    tags.extend(facts["gen_ai.response.model"].as_str().map(|model| format!("model:{model}")));
    tags.extend(words(&facts["verdicts"]).into_iter().map(|verdict| format!("verdict:{verdict}")));
    for shown in facts["shown"].as_array().into_iter().flatten() {
        let (collection, document) = (shown["collection"].as_str(), shown["document"].as_str());
        tags.extend(collection.map(|id| format!("collection:{id}")));
        tags.extend(
            document.zip(shown["version"].as_i64()).map(|(id, version)| format!("version:{id}:{version}")),
        );
    }
    for (flag, raised) in [
        ("withheld", facts["withheld_sentences"].as_u64().is_some_and(|held| held > 0)),
        ("not_confirmed", facts["retrieval"]["not_confirmed"].as_u64().is_some_and(|hits| hits > 0)),
        (
            "cut_short",
            words(&facts["gen_ai.response.finish_reasons"]).iter().any(|reason| reason == "length"),
        ),
        ("not_verified", facts["ending"]["reason"] == "not_verified"),
    ] {
        if raised {
            tags.insert(format!("flag:{flag}"));
        }
    }
    tags.into_iter().take(MAX_TAGS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::event::Actor;
    use crate::domain::ApiKeyId;
    use crate::domain::EventId;
    use crate::domain::SessionId;
    use crate::domain::UserId;
    use ledger::MasterKey;
    use serde_json::json;

    fn event(kind: &'static str, facts: Value, content: Option<Value>) -> Event {
        let documents = Vec::new();
        Event {
            id: EventId::new(),
            kind,
            reference: None,
            actor: None,
            documents,
            outcome: None,
            facts,
            content,
        }
    }

    fn by(method: AuthMethod) -> Actor {
        Actor { user: UserId::new(), roles: Vec::new(), method, address: None, name: String::new() }
    }

    fn marker(key: u8) -> Marker {
        Marker::new(BlindingKey::of(&MasterKey::from_bytes([key; 32])))
    }

    #[test]
    fn chinese_and_english_words_are_found_by_any_of_them() {
        let content = json!({"question": "租金是多少？", "answer": "The monthly rent is 5,000 yuan."});
        let marks = marker(1).marks(&event("chat.completed", json!({}), Some(content))).unwrap();

        for looked_for in ["租金", "rent", "monthly RENT", "rents"] {
            let words = marker(1).words(looked_for);
            assert!(!words.is_empty() && words.iter().all(|word| marks.words.contains(word)), "{looked_for}");
        }
        for other in ["deposit", "押金"] {
            let words = marker(1).words(other);
            assert!(!words.iter().all(|word| marks.words.contains(word)), "{other}");
        }
        assert_ne!(marker(1).words("rent"), marker(2).words("rent"));
    }

    #[test]
    fn a_leaf_is_found_by_what_it_says() {
        let facts = json!({
            "gen_ai.response.model": "qwen3-32b", "verdicts": ["quoted", "unsupported", "quoted"],
            "shown": [{"collection": "c1", "document": "d1", "version": 2}],
            "withheld_sentences": 1, "retrieval": {"not_confirmed": 0}, "gen_ai.response.finish_reasons": ["length"],
        });

        let key = ApiKeyId::new();
        let asked =
            Event { actor: Some(by(AuthMethod::ApiKey(key))), ..event("chat.completed", facts, None) };

        let mut tags = marker(1).marks(&asked).unwrap().tags;

        assert_eq!(tags.pop(), Some(format!("key:{key}")));

        assert_eq!(
            tags,
            [
                "collection:c1",
                "flag:cut_short",
                "flag:withheld",
                "model:qwen3-32b",
                "verdict:quoted",
                "verdict:unsupported",
                "version:d1:2"
            ]
        );
    }

    #[test]
    fn what_belongs_to_no_question_has_no_words_and_is_found_by_its_key() {
        let act = |method| Event {
            actor: Some(by(method)),
            ..event("user.create", json!({}), Some(json!({"question": "x"})))
        };
        let key = ApiKeyId::new();
        let sentence = Event {
            reference: Some(EventId::new()),
            ..Event { kind: "chat.sentence", content: None, ..act(AuthMethod::ApiKey(key)) }
        };

        let by_key = marker(1).marks(&act(AuthMethod::ApiKey(key))).unwrap();

        assert_eq!((by_key.words, by_key.tags), (Vec::new(), vec![format!("key:{key}")]));
        assert_eq!(marker(1).marks(&act(AuthMethod::Session(SessionId::new()))), None);
        assert_eq!(marker(1).marks(&event("chat.sources", json!({}), None)), None);
        assert_eq!(marker(1).marks(&sentence), None);
    }
}
