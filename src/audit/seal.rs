//! From an event to an entry: the leaf's fields, and content sealed beside it. Knows no store.

use crate::audit::AuditError;
use crate::audit::event::Actor;
use crate::audit::event::Event;
use crate::audit::event::ServiceFacts;
use crate::audit::marks::Marker;
use crate::config::Retention;
use crate::domain::BootId;
use crate::domain::EventId;
use crate::domain::RetentionClass;
use crate::ports::Change;
use crate::ports::LogEntry;
use crate::ports::Sealed;
use crate::ports::StoredEntry;
use crate::ports::Term;
use ledger::BlindingKey;
use ledger::MasterKey;
use ledger::Opened;
use ledger::RecordKey;
use ledger::SealedContent;
use ledger::Subject;
use serde_json::Value;
use serde_json::json;
use time::Date;
use time::Month;
use time::OffsetDateTime;
use time::UtcOffset;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// RFC 3339 in UTC with exactly six digits: what Postgres keeps.
const RECORDED_AT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

/// Makes entries for one run of the service.
pub(super) struct Sealer {
    master: MasterKey,
    boot: BootId,
    service: Value,
    retention: Retention,
    marker: Marker,
}

impl Sealer {
    pub(super) fn new(
        master_key: [u8; 32],
        boot: BootId,
        node: &str,
        service: ServiceFacts,
        retention: Retention,
    ) -> Self {
        let ServiceFacts { version, config_hash } = service;
        let service = json!({"version": version, "config_hash": config_hash, "node": node});
        let master = MasterKey::from_bytes(master_key);
        let marker = Marker::new(BlindingKey::of(&master));
        Self { master, boot, service, retention, marker }
    }

    pub(super) const fn boot(&self) -> BootId {
        self.boot
    }

    /// The words of a text that is looked for in content.
    pub(super) fn words(&self, text: &str) -> Vec<i64> {
        self.marker.words(text)
    }

    /// Builds leaf and sealed content; the actor's name goes with the content.
    pub(super) fn seal(&self, event: Event, change: Option<Change>) -> Result<LogEntry, AuditError> {
        let recorded_at = now();
        let term = self.term(event.kind, recorded_at);
        let marks = self.marker.marks(&event);
        let sealed = match sealed_part(event.actor.as_ref(), event.content.as_ref()) {
            Some(content) => Some(ledger::seal(&self.master, subject(event.id, event.kind), &content)?),
            None => None,
        };
        let actor = event.actor.as_ref();
        let leaf = ledger::canonical(&json!({
            "v": 1,
            "event_id": event.id,
            "kind": event.kind,
            "ref": event.reference,
            "recorded_at": written(recorded_at),
            "actor": actor.map(|actor| json!({
                "id": actor.user, "roles": actor.roles, "method": actor.method.as_str(),
                "credential": actor.method.credential(),
            })),
            "documents": event.documents,
            "outcome": event.outcome,
            "boot": self.boot,
            "service": self.service,
            "facts": event.facts,
            "content": sealed.as_ref().map(|sealed| json!({
                "commitment": hex::encode(sealed.commitment),
                "ciphertext_sha256": hex::encode(sealed.ciphertext_sha256),
            })),
            "retention": sealed.as_ref().map(|_| json!({
                "class": term.class.as_str(), "until": written(term.until), "binding": term.binding,
            })),
        }))?;
        Ok(LogEntry {
            event_id: event.id,
            kind: event.kind,
            reference: event.reference,
            recorded_at,
            actor: actor.map(|actor| actor.user),
            documents: event.documents,
            outcome: event.outcome,
            boot: self.boot,
            leaf_hash: ledger::leaf_hash(&leaf),
            leaf,
            sealed: sealed
                .map(|sealed| Sealed { wrapped_key: sealed.wrapped_key, ciphertext: sealed.ciphertext }),
            term,
            marks,
            change,
        })
    }

    fn term(&self, kind: &str, recorded_at: OffsetDateTime) -> Term {
        let class = RetentionClass::of(kind);
        let (months, binding) = match class {
            RetentionClass::Interactions => {
                (self.retention.interactions_months, self.retention.interactions_binding)
            }
            RetentionClass::Administration => {
                (self.retention.administration_months, self.retention.administration_binding)
            }
        };
        Term { class, until: months_later(recorded_at, months), binding }
    }

    /// Opens what was sealed and checks it against the leaf; none when it does not fit.
    pub(super) fn open(&self, stored: &StoredEntry, leaf: &Value, sealed: &Sealed) -> Option<Value> {
        serde_json::from_slice(&self.opened(stored, leaf, sealed)?.content).ok()
    }

    /// The same as it was sealed, with the key by which anybody can check it against the leaf.
    pub(super) fn disclose(&self, stored: &StoredEntry) -> Option<(String, RecordKey)> {
        let leaf: Value = serde_json::from_slice(&stored.leaf).ok()?;
        let Opened { content, key } = self.opened(stored, &leaf, stored.sealed.as_ref()?)?;
        Some((String::from_utf8(content).ok()?, key))
    }

    fn opened(&self, stored: &StoredEntry, leaf: &Value, sealed: &Sealed) -> Option<Opened> {
        let sealed = SealedContent {
            wrapped_key: sealed.wrapped_key.clone(),
            ciphertext: sealed.ciphertext.clone(),
            commitment: digest(&leaf["content"]["commitment"])?,
            ciphertext_sha256: digest(&leaf["content"]["ciphertext_sha256"])?,
        };
        let opened = ledger::open(&self.master, subject(stored.event_id, &stored.kind), &sealed);
        opened
            .inspect_err(|error| {
                tracing::error!(event.id = %stored.event_id, %error, "sealed content of an audit entry does not open");
            })
            .ok()
    }
}

/// The time as a leaf has it.
pub(super) fn written(at: OffsetDateTime) -> String {
    at.to_offset(UtcOffset::UTC).format(RECORDED_AT).expect("years of this era have four digits")
}

/// The same day and time so many months later, or the last day of a month that is too short.
fn months_later(at: OffsetDateTime, months: u16) -> OffsetDateTime {
    let months = i32::from(u8::from(at.month())) - 1 + i32::from(months);
    let year = at.year() + months / 12;
    let month = (0..months % 12).fold(Month::January, |month, _| month.next());
    let day = at.day().min(month.length(year));
    let date = Date::from_calendar_date(year, month, day).expect("a day of that month");
    at.replace_date(date)
}

/// To the microsecond, so that the leaf and a store's column hold the same instant.
fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_microsecond(now.microsecond()).expect("a microsecond of a time fits a time")
}

fn sealed_part(actor: Option<&Actor>, content: Option<&Value>) -> Option<Vec<u8>> {
    if actor.is_none() && content.is_none() {
        return None;
    }
    let part = json!({
        "actor_name": actor.map(|actor| &actor.name),
        "actor_address": actor.and_then(|actor| actor.address),
        "content": content,
    });
    Some(part.to_string().into_bytes())
}

fn subject(event: EventId, kind: &str) -> Subject<'_> {
    Subject { event_id: event.uuid().into_bytes(), kind }
}

fn digest(value: &Value) -> Option<[u8; 32]> {
    hex::decode(value.as_str()?).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AuthMethod;
    use crate::domain::SessionId;
    use crate::domain::UserId;
    use time::format_description::well_known::Rfc3339;
    use uuid::Uuid;

    const SESSION: Uuid = Uuid::from_u128(7);

    fn sealer() -> Sealer {
        let service = ServiceFacts { version: "1.2.3".into(), config_hash: "ab".into() };
        let retention = Retention {
            interactions_months: 24,
            interactions_binding: true,
            administration_months: 84,
            administration_binding: false,
            erase_with_documents: false,
            every_ms: 1,
        };
        Sealer::new([3; 32], BootId::new(), "here", service, retention)
    }

    fn event() -> Event {
        Event {
            id: EventId::new(),
            kind: "chat.intent",
            reference: None,
            actor: Some(Actor {
                user: UserId::new(),
                roles: vec!["viewer"],
                method: AuthMethod::Session(SessionId::from_uuid(SESSION)),
                address: Some("192.0.2.7".parse().unwrap()),
                name: "李雷".into(),
            }),
            documents: vec![],
            outcome: None,
            facts: json!({"characters": 7}),
            content: Some(json!({"question": "期限多长？"})),
        }
    }

    fn stored(entry: &LogEntry) -> StoredEntry {
        StoredEntry {
            leaf_index: 0,
            event_id: entry.event_id,
            kind: entry.kind.to_owned(),
            reference: entry.reference,
            recorded_at: entry.recorded_at,
            actor: entry.actor,
            documents: entry.documents.clone(),
            outcome: None,
            leaf: entry.leaf.clone(),
            leaf_hash: entry.leaf_hash.to_vec(),
            sealed: entry.sealed.clone(),
            erased_by: None,
            review: None,
        }
    }

    #[test]
    fn the_leaf_holds_facts_and_commitments_but_neither_content_nor_name() {
        let entry = sealer().seal(event(), None).unwrap();

        let text = String::from_utf8(entry.leaf.clone()).unwrap();
        let leaf: Value = serde_json::from_str(&text).unwrap();
        assert!(!text.contains("李雷") && !text.contains("期限") && !text.contains("192.0.2.7"));
        assert_eq!(leaf["v"], 1);
        assert_eq!(leaf["facts"]["characters"], 7);
        assert_eq!(leaf["actor"]["roles"], json!(["viewer"]));
        assert_eq!(
            (&leaf["actor"]["method"], &leaf["actor"]["credential"]),
            (&json!("session"), &json!(SESSION))
        );
        assert_eq!(leaf["service"], json!({"version": "1.2.3", "config_hash": "ab", "node": "here"}));
        assert_eq!(leaf["recorded_at"], written(entry.recorded_at));
        assert_eq!(leaf["recorded_at"].as_str().unwrap().len(), "2026-11-23T08:15:30.123456Z".len());
        assert_eq!(entry.leaf_hash, ledger::leaf_hash(&entry.leaf));
    }

    #[test]
    fn content_and_name_open_again_and_not_from_another_entry() {
        let sealer = sealer();
        let (first, second) = (sealer.seal(event(), None).unwrap(), sealer.seal(event(), None).unwrap());
        let leaf: Value = serde_json::from_slice(&first.leaf).unwrap();

        let opened = sealer.open(&stored(&first), &leaf, first.sealed.as_ref().unwrap());
        let swapped = sealer.open(&stored(&first), &leaf, second.sealed.as_ref().unwrap());

        let content = json!({"question": "期限多长？"});
        assert_eq!(
            opened,
            Some(json!({"actor_name": "李雷", "actor_address": "192.0.2.7", "content": content}))
        );
        assert_eq!(swapped, None);
    }

    #[test]
    fn an_event_of_the_service_without_content_seals_nothing() {
        let entry = sealer().seal(Event { actor: None, content: None, ..event() }, None).unwrap();

        assert_eq!(entry.sealed, None);
        assert!(String::from_utf8(entry.leaf).unwrap().contains(r#""content":null"#));
    }

    #[test]
    fn a_float_among_the_facts_is_an_error() {
        let outcome = sealer().seal(Event { facts: json!({"score": 0.5}), ..event() }, None);

        assert!(matches!(outcome, Err(AuditError::Leaf(ledger::LeafError::Float))));
    }

    #[test]
    fn the_leaf_says_how_long_the_content_is_kept() {
        let entry = sealer().seal(event(), None).unwrap();

        let leaf: Value = serde_json::from_slice(&entry.leaf).unwrap();
        assert_eq!(entry.term.until, months_later(entry.recorded_at, 24));
        let said = json!({"class": "interactions", "until": written(entry.term.until), "binding": true});
        assert_eq!(leaf["retention"], said);
    }

    #[test]
    fn months_later_is_the_same_day_or_the_last_of_a_shorter_month() {
        let at = |text: &str| OffsetDateTime::parse(text, &Rfc3339).unwrap();
        let check = |from: &str, months: u16, to: &str| assert_eq!(months_later(at(from), months), at(to));

        check("2026-11-28T07:00:00Z", 24, "2028-11-28T07:00:00Z");
        check("2026-08-31T23:59:59Z", 6, "2027-02-28T23:59:59Z");
        check("2027-08-31T00:00:00Z", 6, "2028-02-29T00:00:00Z");
        check("2026-12-01T00:00:00Z", 13, "2028-01-01T00:00:00Z");
    }
}
