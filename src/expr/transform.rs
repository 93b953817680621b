use jiff::civil::Date;
use serde_json::Value;

use super::EvalError;
use super::eval::{elements, field};
use crate::domain::{DayReading, Pair, SlotSpec, Transform};
use crate::spans::{
    Distance, counted, day, figures, full_day, lettered, meant, number, percent, place, quantity, shifted,
    text_of, written,
};

/// Makes a value from others.
///
/// # Errors
/// [`EvalError::Unfit`] where the values are not of the kind; [`EvalError::Tie`] where a day can be
/// read in two ways that the transform does not tell apart; [`EvalError::Missing`] where a table has no
/// line for the words.
pub fn apply(by: &Transform, of: &[Value]) -> Result<Value, EvalError> {
    let first = || of.first().ok_or_else(|| unfit("nothing to make it from"));
    let text = || first().and_then(words);
    match by {
        Transform::Letters(letters) => Ok(Value::String(lettered(&text()?, *letters))),
        Transform::Number => numeric(first()?).and_then(json),
        Transform::Share => percentage(&text()?).and_then(|n| json(n / 100.0)),
        Transform::Percent => percentage(&text()?).and_then(json),
        Transform::Scale { times, over, unit } => {
            let plain = match unit.as_str() {
                "" => numeric(first()?)?,
                unit => match quantity(&text()?) {
                    Some((plain, own)) if own == *unit => plain,
                    _ => return Err(unfit("another unit, or none")),
                },
            };
            json(plain * *times as f64 / (*over).max(1) as f64)
        }
        Transform::Singular => noun(&text()?, false),
        Transform::Plural => noun(&text()?, true),
        Transform::Place(form) => {
            place(&text()?, *form).map(Value::from).ok_or_else(|| unfit("no country or state of that name"))
        }
        Transform::Day { form, reading } => {
            let from = match of.get(1) {
                None => None,
                Some(from) => Some(whole_day(from)?),
            };
            form_of_day(day_meant(&text()?, *reading, from)?, form)
        }
        Transform::Later { form } => moved(of, 1).and_then(|day| form_of_day(day, form)),
        Transform::Earlier { form } => moved(of, -1).and_then(|day| form_of_day(day, form)),
        Transform::DaysBetween => match of {
            [from, to] => {
                let span = whole_day(to)? - whole_day(from)?;
                Ok(Value::from(span.get_days()))
            }
            _ => Err(unfit("two days are needed")),
        },
        Transform::Sum => all_numbers(of).and_then(|n| json(n.iter().sum())),
        Transform::Product => all_numbers(of).and_then(|n| json(n.iter().product())),
        Transform::Difference => match all_numbers(of)?.as_slice() {
            [a, b] => json(a - b),
            _ => Err(unfit("two numbers are needed")),
        },
        Transform::Count => match first()? {
            Value::Array(items) => Ok(Value::from(items.len())),
            Value::Object(map) => Ok(Value::from(map.len())),
            _ => Err(unfit("only a collection can be counted")),
        },
        Transform::Total(keys) => {
            let numbers = elements(first()?).into_iter().map(|(_, item)| {
                field(item, keys).ok_or_else(|| unfit("an element lacks the field")).and_then(numeric)
            });
            json(numbers.sum::<Result<f64, _>>()?)
        }
        Transform::Join(between) => {
            Ok(Value::String(of.iter().map(words).collect::<Result<Vec<_>, _>>()?.join(between)))
        }
        Transform::Table(lines) => looked_up(lines, first()?),
    }
}

fn unfit(why: &str) -> EvalError {
    EvalError::Unfit(why.to_owned())
}

fn words(value: &Value) -> Result<String, EvalError> {
    text_of(value).ok_or_else(|| unfit("not a text"))
}

fn json(value: f64) -> Result<Value, EvalError> {
    number(value).ok_or_else(|| unfit("not a number"))
}

fn noun(text: &str, plural: bool) -> Result<Value, EvalError> {
    // What is in that form already stays.
    let is_noun = text.chars().all(|c| c.is_ascii_alphabetic() || c == ' ' || c == '-');
    counted(text, plural)
        .or_else(|| is_noun.then(|| text.to_owned()))
        .map(Value::String)
        .ok_or_else(|| unfit("not a noun"))
}

fn percentage(text: &str) -> Result<f64, EvalError> {
    percent(text).ok_or_else(|| unfit("not a percentage"))
}

/// The number that a value is, or that its figures say.
pub fn numeric(value: &Value) -> Result<f64, EvalError> {
    let said = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => figures(text),
        _ => None,
    };
    said.ok_or_else(|| unfit("not a number"))
}

fn all_numbers(of: &[Value]) -> Result<Vec<f64>, EvalError> {
    if of.len() < 2 {
        return Err(unfit("two numbers are needed"));
    }
    of.iter().map(numeric).collect()
}

/// The day of a value that can be read in one way.
fn whole_day(value: &Value) -> Result<Date, EvalError> {
    full_day(&words(value)?).ok_or_else(|| unfit("not a day"))
}

fn day_meant(text: &str, reading: DayReading, from: Option<Date>) -> Result<Date, EvalError> {
    match full_day(text) {
        Some(day) => Ok(day),
        None => {
            let said = day(text).ok_or_else(|| unfit("not a day"))?;
            meant(&said, reading, from).ok_or(EvalError::Tie(2))
        }
    }
}

/// The first operand, so many days later as the second says.
fn moved(of: &[Value], sign: i32) -> Result<Date, EvalError> {
    let [from, by] = of else { return Err(unfit("a day and a number are needed")) };
    let days = numeric(by)?;
    if days.fract() != 0.0 || days.abs() > 36_525.0 {
        return Err(unfit("not a number of days"));
    }
    let by = Distance { days: sign * days as i32, months: 0 };
    shifted(whole_day(from)?, by).ok_or_else(|| unfit("no such day"))
}

fn form_of_day(day: Date, form: &str) -> Result<Value, EvalError> {
    written(day, form).map(Value::String).ok_or_else(|| unfit("the form asks for more than a day"))
}

fn looked_up(lines: &[Pair], said: &Value) -> Result<Value, EvalError> {
    let said = SlotSpec::only_hash(said);
    let line = lines.iter().find(|line| line.said == said);
    // What is not in the table speaks neither for nor against what else the text may be.
    let line = line.ok_or_else(|| unfit("the table has no line for it"))?;
    let json = line.json.as_ref().ok_or(EvalError::Open)?;
    serde_json::from_str(json).map_err(|e| EvalError::Unfit(format!("a line is not JSON: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Letters, PlaceForm, canonical_hash};
    use serde_json::json;

    fn made(by: Transform, of: &[Value]) -> Option<Value> {
        apply(&by, of).ok()
    }

    #[test]
    fn notations_say_the_same() {
        let one = |by: Transform, of: &str| made(by, &[json!(of)]);
        assert_eq!(one(Transform::Letters(Letters::Snake), "Old Gull"), Some(json!("old_gull")));
        assert_eq!(one(Transform::Number, "1.200,50"), Some(json!(1200.5)));
        assert_eq!(one(Transform::Share, "6%"), Some(json!(0.06)));
        assert_eq!(one(Transform::Percent, "6%"), Some(json!(6)));
        assert_eq!(one(Transform::Share, "6"), None);
        assert_eq!(one(Transform::Singular, "berths"), Some(json!("berth")));
        assert_eq!(one(Transform::Plural, "berth"), Some(json!("berths")));
        assert_eq!(one(Transform::Place(PlaceForm::CountryTwo), "Norway"), Some(json!("NO")));
        let km = |unit: &str| Transform::Scale { times: 1000, over: 1, unit: unit.into() };
        assert_eq!(one(km("km"), "5km"), Some(json!(5000)));
        assert_eq!(one(km("km"), "5mi"), None);
        assert_eq!(one(km(""), "2.5"), Some(json!(2500)));
    }

    #[test]
    fn days_are_written_anew_counted_and_moved() {
        let form = || "%Y-%m-%d".to_owned();
        let day = |reading, of: &[Value]| apply(&Transform::Day { form: form(), reading }, of);
        assert_eq!(day(DayReading::MonthFirst, &[json!("May 5, 2024")]), Ok(json!("2024-05-05")));
        assert_eq!(day(DayReading::MonthFirst, &[json!("05/06/2024")]), Ok(json!("2024-05-06")));
        assert_eq!(day(DayReading::DayFirst, &[json!("05/06/2024")]), Ok(json!("2024-06-05")));
        assert_eq!(day(DayReading::MonthFirst, &[json!("tomorrow")]), Err(EvalError::Tie(2)));
        let from = json!("2024-05-31T10:00:00");
        assert_eq!(day(DayReading::Coming, &[json!("tomorrow"), from]), Ok(json!("2024-06-01")));
        let later = Transform::Later { form: form() };
        assert_eq!(made(later, &[json!("Feb 27, 2024"), json!("3")]), Some(json!("2024-03-01")));
        let earlier = Transform::Earlier { form: form() };
        assert_eq!(made(earlier, &[json!("2024-03-01"), json!(1)]), Some(json!("2024-02-29")));
        let days = [json!("2024-02-28"), json!("2024-03-01")];
        assert_eq!(made(Transform::DaysBetween, &days), Some(json!(2)));
    }

    #[test]
    fn small_calculations() {
        let two = [json!("$1,200"), json!(0.5)];
        assert_eq!(made(Transform::Sum, &two), Some(json!(1200.5)));
        assert_eq!(made(Transform::Difference, &two), Some(json!(1199.5)));
        assert_eq!(made(Transform::Product, &two), Some(json!(600)));
        assert_eq!(made(Transform::Sum, &two[..1]), None);
        assert_eq!(made(Transform::Sum, &[json!("K_1"), json!(1)]), None);
        let boats = json!([{"crew": 3}, {"crew": 4}]);
        assert_eq!(made(Transform::Count, std::slice::from_ref(&boats)), Some(json!(2)));
        assert_eq!(made(Transform::Total(vec!["crew".into()]), std::slice::from_ref(&boats)), Some(json!(7)));
        assert_eq!(made(Transform::Total(vec!["mast".into()]), &[boats]), None);
        assert_eq!(made(Transform::Join("-".into()), &[json!("P"), json!(4)]), Some(json!("P-4")));
    }

    #[test]
    fn a_table_knows_what_it_may_show_and_nothing_else() {
        let line = |said: &str, json: Option<&str>| Pair {
            said: SlotSpec::only_hash(&json!(said)),
            hash: canonical_hash(&json!(said)),
            json: json.map(str::to_owned),
            seen: 1,
        };
        let table = Transform::Table(vec![line("Gull", Some("\"G\"")), line("Tern", None)]);
        assert_eq!(made(table.clone(), &[json!("gull")]), Some(json!("G")));
        assert_eq!(apply(&table, &[json!("Tern")]), Err(EvalError::Open));
        assert!(apply(&table, &[json!("Skua")]).is_err());
    }
}
