use serde_json::{Number, Value};

/// Marks of currencies that may stand before or after a number.
const CURRENCIES: [char; 5] = ['$', '€', '£', '¥', '₹'];

/// The number that figures say: with a sign, a mark of a currency, groups of thousands and
/// decimals, as far as they can only be read in one way. A comma before three digits groups, as
/// in English ("1,200"); before any other number of them it is a decimal comma ("0,5"). Where
/// commas and points both stand, the last is the decimal mark ("1.200,50"). Codes with leading
/// zeros are no numbers.
pub fn figures(text: &str) -> Option<f64> {
    let text = text.trim();
    let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let text = text.trim_matches(|c: char| CURRENCIES.contains(&c)).trim();
    if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let marks: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| !c.is_ascii_digit()).collect();
    let last = marks.last().copied();
    let others = |mark: char| marks.iter().filter(|(_, c)| *c == mark).count();
    let decimal = match last {
        None => None,
        Some((_, c)) if c != ',' && c != '.' => return None,
        Some((at, c)) if marks.len() == others(c) => {
            let after = text.len() - at - 1;
            let one = marks.len() == 1;
            (one && (c == '.' || after != 3)).then_some(at)
        }
        // Both marks: the last one is the decimal mark, and stands once.
        Some((at, c)) if others(c) == 1 => Some(at),
        Some(_) => return None,
    };
    let (whole, part) = decimal.map_or((text, ""), |at| (&text[..at], &text[at + 1..]));
    let groups: Vec<&str> = whole.split([',', '.']).collect();
    let grouped = groups.len() == 1
        || (!groups[0].is_empty()
            && groups[0].len() <= 3
            && groups[1..].iter().all(|group| group.len() == 3)
            && whole.chars().filter(|c| !c.is_ascii_digit()).all(|c| Some(c) != decimal_mark(text, decimal)));
    let digits = groups.concat();
    if !grouped || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    format!("{digits}.{part}0").parse::<f64>().ok().map(|number| sign * number)
}

fn decimal_mark(text: &str, decimal: Option<usize>) -> Option<char> {
    text[decimal?..].chars().next()
}

/// The figure before a percent mark: 6 of "6%".
pub fn percent(text: &str) -> Option<f64> {
    figures(text.trim().strip_suffix('%')?)
}

/// A number with the letters joined to it, in lower case: 5 and "km" of "5km". An ordinal is none.
pub fn quantity(text: &str) -> Option<(f64, String)> {
    let at = text.find(|c: char| c.is_alphabetic())?;
    let (number, unit) = text.split_at(at);
    let unit = unit.to_lowercase();
    let ordinal = matches!(unit.as_str(), "st" | "nd" | "rd" | "th");
    let letters = unit.chars().count() <= 6 && unit.chars().all(char::is_alphabetic);
    (letters && !ordinal).then(|| Some((figures(number)?, unit)))?
}

/// A number as JSON, without a fraction where it has none.
pub fn number(value: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        return Some(Value::from(value as i64));
    }
    // Products and quotients of decimals, without what binary fractions add to them.
    let rounded = format!("{value:.10}").parse::<f64>().ok().filter(|r| (r - value).abs() < 1e-9);
    Number::from_f64(rounded.unwrap_or(value)).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_where_there_is_one_reading() {
        for (text, number) in [
            ("1200", 1200.0),
            ("$1,200", 1200.0),
            ("1,200.50", 1200.5),
            ("1.200,50", 1200.5),
            ("€1.200.000", 1_200_000.0),
            ("0,5", 0.5),
            ("0.5", 0.5),
            ("-3", -3.0),
            ("12€", 12.0),
            ("0", 0.0),
        ] {
            assert_eq!(figures(text), Some(number), "{text}");
        }
        for text in ["", "007", "1,20,000", "1.200,50.3", "12a", "a12", "1,2,3", "3-4", "1:30", ".", "1."] {
            assert_eq!(figures(text), None, "{text}");
        }
    }

    #[test]
    fn percents_and_quantities() {
        assert_eq!((percent("6%"), percent("6.5 %"), percent("6")), (Some(6.0), Some(6.5), None));
        assert_eq!(quantity("5km"), Some((5.0, "km".into())));
        assert_eq!(quantity("1,500KG"), Some((1500.0, "kg".into())));
        for text in ["3rd", "5", "km", "5km2", "K5"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_have_no_more_digits_than_they_say() {
        assert_eq!(number(0.1 + 0.2), Some(serde_json::json!(0.3)));
        assert_eq!(number(5000.0), Some(serde_json::json!(5000)));
        assert_eq!(number(f64::NAN), None);
    }
}
