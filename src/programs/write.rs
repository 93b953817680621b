//! Writes a value where a program has one, so that it can become nothing but a value.

use serde_json::Value;

use crate::domain::Quoting;

/// A value between its signs; `None` for one that is no scalar, or cannot stand there.
pub fn render(value: &Value, before: &str, after: &str, quoting: Quoting) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        _ => return None,
    };
    let mark = after.chars().next();
    let written = match quoting {
        Quoting::Sql => match before.chars().next() {
            // A backslash escapes in some dialects and says itself in others.
            Some(quote @ ('\'' | '"')) if !text.contains('\\') => {
                text.replace(quote, &format!("{quote}{quote}"))
            }
            Some(_) => return None,
            // Without quotation marks it is a number, or another statement would be made of it.
            None => number(&text)?,
        },
        Quoting::Number => number(&text)?,
        Quoting::Name => text.chars().enumerate().all(in_name).then_some(text).filter(|t| !t.is_empty())?,
        // A word with a dash before it would be an option.
        Quoting::ShellWord if text.is_empty() || text.starts_with('-') || text.contains(char::is_control) => {
            return None;
        }
        // Signs that stand for themselves only where nothing else makes more of them.
        Quoting::ShellWord if text.contains([']', '^', '~']) && !text.contains('\'') => format!("'{text}'"),
        Quoting::ShellWord => shlex::try_quote(&text).ok()?.into_owned(),
        Quoting::ShellSingle => match text.contains('\0') {
            true => return None,
            false => text.replace('\'', r"'\''"),
        },
        Quoting::ShellDouble => escaped(&text, &['\\', '"', '$', '`'], |c| c == '\n' || c == '\t')?,
        Quoting::Escaped => {
            let text = escaped(&text, &['\\', mark?], |c| matches!(c, '\n' | '\t' | '\r'))?;
            text.replace('\n', r"\n").replace('\t', r"\t").replace('\r', r"\r")
        }
        Quoting::Long => {
            let stays = |c: char| Some(c) != mark && c != '\\' && (!c.is_control() || c == '\n');
            text.chars().all(stays).then_some(text)?
        }
        Quoting::Inside => text.chars().all(is_plain).then_some(text)?,
    };
    Some(format!("{before}{written}{after}"))
}

/// Whether a sign means nothing to any program.
pub(super) fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || " _-.,:/@+%".contains(c)
}

/// A number in digits.
fn number(text: &str) -> Option<String> {
    let plain = text.trim_start_matches(['$', '€', '£']).replace(',', "");
    serde_json::from_str::<serde_json::Number>(&plain).ok().map(|_| plain)
}

fn in_name((at, c): (usize, char)) -> bool {
    c == '_' || c.is_alphabetic() || at > 0 && c.is_alphanumeric()
}

/// A text with a backslash before these signs; `None` with a control character that is not allowed.
fn escaped(text: &str, signs: &[char], allowed: fn(char) -> bool) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if signs.contains(&c) => out.extend(['\\', c]),
            c if c.is_control() && !allowed(c) => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_written_between_its_signs_and_cannot_leave_them() {
        let sql = |value: Value, before: &str, after: &str| render(&value, before, after, Quoting::Sql);
        assert_eq!(sql(json!("O'Hara"), "'", "'").unwrap(), "'O''Hara'");
        assert_eq!(sql(json!("\\' OR 1 = 1 --"), "'", "'"), None);
        assert_eq!(sql(json!("ca"), "'%", "%'").unwrap(), "'%ca%'");
        assert_eq!(sql(json!("1,200"), "", "").unwrap(), "1200");
        assert_eq!(sql(json!("1 OR 1"), "", ""), None);
        assert_eq!(sql(json!(["a"]), "'", "'"), None);
        let cases = [
            (Quoting::ShellWord, "", "a; rm b", Some("'a; rm b'")),
            (Quoting::ShellWord, "", "it's $HOME", Some("\"it's \"'$HOME'")),
            (Quoting::ShellWord, "", "-rf", None),
            (Quoting::ShellWord, "", "", None),
            (Quoting::ShellSingle, "'", "it's", Some(r"'it'\''s'")),
            (Quoting::ShellDouble, "\"", "$(rm b) `x` \"", Some("\"\\$(rm b) \\`x\\` \\\"\"")),
            (Quoting::Inside, "", "a b-1", Some("a b-1")),
            (Quoting::Inside, "", "$(rm b)", None),
            (Quoting::Inside, "", "{x}", None),
            (Quoting::Escaped, "'", "a'); x('\n", Some(r"'a\'); x(\'\n'")),
            (Quoting::Escaped, "\"", "a'b\\", Some(r#""a'b\\""#)),
            (Quoting::Escaped, "\"", "\u{1b}", None),
            (Quoting::Long, "\"\"\"", "a\nb", Some("\"\"\"a\nb\"\"\"")),
            (Quoting::Long, "\"\"\"", "a\"", None),
            (Quoting::Number, "", "1,200", Some("1200")),
            (Quoting::Number, "", "x", None),
            (Quoting::Name, "", "df_2", Some("df_2")),
            (Quoting::Name, "", "2df", None),
            (Quoting::Name, "", "a.b", None),
        ];
        for (quoting, sign, text, expected) in cases {
            let written = render(&json!(text), sign, sign, quoting);
            assert_eq!(written.as_deref(), expected, "{quoting:?} {text:?}");
        }
    }
}
