//! Days that a text says: in figures, by the month's name, or counted from another day.
//!
//! Nothing here asks for the time: what a text says relative to another day is that, until the day
//! is given.

use jiff::Span;
use jiff::civil::{Date, Weekday};
use jiff::fmt::strtime;

use super::{Lexed, said_number};
use crate::domain::DayReading;

/// Most tokens of a day ("the day after tomorrow", "15th of May, 2024").
const MOST_TOKENS: usize = 6;

/// Forms of days in which one reading is possible.
const PLAIN: [&str; 12] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%B %d %Y",
    "%b %d %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%Y %B %d",
    "%A %B %d %Y",
    "%A %d %B %Y",
    "%b. %d %Y",
];
/// Forms without a year.
const WITHOUT_YEAR: [&str; 4] = ["%B %d", "%b %d", "%d %B", "%d %b"];
/// Forms of a whole value, for arguments and members of observations. The strings are `strftime`'s.
const FORMS: [&str; 24] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%-m/%-d/%Y",
    "%-d/%-m/%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%-d.%-m.%Y",
    "%B %d, %Y",
    "%B %-d, %Y",
    "%b %-d, %Y",
    "%-d %B %Y",
    "%d %B %Y",
    "%-d %b %Y",
    "%A, %B %-d, %Y",
    "%Y-%m-%dT00:00:00",
    "%Y-%m-%dT00:00:00Z",
    "%Y-%m-%d 00:00:00",
    "%B %-d",
    "%A",
];

/// A day as a text says it.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// This day.
    Day(Date),
    /// One of two, by which of the numbers is the month.
    Either {
        /// The first number is the month.
        month_first: Date,
        /// The first number is the day.
        day_first: Date,
    },
    /// A day of a year that is not said.
    Yearless {
        /// From 1.
        month: i8,
        /// From 1.
        day: i8,
    },
    /// So long after another day; before it, if negative.
    After(Distance),
    /// A day of the week, after another day.
    Weekday {
        /// Which.
        day: Weekday,
        /// The text says "next".
        next: bool,
    },
}

/// Days and months between two days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    /// Days.
    pub days: i32,
    /// Months, counted first.
    pub months: i32,
}

/// What a text says, if all of it is a day.
pub fn day(text: &str) -> Option<Said> {
    let text = text.trim();
    if text.is_empty() || text.len() > 40 || !text.is_ascii() {
        return None;
    }
    let words: Vec<String> = text
        .replace(',', " ")
        .split_whitespace()
        .map(|word| ordinal(word).unwrap_or(word).to_lowercase())
        .filter(|word| !matches!(word.as_str(), "of" | "the" | "on"))
        .collect();
    let plain = words.join(" ");
    let has_digit = plain.bytes().any(|b| b.is_ascii_digit());
    if has_digit {
        let parse = |form: &&str| Date::strptime(form, &plain).ok().filter(|day| is_year(*day));
        if let Some(day) = PLAIN.iter().find_map(parse) {
            return Some(Said::Day(day));
        }
        if let Some(said) = numbers(&plain) {
            return Some(said);
        }
        if let Some(said) = WITHOUT_YEAR.iter().find_map(|form| yearless(form, &plain)) {
            return Some(said);
        }
    }
    relative(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A year of today's calendar, not the number of something else.
fn is_year(day: Date) -> bool {
    (1000..=2999).contains(&day.year())
}

/// "15" of "15th".
fn ordinal(word: &str) -> Option<&str> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end))?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

/// Two short numbers and a year: "5/6/2024".
fn numbers(text: &str) -> Option<Said> {
    let mark = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| ['/', '-', '.'].contains(c))?;
    let parts: Vec<&str> = text.split(mark).collect();
    let [first, second, year] = parts[..] else { return None };
    let short = |part: &str| (1..=2).contains(&part.len());
    if !short(first) || !short(second) || year.len() != 4 {
        return None;
    }
    let (first, second, year) = (first.parse().ok()?, second.parse().ok()?, year.parse().ok()?);
    let month_first = Date::new(year, first, second).ok().filter(|day| is_year(*day));
    let day_first = Date::new(year, second, first).ok().filter(|day| is_year(*day));
    match (month_first, day_first) {
        (Some(a), Some(b)) if a != b => Some(Said::Either { month_first: a, day_first: b }),
        (Some(day), _) | (None, Some(day)) => Some(Said::Day(day)),
        (None, None) => None,
    }
}

fn yearless(form: &str, text: &str) -> Option<Said> {
    let parsed = strtime::parse(form, text).ok()?;
    let (month, day) = (parsed.month()?, parsed.day()?);
    Date::new(2024, month, day).is_ok().then_some(Said::Yearless { month, day })
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

/// What is said relative to another day.
fn relative(words: &[&str]) -> Option<Said> {
    let after = |days: i32| Some(Said::After(Distance { days, months: 0 }));
    let count = |word: &str| match word {
        "a" | "an" => Some(1),
        _ => super::lex(word)
            .tokens
            .first()
            .and_then(|token| {
                said_number(token)
                    .or_else(|| word.parse().ok())
                    .filter(|n| n.fract() == 0.0 && n.abs() < 10_000.0)
            })
            .map(|n| n as i32),
    };
    let unit = |n: i32, unit: &str, sign: i32| {
        let (days, months) = match unit {
            "day" | "days" => (n, 0),
            "week" | "weeks" => (7 * n, 0),
            "month" | "months" => (0, n),
            "year" | "years" => (0, 12 * n),
            _ => return None,
        };
        Some(Said::After(Distance { days: sign * days, months: sign * months }))
    };
    match words {
        ["today"] => after(0),
        ["tomorrow"] => after(1),
        ["yesterday"] => after(-1),
        ["day", "after", "tomorrow"] => after(2),
        ["day", "before", "yesterday"] => after(-2),
        ["in", n, own] => unit(count(n)?, own, 1),
        [n, own, "from", "now" | "today"] | [n, own, "later"] => unit(count(n)?, own, 1),
        [n, own, "ago"] => unit(count(n)?, own, -1),
        ["next", "week"] | ["week", "from", "today"] => after(7),
        ["next", day] => Some(Said::Weekday { day: weekday(day)?, next: true }),
        ["this" | "coming", day] | [day] => Some(Said::Weekday { day: weekday(day)?, next: false }),
        _ => None,
    }
}

/// Where the days end that the text says from token `at`, longest first.
pub fn days_at(text: &Lexed, at: usize) -> Vec<usize> {
    let most = text.tokens.len().min(at + MOST_TOKENS);
    // What is neither a number nor one of few words begins no day.
    let begins = text.tokens.get(at).is_some_and(|token| {
        token.folded.starts_with(|c: char| c.is_ascii_digit())
            || said_number(token).is_some()
            || is_month(&token.folded)
            || weekday(&token.folded).is_some()
            || matches!(
                token.folded.as_str(),
                "today" | "tomorrow" | "yesterday" | "day" | "in" | "next" | "this" | "coming" | "a" | "the"
            )
    });
    if !begins {
        return Vec::new();
    }
    // "the" and "of" may stand within a day, not at its ends.
    let bare = |at: usize| matches!(text.tokens[at].folded.as_str(), "of" | "on" | "," | "the");
    (at + 1..=most)
        .rev()
        .filter(|end| (!bare(at) || text.tokens[at].is("the")) && !bare(end - 1))
        .filter(|end| day(text.slice(at, *end)).is_some())
        .collect()
}

fn is_month(word: &str) -> bool {
    let word = word.trim_end_matches('.');
    word.len() >= 3 && strtime::parse("%B", word).or_else(|_| strtime::parse("%b", word)).is_ok()
}

/// The day that is meant. `from` is the day that a text counts from.
pub fn meant(said: &Said, reading: DayReading, from: Option<Date>) -> Option<Date> {
    match said {
        Said::Day(day) => Some(*day),
        Said::Either { month_first, day_first } => match reading {
            DayReading::MonthFirst => Some(*month_first),
            DayReading::DayFirst => Some(*day_first),
            DayReading::Coming | DayReading::Calendar => None,
        },
        Said::Yearless { month, day } => {
            let from = from?;
            let this = Date::new(from.year(), *month, *day).ok();
            match reading {
                DayReading::Coming => this
                    .filter(|day| *day >= from)
                    .or_else(|| Date::new(from.year().checked_add(1)?, *month, *day).ok()),
                DayReading::Calendar => this,
                DayReading::MonthFirst | DayReading::DayFirst => None,
            }
        }
        Said::After(by) => shifted(from?, *by),
        Said::Weekday { day, next } => {
            let from = from?;
            let ahead = i32::from(from.weekday().until(*day));
            let coming = if ahead == 0 { 7 } else { ahead };
            let monday = i32::from(from.weekday().to_monday_zero_offset());
            let in_next_week = 7 - monday + i32::from(day.to_monday_zero_offset());
            let days = match reading {
                DayReading::Coming if *next => coming,
                DayReading::Calendar if *next => in_next_week,
                // On the day itself it may be this one or the one after.
                DayReading::Coming => coming,
                DayReading::Calendar => ahead,
                DayReading::MonthFirst | DayReading::DayFirst => return None,
            };
            shifted(from, Distance { days, months: 0 })
        }
    }
}

/// A day moved by so much.
pub fn shifted(day: Date, by: Distance) -> Option<Date> {
    let span = Span::new().try_months(by.months).ok()?.try_days(by.days).ok()?;
    day.checked_add(span).ok()
}

/// The forms in which a whole value may be that day: each with the day.
pub fn forms(value: &str) -> Vec<(Date, &'static str)> {
    if value.len() > 40 || !value.bytes().any(|b| b.is_ascii_digit()) {
        return Vec::new();
    }
    let read = |form: &&'static str| {
        let day = Date::strptime(form, value).ok().filter(|day| is_year(*day))?;
        (written(day, form).as_deref() == Some(value)).then_some((day, *form))
    };
    FORMS.iter().filter_map(read).collect()
}

/// A day in a `strftime` form; `None` if the form asks for more than a day.
pub fn written(day: Date, form: &str) -> Option<String> {
    strtime::format(form, day).ok()
}

/// The day of a whole value that can only be read in one way: a date, or a date with a time.
pub fn full_day(value: &str) -> Option<Date> {
    let head = value.split(['T', ' ']).next().filter(|head| head.len() == 10);
    match day(value) {
        Some(Said::Day(day)) => Some(day),
        Some(_) => None,
        None => head.and_then(|head| Date::strptime("%Y-%m-%d", head).ok()).filter(|day| is_year(*day)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::lex;
    use super::*;

    fn on(year: i16, month: i8, day: i8) -> Date {
        Date::new(year, month, day).unwrap()
    }

    #[test]
    fn days_in_figures_and_by_name() {
        for text in [
            "2024-05-15",
            "2024/05/15",
            "May 15, 2024",
            "may 15 2024",
            "May 15th, 2024",
            "15 May 2024",
            "the 15th of May 2024",
            "15/05/2024",
            "05/15/2024",
            "Wednesday, May 15, 2024",
            "20240515",
            "15.5.2024",
        ] {
            assert_eq!(day(text), Some(Said::Day(on(2024, 5, 15))), "{text}");
        }
        let either = Said::Either { month_first: on(2024, 5, 6), day_first: on(2024, 6, 5) };
        assert_eq!(day("05/06/2024"), Some(either));
        assert_eq!(day("05/05/2024"), Some(Said::Day(on(2024, 5, 5))));
        assert_eq!(day("May 15"), Some(Said::Yearless { month: 5, day: 15 }));
        assert_eq!(day("15th of may"), Some(Said::Yearless { month: 5, day: 15 }));
        for text in ["may", "15", "2024", "40/40/2024", "1/2", "May 40", "0815-05-15 x", "12345678", "", "x"]
        {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn days_counted_from_another() {
        // A Wednesday.
        let from = Some(on(2024, 5, 15));
        let at = |text: &str, reading| day(text).and_then(|said| meant(&said, reading, from));
        for (text, coming, calendar) in [
            ("today", on(2024, 5, 15), on(2024, 5, 15)),
            ("tomorrow", on(2024, 5, 16), on(2024, 5, 16)),
            ("the day after tomorrow", on(2024, 5, 17), on(2024, 5, 17)),
            ("in three days", on(2024, 5, 18), on(2024, 5, 18)),
            ("in 2 weeks", on(2024, 5, 29), on(2024, 5, 29)),
            ("in a month", on(2024, 6, 15), on(2024, 6, 15)),
            ("two days ago", on(2024, 5, 13), on(2024, 5, 13)),
            ("Friday", on(2024, 5, 17), on(2024, 5, 17)),
            ("next Friday", on(2024, 5, 17), on(2024, 5, 24)),
            ("Wednesday", on(2024, 5, 22), on(2024, 5, 15)),
            ("May 20", on(2024, 5, 20), on(2024, 5, 20)),
            ("May 2", on(2025, 5, 2), on(2024, 5, 2)),
        ] {
            assert_eq!(at(text, DayReading::Coming), Some(coming), "{text}");
            assert_eq!(at(text, DayReading::Calendar), Some(calendar), "{text}");
            assert_eq!(day(text).and_then(|said| meant(&said, DayReading::Coming, None)), None, "{text}");
        }
        assert_eq!(at("in nothing days", DayReading::Coming), None);
    }

    #[test]
    fn a_value_has_the_forms_that_write_it_as_it_stands() {
        assert_eq!(forms("2024-05-15"), [(on(2024, 5, 15), "%Y-%m-%d")]);
        let both = [(on(2024, 5, 6), "%m/%d/%Y"), (on(2024, 6, 5), "%d/%m/%Y")];
        assert_eq!(forms("05/06/2024"), both);
        assert_eq!(forms("May 5, 2024"), [(on(2024, 5, 5), "%B %-d, %Y"), (on(2024, 5, 5), "%b %-d, %Y")]);
        for text in ["2024", "K_1", "", "tomorrow", "12", "1200"] {
            assert!(forms(text).is_empty(), "{text}");
        }
        assert_eq!(full_day("2024-05-15T10:30:00"), Some(on(2024, 5, 15)));
        assert_eq!(full_day("05/06/2024"), None);
    }

    #[test]
    fn days_within_a_text_are_found_longest_first() {
        let text = lex("Leave on October 5, 2024, and return the 15th of May.");
        let found =
            |at: usize| days_at(&text, at).into_iter().map(|end| text.slice(at, end)).collect::<Vec<_>>();
        assert_eq!(found(2), ["October 5, 2024", "October 5"]);
        let fifteenth = text.tokens.iter().position(|t| t.is("the")).unwrap();
        assert_eq!(found(fifteenth), ["the 15th of May"]);
        assert!(days_at(&text, 0).is_empty() && days_at(&text, 99).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}|[a-z0-9 /.,-]{0,20}|(in|next|may|monday|[0-9]{1,9})( (days|5|ago|monday|[0-9]{1,4}))*") {
            if let Some(said) = day(&text) {
                meant(&said, DayReading::Coming, Some(on(2024, 2, 29)));
            }
            forms(&text);
            full_day(&text);
        }
    }
}
