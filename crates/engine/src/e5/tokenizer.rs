//! The `tokenizer.json` of the vocabulary, as the tokenizers library reads it. Field order is fixed by these types.
//! Knows no tensor.

use serde::Serialize;
use tokenizers::normalizers::Precompiled;

use super::charsmap;
use super::source::Source;

#[derive(Serialize)]
pub(super) struct TokenizerFile<'a> {
    version: &'static str,
    truncation: Option<()>,
    padding: Option<()>,
    added_tokens: Vec<AddedToken>,
    normalizer: Normalizer,
    pre_tokenizer: Metaspace,
    post_processor: PostProcessor,
    decoder: Metaspace,
    model: Unigram<'a>,
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the library's format")]
struct AddedToken {
    id: u32,
    content: &'static str,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
    special: bool,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Normalizer {
    Sequence {
        normalizers: Vec<Normalizer>,
    },
    #[serde(rename = "NFC")]
    Nfc,
    Precompiled {
        precompiled_charsmap: String,
    },
    Replace {
        pattern: Pattern,
        content: &'static str,
    },
    Strip {
        strip_left: bool,
        strip_right: bool,
    },
}

#[derive(Serialize)]
struct Pattern {
    #[serde(rename = "Regex")]
    regex: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type")]
struct Metaspace {
    replacement: &'static str,
    prepend_scheme: &'static str,
    split: bool,
}

const METASPACE: Metaspace = Metaspace { replacement: "\u{2581}", prepend_scheme: "always", split: true };

#[derive(Serialize)]
#[serde(tag = "type")]
enum PostProcessor {
    TemplateProcessing { single: Vec<Part>, pair: Vec<Part>, special_tokens: Specials },
}

#[derive(Serialize)]
enum Part {
    SpecialToken { id: &'static str, type_id: u32 },
    Sequence { id: &'static str, type_id: u32 },
}

#[derive(Serialize)]
struct Specials {
    #[serde(rename = "<s>")]
    first: Special,
    #[serde(rename = "</s>")]
    last: Special,
}

#[derive(Serialize)]
struct Special {
    id: &'static str,
    ids: [u32; 1],
    tokens: [&'static str; 1],
}

#[derive(Serialize)]
#[serde(tag = "type")]
struct Unigram<'a> {
    unk_id: u32,
    vocab: Vec<(&'a str, f64)>,
    byte_fallback: bool,
}

/// Describes the tokenizer: characters composed, then the file's rules, single spaces, none at the ends.
///
/// The rules are of single characters; sentencepiece's own also compose a letter with its marks, which is what
/// the NFC before them does.
pub(super) fn describe<'a>(source: &Source<'a>) -> Result<TokenizerFile<'a>, String> {
    let rules = Precompiled::from(&charsmap::build(&source.rules)).map_err(|error| error.to_string())?;
    let rules = serde_json::to_value(&rules).map_err(|error| error.to_string())?;
    let charsmap = rules["precompiled_charsmap"].as_str().ok_or("no charsmap")?.to_owned();
    let normalizers = vec![
        Normalizer::Nfc,
        Normalizer::Precompiled { precompiled_charsmap: charsmap },
        Normalizer::Replace { pattern: Pattern { regex: " {2,}" }, content: " " },
        Normalizer::Strip { strip_left: true, strip_right: true },
    ];
    let special = |id| Part::SpecialToken { id, type_id: 0 };
    let text = |id| Part::Sequence { id, type_id: 0 };
    let named = |id, token| Special { id: token, ids: [id], tokens: [token] };
    Ok(TokenizerFile {
        version: "1.0",
        truncation: None,
        padding: None,
        added_tokens: added_tokens(source),
        normalizer: Normalizer::Sequence { normalizers },
        pre_tokenizer: METASPACE,
        post_processor: PostProcessor::TemplateProcessing {
            single: vec![special("<s>"), text("A"), special("</s>")],
            pair: vec![
                special("<s>"),
                text("A"),
                special("</s>"),
                special("</s>"),
                text("B"),
                special("</s>"),
            ],
            special_tokens: Specials { first: named(source.first, "<s>"), last: named(source.last, "</s>") },
        },
        decoder: METASPACE,
        model: Unigram {
            unk_id: source.unknown,
            vocab: source.pieces.iter().map(|(piece, score)| (*piece, f64::from(*score))).collect(),
            byte_fallback: false,
        },
    })
}

fn added_tokens(source: &Source<'_>) -> Vec<AddedToken> {
    let id = |name: &str| source.pieces.iter().position(|(piece, _)| *piece == name);
    let names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"];
    let found = names.into_iter().filter_map(|name| Some((name, id(name)? as u32)));
    let token = |(content, id)| AddedToken {
        id,
        content,
        single_word: false,
        lstrip: content == "<mask>",
        rstrip: false,
        normalized: false,
        special: true,
    };
    found.map(token).collect()
}
