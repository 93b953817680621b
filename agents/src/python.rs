//! JSON as Python's `json.dumps` writes it with its defaults, so that an observation is the same
//! text, byte for byte, whichever implementation of a tool made it.

use serde_json::{Number, Value};
use std::fmt::Write;

/// The text of a value: separators `", "` and `": "`, non-ASCII characters escaped, keys in the
/// order of insertion, floats as Python prints them.
pub fn dumps(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (i, (key, member)) in map.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_string(out, key);
                out.push_str(": ");
                write_value(out, member);
            }
            out.push('}');
        }
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            other => {
                let mut units = [0u16; 2];
                for unit in other.encode_utf16(&mut units) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_text(float),
        _ => number.to_string(),
    }
}

/// A float as Python's `repr` writes it: the shortest digits that read back the same, with an
/// exponent below 1e-4 and from 1e16 on.
pub fn float_text(float: f64) -> String {
    if !float.is_finite() {
        return if float.is_nan() {
            "NaN".to_owned()
        } else if float > 0.0 {
            "Infinity".to_owned()
        } else {
            "-Infinity".to_owned()
        };
    }
    let scientific = format!("{float:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if float != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{float}");
    if plain.contains('.') { plain } else { plain + ".0" }
}

/// Rounds to two decimals as Python's `round(x, 2)` does: correctly from the exact binary value.
pub fn round2(float: f64) -> f64 {
    format!("{float:.2}").parse().unwrap_or(float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn floats_print_as_python_prints_them() {
        for (float, text) in [
            (158.9, "158.9"),
            (5.0, "5.0"),
            (-0.0, "-0.0"),
            (-23.24, "-23.24"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (5.684341886080802e-14, "5.684341886080802e-14"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
        ] {
            assert_eq!(float_text(float), text);
        }
    }

    #[test]
    fn rounding_uses_the_exact_value() {
        assert_eq!(round2(2.675), 2.67);
        assert_eq!(round2(0.125), 0.12);
        assert_eq!(round2(-14.519999999999982), -14.52);
    }

    #[test]
    fn escapes_are_ascii() {
        assert_eq!(
            dumps(&json!({"a": "\u{e9}\u{1f600}\"\n\u{7f}", "b": [1, 2.5, null]})),
            "{\"a\": \"\\u00e9\\ud83d\\ude00\\\"\\n\\u007f\", \"b\": [1, 2.5, null]}"
        );
    }
}
