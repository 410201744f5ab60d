//! Terms of Chinese and English text and their BM25 weights, the same for documents and questions. Knows no index.

mod cjk;
mod numbers;
mod words;

pub(in crate::domain) use numbers::number;

use crate::domain::SparseVector;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// BM25's saturation and length normalisation (Robertson and Zaragoza 2009, §3.4), at the values Qdrant and Lucene use.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// Terms of an average passage: 320 tokens gave about 180 in English and 240 in Chinese contracts. Fixed, since a mean that
/// moved with every upload would make stored weights stale.
const AVERAGE_TERMS: f32 = 200.0;

/// The terms of a text, in order, repeated as often as they stand there; function words and question words left out.
///
/// Text is folded by NFKC and lower case. English words are stemmed, Chinese is cut into words and, where the dictionary
/// knows none, into characters and pairs of them; numbers and clause marks stay whole (`5.2.1`, `8.2(a)`, `30日`,
/// `第五百零九条`), with Chinese numerals also as digits (`第509条`).
pub fn terms(text: &str) -> Vec<String> {
    let characters: Vec<char> =
        text.nfkc().flat_map(char::to_lowercase).filter(|&character| !is_invisible(character)).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        at += numbers::clause_mark(rest, &mut found)
            .or_else(|| cjk::run(rest, &mut found))
            .or_else(|| words::word(rest, &mut found))
            .unwrap_or(1);
    }
    found
}

/// The different terms of a text: what a question asks for and what a passage offers.
pub fn content_terms(text: &str) -> BTreeSet<String> {
    terms(text).into_iter().collect()
}

/// BM25 term weights of a passage (k1 = 1.2, b = 0.75), without IDF, which the index adds.
pub fn sparse_document(text: &str) -> SparseVector {
    let terms = terms(text);
    let norm = K1 * (1.0 - B + B * terms.len() as f32 / AVERAGE_TERMS);
    let mut frequencies: BTreeMap<u32, f32> = BTreeMap::new();
    for term in &terms {
        *frequencies.entry(index_of(term)).or_default() += 1.0;
    }
    frequencies
        .into_iter()
        .map(|(index, frequency)| (index, frequency * (K1 + 1.0) / (frequency + norm)))
        .collect()
}

/// Each term of a question once, weight 1.
pub fn sparse_query(text: &str) -> SparseVector {
    let indices: BTreeSet<u32> = terms(text).iter().map(|term| index_of(term)).collect();
    indices.into_iter().map(|index| (index, 1.0)).collect()
}

impl FromIterator<(u32, f32)> for SparseVector {
    /// Keeps the order; the caller gives indices sorted and unique.
    fn from_iter<I: IntoIterator<Item = (u32, f32)>>(weights: I) -> Self {
        let (indices, values) = weights.into_iter().unzip();
        Self { indices, values }
    }
}

/// The first four bytes of SHA-256, big endian: stored vectors depend on it, so it may never change. A million terms
/// have about a hundred collisions, which cost a little precision and nothing else.
fn index_of(term: &str) -> u32 {
    let digest = Sha256::digest(term.as_bytes());
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// Soft hyphens, zero-width characters and byte order marks stand inside words of real PDFs.
const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::prelude::proptest;
    use proptest::prop_assert;
    use proptest::prop_assert_eq;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(terms(text), expected, "of `{text}`");
    }

    fn has(text: &str, term: &str) {
        assert!(terms(text).iter().any(|found| found == term), "no `{term}` in {:?}", terms(text));
    }

    #[test]
    fn english_is_folded_stemmed_and_freed_of_function_words() {
        check("The Tenants are paying the rent.", &["tenant", "pay", "rent"]);
        check("What is the notice period?", &["notic", "period"]);
        check("the landlord's obligations", &["landlord", "oblig"]);
        check("the landlord’s obligations", &["landlord", "oblig"]);
        check("non-payment", &["non", "payment"]);
        check("ＦＵＬＬ　ｗｉｄｔｈ", &["full", "width"]);
        check("ter\u{ad}mination", &["termin"]);
        check("shall not sublet", &["shall", "not", "sublet"]);
        check("", &[]);
        check("?!…", &[]);
    }

    #[test]
    fn numbers_and_clause_marks_stay_whole() {
        check("clause 5.2.1.", &["claus", "5.2.1"]);
        check("8.2(a)", &["8.2", "8.2(a)"]);
        check("8.2(a)(iv)", &["8.2", "8.2(a)", "8.2(a)(iv)"]);
        check("USD 1,250,000.50", &["usd", "1250000.50"]);
        check("1,2", &["1", "2"]);
        check("5% or 5 %", &["5%", "5%"]);
        check("ISO-9001 A4 v2.3", &["iso", "9001", "a4", "v2.3"]);
        check("30日", &["30", "30日"]);
        check("2024年5月", &["2024", "2024年", "5", "5月"]);
        check("第509条", &["第509条"]);
        check("第五百零九条", &["第五百零九条", "第509条"]);
        check("第一百二十条之一", &["第一百二十条之一", "第120条之1"]);
        check("第十二章", &["第十二章", "第12章"]);
        check("百分之五", &["百分之五", "5%"]);
        has("应当在三十日内支付", "30日");
        has("二〇二四年", "2024年");
    }

    #[test]
    fn chinese_is_cut_into_words_and_unknown_words_into_characters_and_pairs() {
        check("合同的违约责任是什么", &["合同", "违约", "责任", "违约责任"]);
        has("劳动合同法", "劳动");
        has("劳动合同法", "合同");
        check("螭氅", &["螭", "螭氅", "氅"]);
        check("コーヒー", &["コ", "コー", "ー", "ーヒ", "ヒ", "ヒー", "ー"]);
        has("甲方Acme公司", "acm");
    }

    #[test]
    fn traditional_text_is_found_whatever_stands_beside_it() {
        let question = content_terms("違約責任");

        let passage = content_terms("乙方應承擔相應的違約責任。");

        assert!(question.is_subset(&passage), "{question:?} in {passage:?}");
    }

    #[test]
    fn a_question_has_each_term_once() {
        let query = sparse_query("rent, rent and rent");

        assert_eq!(query.values, [1.0]);
        assert_eq!(query.indices, [index_of("rent")]);
    }

    #[test]
    fn the_hash_of_a_term_is_fixed_for_ever() {
        assert_eq!(index_of("rent"), 0x0e9f_d159);
        assert_eq!(index_of("违约"), 0xcf4b_3a69);
    }

    #[test]
    fn a_second_occurrence_adds_less_than_the_first() {
        let once = sparse_document("rent").values[0];
        let twice = sparse_document("rent rent").values[0];

        assert!(twice > once && twice < 2.0 * once, "{once} {twice}");
    }

    #[test]
    fn a_long_passage_weighs_each_term_less() {
        let long = format!("rent {}", "清算 ".repeat(500));

        let rent = sparse_query("rent").indices[0];
        let weight_in = |text: &str| {
            let vector = sparse_document(text);
            vector.values[vector.indices.iter().position(|&index| index == rent).unwrap()]
        };

        assert!(weight_in(&long) < weight_in("rent"));
    }

    proptest! {
        #[test]
        fn a_vector_of_any_text_is_sorted_unique_and_stable(text in any::<String>()) {
            let vector = sparse_document(&text);

            prop_assert!(vector.indices.is_sorted_by(|left, right| left < right));
            prop_assert_eq!(vector.indices.len(), vector.values.len());
            prop_assert!(vector.values.iter().all(|value| value.is_finite() && *value > 0.0));
            prop_assert_eq!(&vector, &sparse_document(&text));
            prop_assert_eq!(&vector.indices, &sparse_query(&text).indices);
        }

        #[test]
        fn mixed_text_never_loses_its_numbers(number in 1_u32..1_000_000, before in "[甲乙丙 a-z]{0,8}[, ，]") {
            let text = format!("{before}{number}元 due");

            let wanted = format!("{number}元");
            prop_assert!(content_terms(&text).contains(&wanted));
        }
    }
}
