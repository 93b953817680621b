use serde_json::{Map, Value};

/// Longest object literal that is read, in bytes.
const MOST_BYTES: usize = 2_000;

/// Reads an object literal that opens at byte `at`: `{'k': 'v', ...}`, `{"k": 1}`, `{k: v}`,
/// `[k = v | k2 = v2]`, `(k: v; k2: v2)`. Pairs are separated by commas, semicolons or bars, a key
/// from its value by a colon, an equals sign or an arrow. Values are kept as text. Returns the
/// object and the byte after its closing bracket; `None` if this is not one. Braces may be empty, and
/// square brackets with nothing at all between them.
pub(super) fn read(text: &str, at: usize) -> Option<(Value, usize)> {
    let mut reader = Reader { text, at };
    let close = match reader.next()? {
        '{' => '}',
        '[' => ']',
        '(' => ')',
        _ => return None,
    };
    let mut map = Map::new();
    loop {
        reader.blank();
        if reader.peek()? == close {
            reader.next();
            let empty = close == '}' || (close == ']' && reader.at == at + 2);
            return (empty || !map.is_empty()).then_some((Value::Object(map), reader.at));
        }
        let key = reader.item(&[':', '=', '-'], close)?;
        reader.blank();
        match reader.next()? {
            ':' | '=' => {}
            '-' if reader.peek()? == '>' => {
                reader.next();
            }
            _ => return None,
        }
        reader.blank();
        let value = reader.item(&[',', ';', '|'], close)?;
        if map.insert(key, Value::String(value)).is_some() {
            return None;
        }
        reader.blank();
        match reader.peek()? {
            ',' | ';' | '|' => {
                reader.next();
            }
            c if c == close => {}
            _ => return None,
        }
        if reader.at - at > MOST_BYTES {
            return None;
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
    }

    /// A key or value: quoted (with backslash escapes), or bare up to one of `ends` or the closing
    /// bracket. A bare one holds no bracket and no line break and is not empty.
    fn item(&mut self, ends: &[char], close: char) -> Option<String> {
        let first = self.peek()?;
        if first == '\'' || first == '"' {
            self.next();
            let mut out = String::new();
            loop {
                match self.next()? {
                    '\\' => out.push(self.next()?),
                    c if c == first => return Some(out),
                    '\n' => return None,
                    c => out.push(c),
                }
                if out.len() > MOST_BYTES {
                    return None;
                }
            }
        }
        let from = self.at;
        while let Some(c) = self.peek() {
            if c == close {
                break;
            }
            // A hyphen ends a key only as the start of an arrow.
            if ends.contains(&c) && (c != '-' || self.text[self.at..].starts_with("->")) {
                break;
            }
            if matches!(c, '{' | '}' | '[' | ']' | '(' | ')' | '\n') || self.at - from > 200 {
                return None;
            }
            self.next();
        }
        let item = self.text[from..self.at].trim();
        (!item.is_empty()).then(|| item.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn notations_read_alike() {
        let want = json!({"hue": "dark red", "size": "11"});
        for text in [
            "{'hue': 'dark red', 'size': '11'}",
            r#"{"hue": "dark red", "size": 11}"#,
            "{hue: dark red, size: 11}",
            "[hue = dark red | size = 11]",
            "(hue: dark red; size: 11)",
            "{hue -> dark red, size -> 11}",
        ] {
            assert_eq!(read(text, 0), Some((want.clone(), text.len())), "{text}");
        }
        assert_eq!(read("{}", 0), Some((json!({}), 2)));
        assert_eq!(read("[]", 0), Some((json!({}), 2)));
    }

    #[test]
    fn other_brackets_are_not_objects() {
        for text in ["(same as #12)", "[1, 2]", "{a: }", "{a: 1, a: 2}", "{a", "()", "[ ]", "(see: (a))"] {
            assert_eq!(read(text, 0), None, "{text}");
        }
    }
}
