//! What a clause is called, where its line says so: `5.2 Payment Terms`, `5.2 Payment Terms. The buyer …`,
//! `第三条 【租金】`. Knows no mark.

/// Longest title, in characters.
const LONGEST: usize = 80;
/// A line is looked at so far, in characters: longer ones are text.
pub(super) const LOOKED_AT: usize = 400;
/// Words of a title that is written like a sentence.
const MOST_WORDS: usize = 5;
/// Longest Chinese title.
const LONGEST_CHINESE: usize = 25;

/// A title, and where it ends.
pub(super) struct Title {
    pub(super) text: String,
    pub(super) end: usize,
}

/// The title after a mark that ends at `at`, on its line or, where the mark stands alone, on the next.
pub(super) fn of(text: &[char], at: usize, past: usize) -> Title {
    let begin = skip_blank(text, at, past);
    if begin < past {
        return within(text, begin, past);
    }
    let next = (past..text.len()).find(|&position| !text[position].is_whitespace());
    let next = next.filter(|&next| text[past..next].iter().filter(|c| **c == '\n').count() <= 2);
    let Some(next) = next else { return none(at) };
    let end = text[next..].iter().take(LOOKED_AT).position(|c| *c == '\n');
    let Some(end) =
        end.map(|length| next + length).or((text.len() - next <= LOOKED_AT).then_some(text.len()))
    else {
        return none(at);
    };
    let line: String = text[next..end].iter().collect();
    let is_title = is_title(line.trim()) && super::mark_at(&text[next..end]).is_none();
    if is_title { Title { text: one_line(&line), end } } else { none(at) }
}

/// Leaves out what joins a mark and a title.
pub(super) fn trimmed(title: &str) -> String {
    one_line(title.trim_start_matches(|c: char| c.is_whitespace() || ".:：．、-–—*".contains(c)))
}

fn within(text: &[char], begin: usize, past: usize) -> Title {
    if super::mark_at(&text[begin..past]).is_some() {
        return none(begin); // another clause begins on the same line
    }
    let looked_at = past.min(begin + LOOKED_AT);
    let line: String = text[begin..looked_at].iter().collect();
    if let Some(inner) = line.strip_prefix('【').and_then(|rest| rest.split_once('】')) {
        return Title { text: one_line(inner.0), end: begin + inner.0.chars().count() + 2 };
    }
    let whole = looked_at == past;
    if whole && (is_title(line.trim()) || (is_short(line.trim()) && !goes_on_low(text, past))) {
        return Title { text: one_line(&line), end: past };
    }
    // `Payment Terms. The buyer …`, `租金：每月`
    let run_in = [". ", ".  ", ": ", "："].iter().filter_map(|end| {
        line.split_once(end).filter(|(_, text)| !text.trim().is_empty()).map(|(title, _)| title)
    });
    let run_in = run_in.min_by_key(|title| title.len());
    match run_in.filter(|title| is_title(title.trim()) && title.chars().count() <= LONGEST_CHINESE * 2) {
        Some(title) => Title { text: one_line(title), end: begin + title.chars().count() + 1 },
        None => none(begin),
    }
}

const fn none(end: usize) -> Title {
    Title { text: String::new(), end }
}

fn skip_blank(text: &[char], at: usize, past: usize) -> usize {
    let joins = |c: &&char| c.is_whitespace() || ".:：．-–—*".contains(**c);
    at + text[at.min(past)..past].iter().take_while(joins).count()
}

/// Short, no sentence, and in English most words with a capital letter.
pub(super) fn is_title(line: &str) -> bool {
    let length = line.chars().count();
    let line = line.strip_suffix('.').filter(|line| !line.contains(". ")).unwrap_or(line);
    let ends_open = !line.ends_with(['.', '。', ',', '，', ';', '；', ':', '：', '、']);
    let chinese = line.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    if chinese {
        return ends_open && length <= LONGEST_CHINESE && !line.contains(['，', '。', '；']);
    }
    let words: Vec<&str> = line.split_whitespace().filter(|word| word.len() >= 4).collect();
    let high =
        words.iter().filter(|word| word.chars().find(|c| c.is_alphabetic()).is_none_or(char::is_uppercase));
    let first = line.chars().find(|c| c.is_alphabetic()).is_some_and(char::is_uppercase);
    ends_open && length <= LONGEST && first && high.count() * 10 >= words.len() * 7
}

/// `Term and termination`: a few words that begin high and end without a mark.
fn is_short(line: &str) -> bool {
    let ends_open = line.ends_with(char::is_alphanumeric);
    let high = line.chars().next().is_some_and(|c| c.is_ascii_uppercase());
    high && ends_open && line.len() <= LONGEST && line.split_whitespace().count() <= MOST_WORDS
}

/// The next line goes on with a sentence.
fn goes_on_low(text: &[char], past: usize) -> bool {
    text.get(past + 1).is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches(['*', '.']).to_owned()
}
