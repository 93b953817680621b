use heck::{ToKebabCase, ToLowerCamelCase, ToShoutySnakeCase, ToSnakeCase, ToTitleCase, ToUpperCamelCase};
use pluralizer::pluralize;

use crate::domain::Letters;

/// A text with its words joined and its letters cased in this way.
pub fn lettered(text: &str, letters: Letters) -> String {
    match letters {
        Letters::Lower => text.to_lowercase(),
        Letters::Upper => text.to_uppercase(),
        Letters::Title => text.to_title_case(),
        Letters::Snake => text.to_snake_case(),
        Letters::Kebab => text.to_kebab_case(),
        Letters::Camel => text.to_lower_camel_case(),
        Letters::Pascal => text.to_upper_camel_case(),
        Letters::Constant => text.to_shouty_snake_case(),
    }
}

/// The words of a text however they are joined, in lower case.
pub fn joined_words(text: &str) -> Vec<String> {
    text.to_snake_case().split('_').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// An English noun (up to three words, of letters alone) in the singular or plural; `None` if the
/// text is none, or is in that form already.
pub fn counted(text: &str, plural: bool) -> Option<String> {
    let noun = !text.is_empty()
        && text.split(' ').count() <= 3
        && text.chars().all(|c| c.is_ascii_alphabetic() || c == ' ' || c == '-');
    let made = noun.then(|| pluralize(text, if plural { 2 } else { 1 }, false))?;
    (made != text).then_some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_joints_change_and_words_stay() {
        let all = |letters| lettered("North Quay lamp", letters);
        assert_eq!(all(Letters::Lower), "north quay lamp");
        assert_eq!(all(Letters::Upper), "NORTH QUAY LAMP");
        assert_eq!(all(Letters::Title), "North Quay Lamp");
        assert_eq!(all(Letters::Snake), "north_quay_lamp");
        assert_eq!(all(Letters::Kebab), "north-quay-lamp");
        assert_eq!(all(Letters::Camel), "northQuayLamp");
        assert_eq!(all(Letters::Pascal), "NorthQuayLamp");
        assert_eq!(all(Letters::Constant), "NORTH_QUAY_LAMP");
        assert_eq!(joined_words("northQuay-lamp_post"), ["north", "quay", "lamp", "post"]);
    }

    #[test]
    fn nouns_in_singular_and_plural() {
        assert_eq!(counted("berths", false).as_deref(), Some("berth"));
        assert_eq!(counted("ferry", true).as_deref(), Some("ferries"));
        assert_eq!(counted("berth", false), None);
        assert_eq!(counted("K_1", true), None);
        assert_eq!(counted("", true), None);
    }
}
