use std::collections::{HashMap, HashSet};

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const VOWELS: &[u8] = b"aeiou";
const CONSONANTS: &[u8] = b"bcdfghjklmnprstvz";

/// Replaces words and numbers one to one by others of the same length and case. Equal words have
/// equal replacements wherever they stand, so that what is derived from a value (an id from a
/// name) still is.
pub(super) struct Scrambler {
    rng: ChaCha8Rng,
    words: HashMap<String, String>,
    numbers: HashMap<String, String>,
    taken: HashSet<String>,
    /// Orders of the numbers with few digits, by their count, drawn when first needed.
    small: HashMap<usize, Vec<u32>>,
    letters: Vec<u8>,
}

impl Scrambler {
    /// A scrambler whose words are none of those that occur in `texts`.
    pub(super) fn new<'a>(seed: u64, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut letters: Vec<u8> = (b'a'..=b'z').collect();
        letters.shuffle(&mut rng);
        let mut taken = HashSet::new();
        for text in texts {
            let words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
            taken.extend(words.map(str::to_ascii_lowercase));
        }
        Self { rng, words: HashMap::new(), numbers: HashMap::new(), taken, small: HashMap::new(), letters }
    }

    /// The text with every run of letters and every run of digits replaced.
    pub(super) fn text(&mut self, text: &str) -> String {
        self.each_run(text, true)
    }

    /// The text with every run of digits replaced.
    pub(super) fn digits(&mut self, text: &str) -> String {
        self.each_run(text, false)
    }

    fn each_run(&mut self, text: &str, words: bool) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let same = |c: char| match first {
                'a'..='z' | 'A'..='Z' => c.is_ascii_alphabetic(),
                '0'..='9' => c.is_ascii_digit(),
                _ => false,
            };
            let end = rest.find(|c| !same(c)).unwrap_or(rest.len()).max(first.len_utf8());
            let (run, tail) = rest.split_at(end);
            match first {
                '0'..='9' => out.push_str(&self.number(run)),
                'a'..='z' | 'A'..='Z' if words => out.push_str(&self.word(run)),
                _ => out.push_str(run),
            }
            rest = tail;
        }
        out
    }

    fn word(&mut self, word: &str) -> String {
        let lower = word.to_ascii_lowercase();
        if !self.words.contains_key(&lower) {
            let new = self.new_word(&lower);
            self.words.insert(lower.clone(), new);
        }
        let new = &self.words[&lower];
        word.chars()
            .zip(new.chars())
            .map(|(old, new)| if old.is_uppercase() { new.to_ascii_uppercase() } else { new })
            .collect()
    }

    fn new_word(&mut self, old: &str) -> String {
        if let [letter] = old.as_bytes() {
            return char::from(self.letters[usize::from(letter - b'a')]).to_string();
        }
        // Two-letter words run out of pronounceable replacements, so every letter may do there.
        loop {
            let mut vowel = self.rng.random_bool(0.5);
            let new: String = (0..old.len())
                .map(|_| {
                    vowel = !vowel;
                    let from = match (old.len(), vowel) {
                        (2, _) => &self.letters,
                        (_, true) => VOWELS,
                        (_, false) => CONSONANTS,
                    };
                    char::from(from[self.rng.random_range(0..from.len())])
                })
                .collect();
            if self.taken.insert(new.clone()) {
                return new;
            }
        }
    }

    fn number(&mut self, number: &str) -> String {
        if let Some(known) = self.numbers.get(number) {
            return known.clone();
        }
        let new = self.new_number(number);
        self.numbers.insert(number.to_owned(), new.clone());
        new
    }

    fn new_number(&mut self, old: &str) -> String {
        let digits = old.len();
        if old.starts_with('0') {
            // Zeros in front stay, so that the form does.
            let rest = old.trim_start_matches('0');
            let zeros = "0".repeat(digits - rest.len());
            return if rest.is_empty() { zeros } else { zeros + &self.number(rest) };
        }
        let lowest = 10u64.pow(digits.min(18) as u32 - 1);
        if digits <= 3 {
            let order = self.small.entry(digits).or_insert_with(|| {
                let mut order: Vec<u32> = (lowest as u32..lowest as u32 * 10).collect();
                order.shuffle(&mut self.rng);
                order
            });
            let old: usize = old.parse().unwrap_or(0);
            return order[old - lowest as usize].to_string();
        }
        loop {
            let new = self.rng.random_range(lowest..lowest * 10).to_string();
            if new != old && self.taken.insert(new.clone()) {
                return new;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_keep_the_shape_and_are_one_to_one() {
        let mut s = Scrambler::new(1, ["abc"]);
        let text = "omar.lopez1868@example.com Omar #W6067464 1.5L 05";
        let new = s.text(text);
        assert_ne!(new, text);
        let shape = |t: &str| -> String {
            t.chars()
                .map(|c| match c {
                    'a'..='z' => 'a',
                    'A'..='Z' => 'A',
                    '0'..='9' => '9',
                    other => other,
                })
                .collect()
        };
        assert_eq!(shape(&new), shape(text));
        assert_eq!(new.split('.').next(), new.split(' ').nth(1).map(|w| w.to_lowercase()).as_deref());
        assert_eq!(s.text(text), new);
        let all: HashSet<String> = (100..1000).map(|n| s.text(&n.to_string())).collect();
        assert_eq!(all.len(), 900);
        assert_eq!(
            s.digits("gift_card_1234567").strip_suffix(|_: char| true).map(|t| &t[..10]),
            Some("gift_card_")
        );
    }
}
