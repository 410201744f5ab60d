//! A question as its records tell it: what was asked, what was sent with which citations, how long each stage took, which
//! passages were found, kept or left out and why, and the exact prompt. Knows no handler.

use crate::audit::Entry;
use maud::Markup;
use maud::html;
use serde_json::Value;
use serde_json::json;

/// Where content would stand.
const GONE: &str = "(erased, or not opened)";

/// What was asked and what came of it.
pub(super) fn question(intent: &Entry) -> Markup {
    let name = intent.content.as_ref().and_then(|content| content["actor_name"].as_str());
    let outcome = outcome_of(intent);
    html! {
        div.panel {
            dl.facts {
                dt { "Asked by" } dd { (name.unwrap_or(GONE)) }
                dt { "Asked with" } dd { (asked_with(intent)) }
                dt { "Asked at" } dd { (intent.leaf["recorded_at"].as_str().unwrap_or_default()) }
                dt { "Outcome" }
                dd { (outcome.and_then(|outcome| outcome.outcome.as_deref()).map_or("none yet".to_owned(), |text| text.replace('_', " "))) }
            }
            @match words(intent, "question") {
                Some(question) => blockquote { strong { (question) } },
                None => p.quiet { "The question's words: " (GONE) },
            }
            @let sentences: Vec<&Entry> = of_kind(intent, "chat.sentence").collect();
            @if sentences.is_empty() {
                @if let Some(answer) = outcome.and_then(|outcome| words(outcome, "answer")) { p.answer { (answer) } }
            }
            @for sentence in sentences { (sent(sentence)) }
        }
    }
}

/// The session or key, and where it was used from.
fn asked_with(intent: &Entry) -> Markup {
    let actor = &intent.leaf["actor"];
    // records of earlier versions do not say which
    let credential = actor["credential"].as_str();
    let address = intent.content.as_ref().and_then(|content| content["actor_address"].as_str());
    html! {
        @if actor["method"] == "api_key" {
            "API key" @if let Some(key) = credential { " " a href={ "/audit?key=" (key) } { (key) } }
        } @else { "session" @if let Some(session) = credential { " " (session) } }
        @if let Some(address) = address { ", from " (address) }
    }
}

fn sent(sentence: &Entry) -> Markup {
    let facts = &sentence.leaf["facts"];
    let verdict = facts["verdict"].as_str().unwrap_or_default();
    let quotes = sentence.content.as_ref().and_then(|content| content["content"]["quotes"].as_array());
    let citations = facts["citations"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        p.answer {
            span class={ "sentence " (verdict) } { (words(sentence, "text").unwrap_or(GONE)) }
            span class={ "verdict " (verdict) } { (verdict) }
        }
        @for (index, citation) in citations.iter().enumerate() {
            @let quote = quotes.and_then(|quotes| quotes.get(index)?.as_str());
            blockquote { "“" (quote.unwrap_or(GONE)) "” " (place(sentence, index + 1, citation, quote)) }
        }
    }
}

/// What opens the page of that version of the document beside the record, the quote marked.
fn place(sentence: &Entry, number: usize, citation: &Value, quote: Option<&str>) -> Markup {
    let (version, page) = (whole(&citation["version"]), whole(&citation["page"]));
    let document = citation["document"].as_str().unwrap_or_default();
    let opens = json!({
        "evidence": format!("/api/v1/audit/events/{}/citations/{number}", sentence.event_id),
        "document": document, "version": version, "page": page, "title": format!("Version {version}"), "quote": quote,
    });
    html! {
        @if quote.is_some() {
            button.chip type="button" data-shows=(opens) { "version " (version) ", p. " (page) }
        } @else {
            span.quiet { "version " (version) ", p. " (page) }
        }
        " " span.quiet { "of " code { (document) } }
    }
}

/// How it came about.
pub(super) fn details(intent: &Entry) -> Markup {
    let Some(outcome) = outcome_of(intent) else { return html! {} };
    let facts = &outcome.leaf["facts"];
    html! {
        (timeline(intent, &facts["timings_ms"]))
        (passages(outcome))
        (permission(intent, &facts["retrieval"]))
        (model(facts))
        (prompt(outcome))
        (unsent(outcome))
    }
}

fn timeline(intent: &Entry, timings: &Value) -> Markup {
    let begun = intent.recorded_at;
    html! {
        details.panel open {
            summary { "Timeline" }
            div.scroll { table {
                thead { tr { th.number { "ms" } th { "What" } th {} } }
                tbody {
                    tr { td.number { "0" } td { (intent.kind) } td { "recorded before anything was searched" } }
                    @for entry in intent.related.iter().filter(|entry| entry.kind.starts_with("chat.") || entry.kind.starts_with("search.")) {
                        tr {
                            td.number { ((entry.recorded_at - begun).whole_milliseconds()) }
                            td { a href={ "/audit/" (entry.event_id) } { (entry.kind) } }
                            td { (entry.leaf["facts"]["verdict"].as_str().or(entry.outcome.as_deref()).unwrap_or_default().replace('_', " ")) }
                        }
                    }
                }
            } }
            @if let Some(stages) = timings.as_object() {
                p.quiet { "Stages, in ms: " @for (stage, ms) in stages { (stage.replace('_', " ")) " " (ms) "; " } }
            }
        }
    }
}

fn passages(outcome: &Entry) -> Markup {
    let found = outcome.leaf["facts"]["retrieval"]["candidates"].as_array();
    let texts = outcome.content.as_ref().and_then(|content| content["content"]["passages"].as_array());
    let text_of = |passage: &Value| {
        let of = texts.into_iter().flatten().find(|text| text["passage"] == *passage);
        of.and_then(|text| text["text"].as_str())
    };
    html! {
        @if let Some(found) = found {
            details.panel {
                summary { "Passages found: " (found.len()) ", and what became of each" }
                div.scroll { table {
                    thead { tr { th { "Decision" } th.number { "Dense" } th.number { "Words" } th.number { "Fused" } th { "Passage" } } }
                    tbody { @for candidate in found { tr {
                        td { (decision(candidate["decision"].as_str().unwrap_or_default())) }
                        @for score in ["dense", "sparse", "fused"] { td.number { (candidate[score].as_str().unwrap_or("–")) } }
                        td {
                            code { (candidate["passage"].as_str().unwrap_or_default()) }
                            @if let Some(document) = candidate["document"].as_str() {
                                br;
                                span.quiet { "version " (whole(&candidate["version"])) ", p. " (whole(&candidate["page"])) " of " }
                                a href={ "/audit?document=" (document) } { code { (document) } }
                            }
                            @if let Some(text) = text_of(&candidate["passage"]) { details { summary { "Text" } p { (text) } } }
                        }
                    } } }
                } }
            }
        }
    }
}

fn decision(decision: &str) -> &str {
    match decision {
        "kept" => "shown to the model",
        "not_confirmed" => "left out: not readable for the asker, or no longer there",
        "duplicate" => "left out: the same text as another",
        "beyond_limit" => "left out: others were better",
        other => other,
    }
}

fn permission(intent: &Entry, retrieval: &Value) -> Markup {
    let filter = &intent.leaf["facts"]["filter"];
    html! {
        details.panel {
            summary { "What the asker was allowed to read" }
            p { "Collections at that time: " (whole(&filter["count"])) ". The search saw nothing else, and each passage was confirmed once more before the model saw it; " (whole(&retrieval["not_confirmed"])) " were not." }
            p { @for id in filter["collections"].as_array().into_iter().flatten() { code { (id.as_str().unwrap_or_default()) } " " } }
        }
    }
}

fn model(facts: &Value) -> Markup {
    let fields = |value: &Value| -> Vec<(String, String)> {
        let fields = value.as_object().into_iter().flatten();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        fields.map(|(name, value)| (name.clone(), text(value))).collect()
    };
    let said = fields(facts).into_iter().filter(|(name, _)| name.starts_with("gen_ai."));
    html! {
        details.panel {
            summary { "Model: " (facts["model"]["model"].as_str().unwrap_or("not asked")) }
            dl.facts {
                @for (name, value) in fields(&facts["model"]).into_iter().chain(said) { dt { (name) } dd { code { (value) } } }
            }
        }
    }
}

fn prompt(outcome: &Entry) -> Markup {
    let facts = &outcome.leaf["facts"]["prompt"];
    html! {
        @if let Some(prompt) = words(outcome, "prompt") {
            details.panel {
                summary { "The exact prompt: " (whole(&facts["tokens"])) " tokens, template " (facts["template"].as_str().unwrap_or_default()) }
                pre.record { (prompt) }
            }
        }
    }
}

fn unsent(outcome: &Entry) -> Markup {
    let drafts = |name: &str| -> Vec<String> {
        let content = outcome.content.as_ref().map(|content| &content["content"][name]);
        let texts = content.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    let (withheld, repeated) = (drafts("withheld"), drafts("repeated"));
    html! {
        @if !withheld.is_empty() || !repeated.is_empty() {
            details.panel {
                summary { "What the model wrote and nobody was sent: " (withheld.len() + repeated.len()) }
                @for (texts, why) in [(withheld, "nothing bears it out"), (repeated, "said already")] {
                    @for text in texts { p { (text) " " span.verdict { (why) } } }
                }
            }
        }
    }
}

fn outcome_of(intent: &Entry) -> Option<&Entry> {
    let ends = ["completed", "refused", "failed", "abandoned"];
    intent.related.iter().find(|entry| {
        let end = entry.kind.strip_prefix("chat.").or_else(|| entry.kind.strip_prefix("search."));
        end.is_some_and(|end| ends.contains(&end))
    })
}

fn of_kind<'a>(intent: &'a Entry, kind: &'a str) -> impl Iterator<Item = &'a Entry> {
    intent.related.iter().filter(move |entry| entry.kind == kind)
}

/// A text of the content; none when it is erased.
fn words<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    entry.content.as_ref()?["content"][name].as_str()
}

fn whole(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}
