//! How values are made from others, in words.

use crate::domain::{DayReading, Letters, PlaceForm, Transform};

/// What is made of values that are given in words.
pub(in crate::cli) fn made(by: &Transform, of: &[String]) -> String {
    let first = of.first().map_or("nothing", String::as_str);
    let second = of.get(1).map_or("nothing", String::as_str);
    let all = || of.join(" and ");
    match by {
        Transform::Letters(letters) => format!("{first}, {}", lettered(*letters)),
        Transform::Number => format!("{first} as a plain number"),
        Transform::Share => format!("{first} as a share of 1"),
        Transform::Percent => format!("the figure of {first}"),
        Transform::Scale { times: 1, over: 1, unit } => format!("the number of {first} (in \"{unit}\")"),
        Transform::Scale { times, over, unit } => {
            let by = if *over == 1 { format!("times {times}") } else { format!("divided by {over}") };
            let unit = if unit.is_empty() { String::new() } else { format!(" (in \"{unit}\")") };
            format!("{first}{unit} {by}")
        }
        Transform::Singular => format!("{first} in the singular"),
        Transform::Plural => format!("{first} in the plural"),
        Transform::Place(form) => format!("{} {first}", place(*form)),
        Transform::Day { form, reading } => {
            let from = of.get(1).map(|from| format!(", counted from {from}")).unwrap_or_default();
            format!("the day {first}{from}, {}, written {form}", read(*reading))
        }
        Transform::Later { form } => format!("{second} days after {first}, written {form}"),
        Transform::Earlier { form } => format!("{second} days before {first}, written {form}"),
        Transform::DaysBetween => format!("the days from {first} to {second}"),
        Transform::Sum => format!("the sum of {}", all()),
        Transform::Difference => format!("{first} less {second}"),
        Transform::Product => format!("{first} times {second}"),
        Transform::Count => format!("how many there are of {first}"),
        Transform::Total(keys) => format!("the sum of `{}` over {first}", keys.join(".")),
        Transform::Join(mark) => format!("{} joined by \"{mark}\"", all()),
        Transform::Table(lines) => {
            let known = lines.iter().filter(|line| line.json.is_some()).count();
            format!("what {first} stands for, by a table of {known} of {} lines", lines.len())
        }
    }
}

fn lettered(letters: Letters) -> &'static str {
    match letters {
        Letters::Lower => "in lower case",
        Letters::Upper => "in upper case",
        Letters::Title => "In Title Case",
        Letters::Snake => "in snake_case",
        Letters::Kebab => "in kebab-case",
        Letters::Camel => "in camelCase",
        Letters::Pascal => "in PascalCase",
        Letters::Constant => "in CONSTANT_CASE",
    }
}

fn place(form: PlaceForm) -> &'static str {
    match form {
        PlaceForm::Country => "the name of the country",
        PlaceForm::CountryTwo => "the two-letter code of the country",
        PlaceForm::CountryThree => "the three-letter code of the country",
        PlaceForm::State => "the name of the state",
        PlaceForm::StateTwo => "the two-letter code of the state",
    }
}

fn read(reading: DayReading) -> &'static str {
    match reading {
        DayReading::MonthFirst => "month first",
        DayReading::DayFirst => "day first",
        DayReading::Coming => "the next such one",
        DayReading::Calendar => "that of the same year or of the next week",
    }
}
