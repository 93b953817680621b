use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

/// Keywords that a template is found by, at most.
pub const MOST_KEYWORDS: usize = 16;

/// Finds the words that tell a task's intent.
pub trait KeywordExtractor: Send + Sync + std::fmt::Debug {
    /// A short name for reports.
    fn name(&self) -> &str;

    /// The keywords of a text whose values are masked by typed placeholders such as
    /// `<identifier>`: lower case, best first, without repetition, at most [`MOST_KEYWORDS`].
    /// `recurrence` says in how many distinct tasks a word (lower case) occurred so far: words of
    /// an intent recur, values do not.
    ///
    /// Every keyword is one that [`words`] finds in the text. Empty only where the text holds no
    /// word but placeholders.
    fn keywords(&self, masked: &str, recurrence: &dyn Fn(&str) -> u32) -> Vec<String>;
}

/// The words of a text in order, in lower case, without repetition. Both sides of a look-up are
/// split by this: the task (unmasked; its values do no harm) and the template's literal words.
/// Placeholders of a masked text, such as `<identifier>`, are no words.
pub fn words(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut words = Vec::new();
    for piece in without_placeholders(text) {
        for word in piece.unicode_words() {
            let word = word.to_lowercase();
            if seen.insert(word.clone()) {
                words.push(word);
            }
        }
    }
    words
}

/// The pieces of a text between placeholders: `<`, then lower-case letters, digits, `_` or `-`,
/// then `>`.
fn without_placeholders(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices('<') {
        let inner = &text[at + 1..];
        let Some(length) = inner.find('>') else { break };
        let name = &inner.as_bytes()[..length];
        let named = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
        if at >= start && !name.is_empty() && name.iter().all(named) {
            pieces.push(&text[start..at]);
            start = at + 1 + length + 1;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// The content words, those first that recur in most distinct tasks, then in the text's order.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecurrenceKeywords;

impl KeywordExtractor for RecurrenceKeywords {
    fn name(&self) -> &str {
        "recurrence"
    }

    fn keywords(&self, masked: &str, recurrence: &dyn Fn(&str) -> u32) -> Vec<String> {
        let all = words(masked);
        let content: Vec<String> = all.iter().filter(|word| is_content(word)).cloned().collect();
        // A block of function words alone must be found too.
        let kept = if content.is_empty() { all } else { content };
        let mut counted: Vec<(u32, String)> =
            kept.into_iter().map(|word| (recurrence(&word), word)).collect();
        counted.sort_by_key(|(tasks, _)| std::cmp::Reverse(*tasks));
        counted.truncate(MOST_KEYWORDS);
        counted.into_iter().map(|(_, word)| word).collect()
    }
}

/// Whether a word says something of its own: it has a letter and is no function word.
pub(super) fn is_content(word: &str) -> bool {
    word.chars().any(char::is_alphabetic)
        && word.chars().nth(1).is_some()
        && FUNCTION_WORDS.binary_search(&word).is_err()
}

/// Words of grammar, sorted. Kept small on purpose: ready-made lists drop words that carry an
/// intent (order, amount, net, year, all, last), and what stands in every template weighs little
/// anyway.
const FUNCTION_WORDS: &[&str] = &[
    "a", "about", "also", "am", "an", "and", "are", "as", "at", "be", "been", "being", "but", "by", "can",
    "could", "did", "do", "does", "for", "from", "had", "has", "have", "he", "her", "hers", "him", "his",
    "i", "i'd", "i'll", "i'm", "i've", "if", "in", "into", "is", "it", "it's", "its", "itself", "just", "me",
    "mine", "must", "my", "myself", "of", "on", "or", "our", "ours", "shall", "she", "should", "so", "some",
    "such", "than", "that", "the", "their", "theirs", "them", "then", "there", "these", "they", "this",
    "those", "to", "us", "was", "we", "were", "what", "which", "who", "whom", "whose", "will", "with",
    "would", "you", "your", "yours",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_words_are_sorted() {
        assert!(FUNCTION_WORDS.is_sorted());
    }

    #[test]
    fn placeholders_are_no_words() {
        assert_eq!(words("move <identifier> to <capitalised-2>, a < b"), ["move", "to", "a", "b"]);
        assert_eq!(words("<<number>"), Vec::<String>::new());
        assert_eq!(words("x <Not a mask> y"), ["x", "not", "a", "mask", "y"]);
    }

    #[test]
    fn recurring_words_come_first() {
        let keywords = RecurrenceKeywords
            .keywords("the late refund of <number> to <name>", &|word| if word == "refund" { 9 } else { 1 });
        assert_eq!(keywords, ["refund", "late"]);
    }

    #[test]
    fn a_text_of_function_words_keeps_them() {
        assert_eq!(RecurrenceKeywords.keywords("and then <name>", &|_| 0), ["and", "then"]);
        assert!(RecurrenceKeywords.keywords("<name>", &|_| 0).is_empty());
    }

    #[test]
    fn words_of_any_script_are_kept_whole() {
        assert_eq!(words("Überweise 30 € — don't"), ["überweise", "30", "don't"]);
    }
}
