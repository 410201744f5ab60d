//! Records as the service writes them: a question, two sentences and an outcome, again and again. The same number always
//! gives the same record.

use ledger::Purpose;
use ledger::RecordKey;
use ledger::SignerKey;
use ledger::record;
use serde_json::Value;
use serde_json::json;

pub(crate) const ORIGIN: &str = "docent.example/audit";
const BEGIN_US: i64 = 1_795_421_730_000_000;
const MILLISECOND_US: i64 = 1_000;

/// The log's key.
pub(crate) fn signer() -> SignerKey {
    SignerKey::from_seed(ORIGIN, Purpose::Log, &[7; 32]).expect("the origin is a name")
}

/// The id of a record.
pub(crate) fn id(number: u64) -> String {
    record::written_id((0x0190_a1b2_c3d4_7000_8000_0000_0000_0000_u128 + u128::from(number)).to_be_bytes())
}

/// What was sealed with a record, and its key: a question's and an outcome's text.
pub(crate) fn content(number: u64) -> Option<(String, RecordKey)> {
    let text =
        json!({"actor_name": "李雷", "content": {"text": format!("Wann endet der Vertrag {number}?")}});
    let key = RecordKey::from_bytes(std::array::from_fn(|at| (number >> (8 * (at % 8))) as u8 ^ at as u8));
    matches!(number % 4, 0 | 3).then(|| (text.to_string(), key))
}

/// A record's leaf.
pub(crate) fn leaf(number: u64) -> Vec<u8> {
    let question = number - number % 4;
    let (kind, reference, outcome) = match number % 4 {
        0 => ("chat.intent", None, None),
        1 | 2 => ("chat.sentence", Some(id(question)), None),
        _ => ("chat.completed", Some(id(question)), Some("answered")),
    };
    ledger::canonical(&fields(number, kind, reference.as_deref(), outcome)).expect("it is a leaf")
}

/// A record's fields.
pub(crate) fn fields(number: u64, kind: &str, reference: Option<&str>, outcome: Option<&str>) -> Value {
    let sealed = content(number).map(|(text, key)| {
        json!({"commitment": hex::encode(key.commit(text.as_bytes())), "ciphertext_sha256": "cd".repeat(32)})
    });
    json!({
        "v": 1,
        "event_id": id(number),
        "kind": kind,
        "ref": reference,
        "recorded_at": record::written_time(BEGIN_US + MILLISECOND_US * number as i64),
        "actor": {"id": id(1 << 40), "roles": ["viewer", "contributor"], "method": "session"},
        "documents": [id((1 << 41) + number % 100), id((1 << 42) + number % 7)],
        "outcome": outcome,
        "boot": id(1 << 43),
        "service": {"version": "0.1.0", "config_hash": "ab".repeat(32), "node": "node-1"},
        "facts": {
            "model": "qwen3-32b",
            "prompt_tokens": 4_096 + number % 512,
            "completion_tokens": number % 300,
            "verdict": "supported",
            "quotes": [{"passage": id(number % 1_000), "span": [number % 97, 97 + number % 300]}],
        },
        "content": sealed,
    })
}
