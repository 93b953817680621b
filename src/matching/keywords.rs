use std::collections::HashSet;

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
    /// Every keyword is one that [`words`] finds in the text, placeholders aside. Empty only where the text holds no
    /// word but placeholders.
    fn keywords(&self, masked: &str, recurrence: &dyn Fn(&str) -> u32) -> Vec<String>;
}

/// The words of a text in order, in lower case, without repetition. Both sides of a look-up are
/// split by this: the task (unmasked; its values do no harm) and the template's literal words.
/// A word is letters and digits without anything between, so that it does not matter which marks
/// stand next to it.
pub fn words(text: &str) -> Vec<String> {
    words_of(&[text])
}

/// The words of a masked text; placeholders such as `<identifier>` are none.
pub(super) fn literal_words(masked: &str) -> Vec<String> {
    words_of(&without_placeholders(masked))
}

fn words_of(pieces: &[&str]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut words = Vec::new();
    for piece in pieces {
        for word in piece.split(|c: char| !c.is_alphanumeric()) {
            let word = word.to_lowercase();
            if !word.is_empty() && seen.insert(word.clone()) {
                words.push(word);
            }
        }
    }
    words
}

/// The pieces of a text between placeholders: `<`, then lower-case letters, digits, `_` or `-`,
/// then `>`.
pub(super) fn without_placeholders(text: &str) -> Vec<&str> {
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
        let all = literal_words(masked);
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
    word.chars().any(char::is_alphabetic) && (word.len() != 1) && FUNCTION_WORDS.binary_search(&word).is_err()
}

/// Words of grammar, sorted. Kept small on purpose: ready-made lists drop words that carry an
/// intent (order, amount, net, year, all, last), and what stands in every template weighs little
/// anyway.
pub(super) const FUNCTION_WORDS: &[&str] = &[
    "about", "also", "am", "an", "and", "are", "as", "at", "be", "been", "being", "but", "by", "can",
    "could", "did", "do", "does", "for", "from", "had", "has", "have", "he", "her", "hers", "him", "his",
    "if", "in", "into", "is", "it", "its", "itself", "just", "ll", "me", "mine", "must", "my", "myself",
    "of", "on", "or", "our", "ours", "re", "shall", "she", "should", "so", "some", "such", "than", "that",
    "the", "their", "theirs", "them", "then", "there", "these", "they", "this", "those", "to", "us", "ve",
    "was", "we", "were", "what", "which", "who", "whom", "whose", "will", "with", "would", "you", "your",
    "yours",
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
        assert_eq!(literal_words("move <identifier> to <name-2>, a < b"), ["move", "to", "a", "b"]);
        assert_eq!(literal_words("<<number>"), Vec::<String>::new());
        assert_eq!(literal_words("x <Not a mask> y"), ["x", "not", "a", "mask", "y"]);
        assert_eq!(words("a task may say <b>"), ["a", "task", "may", "say", "b"]);
    }

    #[test]
    fn recurring_words_come_first() {
        let keywords = RecurrenceKeywords.keywords("the late reminder of <number> to <name>", &|word| {
            if word == "reminder" { 9 } else { 1 }
        });
        assert_eq!(keywords, ["reminder", "late"]);
    }

    #[test]
    fn a_text_of_function_words_keeps_them() {
        assert_eq!(RecurrenceKeywords.keywords("and then <name>", &|_| 0), ["and", "then"]);
        assert!(RecurrenceKeywords.keywords("<name>", &|_| 0).is_empty());
    }

    #[test]
    fn words_are_the_same_whatever_stands_next_to_them() {
        assert_eq!(words("Überweise 30 € — don't"), ["überweise", "30", "don", "t"]);
        assert_eq!(words("late.Please:reminder,loan_id"), words("late . please : reminder , loan _ id"));
    }
}
