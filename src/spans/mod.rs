//! Tokens, types and masks of a text: what extraction, matching and filling all read.
//!
//! A text is cut into [`Token`]s once. A token is a word, a number, an identifier, an e-mail
//! address, quoted text, an object literal or a punctuation mark; what it is depends on its own
//! characters alone, never on what it means.

mod compare;
mod days;
mod figures;
mod letters;
mod lex;
mod mask;
mod numbers;
mod object;
mod places;
mod values;
mod words;

pub use compare::{same_text, same_value, text_of};
pub use days::{Distance, Said, day, days_at, forms, full_day, meant, shifted, written};
pub use figures::{figures, number, percent, quantity};
pub use letters::{counted, joined_words, lettered};
pub use lex::{Kind, Lexed, Token, lex};
pub use mask::{form_of, is_boundary, is_separator, masked, shape_of};
pub use numbers::{said_number, whole};
pub use places::place;
pub use values::{begins_sentence, build_of, is_value, name_runs};
pub use words::{is_condition, is_connective, word_list_ends};
