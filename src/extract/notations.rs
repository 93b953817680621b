//! A value in another notation than the text's: a day, a percentage, other letters, a code.

use serde_json::Value;

use crate::domain::{DayReading, Letters, PlaceForm, Transform};
use crate::expr::apply;
use crate::spans::{
    Kind, Lexed, Said, counted, day, days_at, figures, forms, joined_words, name_runs, percent, place,
    quantity, same_text, text_of,
};

/// All notations by which a value of the text (or of an observation) says the wanted one. What is
/// copied as it stands has none, but for a day, which other tasks may say otherwise.
pub(super) fn notations(own: &Value, wanted: &Value) -> Vec<Transform> {
    let (Value::String(text), Value::String(_) | Value::Number(_)) = (own, wanted) else { return Vec::new() };
    let mut ways = Vec::new();
    match wanted {
        Value::String(value) => {
            ways.extend(days(value));
            if text != value {
                ways.extend(letters(text, value));
                ways.extend(nouns(text, value));
                ways.extend(places(text, value));
                if figures(text).is_some() && !same_text(text, value) {
                    ways.push(Transform::Number);
                }
            }
        }
        _ => {
            ways.extend(percent(text).map(|_| Transform::Share));
            ways.extend(percent(text).map(|_| Transform::Percent));
            ways.extend(quantity(text).map(|(_, unit)| Transform::Scale { times: 1, over: 1, unit }));
        }
    }
    ways.retain(|by| apply(by, std::slice::from_ref(own)).is_ok_and(|made| says(&made, wanted)));
    ways
}

/// To the letter for texts: how they are written is what a notation is about.
fn says(made: &Value, wanted: &Value) -> bool {
    match (made, wanted) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (made, Value::String(wanted)) => text_of(made).is_some_and(|made| made == *wanted),
        _ => false,
    }
}

/// Both orders of day and month, until a task tells them apart.
fn days(value: &str) -> Vec<Transform> {
    let mut all = Vec::new();
    for (_, form) in forms(value) {
        for reading in [DayReading::MonthFirst, DayReading::DayFirst] {
            all.push(Transform::Day { form: form.to_owned(), reading });
        }
    }
    all
}

fn letters(text: &str, value: &str) -> Vec<Transform> {
    let bare = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    if bare(text) != bare(value) || !value.chars().any(char::is_alphabetic) {
        return Vec::new();
    }
    // Where only the case differs, joints say nothing yet.
    let all: &[Letters] = match same_text(text, value) {
        true => &[Letters::Lower, Letters::Upper, Letters::Title],
        false => &Letters::ALL,
    };
    all.iter().map(|letters| Transform::Letters(*letters)).collect()
}

fn nouns(text: &str, value: &str) -> Vec<Transform> {
    let alike = text.len() >= 3
        && text.len().abs_diff(value.len()) <= 3
        && text.chars().zip(value.chars()).take(2).all(|(a, b)| a == b);
    if alike { vec![Transform::Singular, Transform::Plural] } else { Vec::new() }
}

fn places(text: &str, value: &str) -> Vec<Transform> {
    let code = |text: &str| (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase());
    match code(text) || code(value) {
        true => PlaceForm::ALL.into_iter().map(Transform::Place).collect(),
        false => Vec::new(),
    }
}

/// Whether a text value may say the wanted one, in another notation or counted from a day that is
/// not known here.
pub(super) fn may_say(own: &Value, wanted: &Value) -> bool {
    if !notations(own, wanted).is_empty() {
        return true;
    }
    let (Value::String(own), Value::String(wanted)) = (own, wanted) else { return false };
    let all = forms(wanted);
    !all.is_empty() && day(own).is_some_and(|said| all.iter().any(|(day, _)| vaguely(&said, *day)))
}

fn vaguely(said: &Said, wanted: jiff::civil::Date) -> bool {
    match said {
        Said::Day(day) => *day == wanted,
        Said::Either { month_first, day_first } => wanted == *month_first || wanted == *day_first,
        Said::Yearless { month, day } => (*month, *day) == (wanted.month(), wanted.day()),
        Said::Weekday { day, .. } => *day == wanted.weekday(),
        Said::After(_) => true,
    }
}

/// Token ranges at which a text says a scalar in another notation, not overlapping, in order. `vague`
/// adds days that only another day would make whole ("May 5", "tomorrow").
pub(super) fn said(text: &Lexed, value: &Value, vague: bool) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut add = |from: usize, to: usize| {
        if !found.iter().any(|(a, b)| *a < to && from < *b) {
            found.push((from, to));
        }
    };
    match value {
        Value::String(wanted) => {
            for (from, to) in days_said(text, wanted, vague) {
                add(from, to);
            }
            for (from, to) in words_said(text, wanted) {
                add(from, to);
            }
            let coded = |(from, to): &(usize, usize)| {
                let own = text.slice(*from, *to);
                PlaceForm::ALL.iter().any(|form| place(own, *form) == Some(wanted.as_str()))
            };
            let known = PlaceForm::ALL.iter().any(|form| place(wanted, *form).is_some());
            for (from, to) in
                name_runs(text, 0, text.tokens.len()).into_iter().filter(|run| known && coded(run))
            {
                add(from, to);
            }
        }
        Value::Number(_) => {
            for (at, token) in text.tokens.iter().enumerate() {
                let joined = matches!(token.kind, Kind::Number | Kind::Identifier);
                if joined && !notations(&token.value, value).is_empty() {
                    add(at, at + 1);
                }
            }
        }
        _ => {}
    }
    found.sort_unstable();
    found
}

/// Where a text says a day; those that say all of it, if there are any.
pub(super) fn days_said(text: &Lexed, wanted: &str, vague: bool) -> Vec<(usize, usize)> {
    let all = forms(wanted);
    if all.is_empty() {
        return Vec::new();
    }
    let (mut whole, mut part) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < text.tokens.len() {
        // The longest that is a day at all: its beginning is no other day.
        let Some(end) = days_at(text, at).first().copied() else {
            at += 1;
            continue;
        };
        if let Some(said) = day(text.slice(at, end))
            && all.iter().any(|(day, _)| vaguely(&said, *day))
        {
            match said {
                Said::Day(_) | Said::Either { .. } => whole.push((at, end)),
                _ => part.push((at, end)),
            }
        }
        at = end;
    }
    if whole.is_empty() && vague { part } else { whole }
}

/// Where a text says the words of an identifier such as `north_quay`, or one noun in the other number.
fn words_said(text: &Lexed, wanted: &str) -> Vec<(usize, usize)> {
    let words = joined_words(wanted);
    let plain = |word: &String| word.chars().all(|c| c.is_ascii_alphabetic());
    if words.is_empty() || !words.iter().all(plain) || wanted.contains(' ') {
        return Vec::new();
    }
    if let [word] = words.as_slice() {
        let other = |folded: &str| {
            word.len() >= 4
                && (counted(folded, true).as_deref() == Some(word)
                    || counted(folded, false).as_deref() == Some(word))
        };
        let is_word = |kind: Kind| matches!(kind, Kind::Word { .. });
        let fits = text.tokens.iter().enumerate().filter(|(_, t)| is_word(t.kind) && other(&t.folded));
        return if wanted == word { fits.map(|(at, _)| (at, at + 1)).collect() } else { Vec::new() };
    }
    (0..text.tokens.len().saturating_sub(words.len() - 1))
        .map(|from| (from, from + words.len()))
        .filter(|(from, to)| text.tokens[*from..*to].iter().zip(&words).all(|(token, word)| token.is(word)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::lex;
    use serde_json::json;

    #[test]
    fn a_value_is_recognised_in_the_texts_notation() {
        let one = |own: &str, wanted: Value| notations(&json!(own), &wanted);
        assert_eq!(one("6%", json!(0.06)), [Transform::Share]);
        assert_eq!(one("6%", json!(6)), [Transform::Percent]);
        assert_eq!(one("0%", json!(0)), [Transform::Share, Transform::Percent]);
        assert_eq!(one("5km", json!(5)), [Transform::Scale { times: 1, over: 1, unit: "km".into() }]);
        assert_eq!(one("Norway", json!("NO")), [Transform::Place(PlaceForm::CountryTwo)]);
        assert_eq!(one("berths", json!("berth")), [Transform::Singular]);
        assert_eq!(one("$1,200", json!("1200")), [Transform::Number]);
        assert_eq!(one("Gull", json!("GULL")), [Transform::Letters(Letters::Upper)]);
        assert_eq!(one("North Quay", json!("north_quay")), [Transform::Letters(Letters::Snake)]);
        for (own, wanted) in [
            ("Gull", json!("Gull")),
            ("Gull", json!("Tern")),
            ("5", json!(50)),
            ("6%", json!(60)),
            ("no", json!("Norway")),
        ] {
            assert!(one(own, wanted.clone()).is_empty(), "{own} {wanted}");
        }
    }

    #[test]
    fn a_day_keeps_both_orders_until_they_differ() {
        let readings = |own: &str, wanted: &str| {
            let all = notations(&json!(own), &json!(wanted)).into_iter();
            all.map(|by| if let Transform::Day { reading, .. } = by { Some(reading) } else { None })
                .collect::<Vec<_>>()
        };
        let (month, day) = (Some(DayReading::MonthFirst), Some(DayReading::DayFirst));
        assert_eq!(readings("May 15, 2024", "2024-05-15"), [month, day]);
        assert_eq!(readings("2024-05-15", "2024-05-15"), [month, day]);
        assert_eq!(readings("05/06/2024", "2024-05-06"), [month]);
        assert_eq!(readings("05/06/2024", "2024-06-05"), [day]);
        assert_eq!(readings("May 15", "2024-05-15"), []);
        assert!(may_say(&json!("May 15"), &json!("2024-05-15")));
        assert!(!may_say(&json!("May 16"), &json!("2024-05-15")));
    }

    #[test]
    fn texts_say_values_in_other_notations() {
        let text = lex("Paint 6% of the north quay berths by May 5, 2024 or tomorrow, in Norway");
        let at = |value: Value, vague| {
            said(&text, &value, vague).into_iter().map(|(from, to)| text.slice(from, to)).collect::<Vec<_>>()
        };
        assert_eq!(at(json!(0.06), false), ["6%"]);
        assert_eq!(at(json!("north_quay"), false), ["north quay"]);
        assert_eq!(at(json!("berth"), false), ["berths"]);
        assert_eq!(at(json!("2024-05-05"), true), ["May 5, 2024"]);
        assert_eq!(at(json!("2024-05-07"), true), ["tomorrow"]);
        assert_eq!(at(json!("2024-05-07"), false), [""; 0]);
        assert_eq!(at(json!("NO"), false), ["Norway"]);
        assert_eq!(at(json!("north"), false), [""; 0]);
    }
}
