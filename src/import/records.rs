use std::io::{self, BufRead, Read};

/// Bytes of a record; a longer one is named and left out.
pub(super) const MOST_BYTES: usize = 64 << 20;
/// What some editors begin a file of UTF-8 with.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A piece of a file that should be one JSON value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    /// Its bytes; `None` if there are too many.
    pub(super) bytes: Option<Vec<u8>>,
}

/// How the records of a file follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// One a line: a line that is malformed harms no other.
    Lines,
    /// The elements of one array, or values printed over several lines.
    Values,
}

/// Cuts a file into records as it is read, so that a file may be of any size.
pub(super) struct Records<R> {
    input: R,
    layout: Option<Layout>,
    line: usize,
    read: u64,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, layout: None, line: 1, read: 0 }
    }

    /// Bytes read so far.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// The next record, or `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        let layout = match self.layout {
            Some(layout) => layout,
            None => {
                let layout = self.recognise()?;
                *self.layout.insert(layout)
            }
        };
        match layout {
            Layout::Lines => self.by_line(),
            Layout::Values => self.by_value(),
        }
    }

    /// An array, or an object whose first line holds no more than its bracket, spans lines.
    fn recognise(&mut self) -> io::Result<Layout> {
        if self.input.fill_buf()?.starts_with(MARK) {
            self.input.consume(MARK.len());
            self.read += MARK.len() as u64;
        }
        self.skip(&|byte| byte.is_ascii_whitespace())?;
        let ahead = self.input.fill_buf()?;
        let alone = ahead.first() == Some(&b'{')
            && ahead[1..].iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r')) == Some(&b'\n');
        if ahead.first() == Some(&b'[') {
            self.input.consume(1);
            self.read += 1;
            return Ok(Layout::Values);
        }
        Ok(if alone { Layout::Values } else { Layout::Lines })
    }

    fn by_line(&mut self) -> io::Result<Option<Record>> {
        loop {
            let mut bytes = Vec::new();
            let limit = MOST_BYTES as u64 + 1;
            let read = (&mut self.input).take(limit).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.read += read as u64;
            let line = self.line;
            self.line += 1;
            if bytes.len() > MOST_BYTES && bytes.last() != Some(&b'\n') {
                self.skip_line()?;
                return Ok(Some(Record { line, bytes: None }));
            }
            if !bytes.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(Record { line, bytes: Some(bytes) }));
            }
        }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let ahead = self.input.fill_buf()?;
            let end = ahead.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(ahead.len(), |at| at + 1);
            self.input.consume(used);
            self.read += used as u64;
            if end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }

    /// The next value by its brackets; what stands between values is skipped.
    fn by_value(&mut self) -> io::Result<Option<Record>> {
        self.skip(&|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b']'))?;
        let line = self.line;
        let (mut bytes, mut too_many) = (Vec::new(), false);
        let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
        loop {
            let ahead = self.input.fill_buf()?;
            let mut used = 0;
            let mut ended = ahead.is_empty();
            for &byte in ahead {
                if depth == 0 && !in_text && matches!(byte, b',' | b']') {
                    ended = true;
                    break;
                }
                used += 1;
                self.line += usize::from(byte == b'\n');
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if in_text => escaped = true,
                    b'"' => in_text = !in_text,
                    b'{' | b'[' if !in_text => depth += 1,
                    b'}' | b']' if !in_text => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            ended = true;
                            break;
                        }
                    }
                    _ => {}
                }
            }
            too_many |= bytes.len() + used > MOST_BYTES;
            if too_many {
                bytes.clear();
            } else {
                bytes.extend_from_slice(&ahead[..used]);
            }
            self.input.consume(used);
            self.read += used as u64;
            if ended {
                break;
            }
        }
        if bytes.iter().all(u8::is_ascii_whitespace) && !too_many {
            return Ok(None);
        }
        Ok(Some(Record { line, bytes: (!too_many).then_some(bytes) }))
    }

    fn skip(&mut self, idle: &dyn Fn(u8) -> bool) -> io::Result<()> {
        loop {
            let ahead = self.input.fill_buf()?;
            let used = ahead.iter().position(|byte| !idle(*byte)).unwrap_or(ahead.len());
            let more = used == ahead.len() && used > 0;
            self.line += ahead[..used].iter().filter(|byte| **byte == b'\n').count();
            self.input.consume(used);
            self.read += used as u64;
            if !more {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<(usize, String)> {
        // A buffer of a few bytes, so that every border falls into a value.
        let mut records = Records::new(io::BufReader::with_capacity(3, text.as_bytes()));
        let mut all = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let text = String::from_utf8(record.bytes.unwrap()).unwrap();
            all.push((record.line, text.trim().to_owned()));
        }
        assert_eq!(records.read(), text.len() as u64);
        all
    }

    fn owned(all: &[(usize, &str)]) -> Vec<(usize, String)> {
        all.iter().map(|(line, text)| (*line, (*text).to_owned())).collect()
    }

    #[test]
    fn a_line_is_a_record_whatever_it_holds() {
        let text = "\n{\"a\": \"]}\\\"\"}\n\n{\"b\": [\n{\"c\": 1}";
        assert_eq!(records(text), owned(&[(2, "{\"a\": \"]}\\\"\"}"), (4, "{\"b\": ["), (5, "{\"c\": 1}")]));
        assert_eq!(records(""), []);
        assert_eq!(records("\u{feff}{}\n{}"), owned(&[(1, "{}"), (2, "{}")]));
    }

    #[test]
    fn the_elements_of_an_array_are_records() {
        let text = " [\n  {\"a\": [1, {\"b\": \"}\"}]},\n  7,\n {\n  \"c\": 2 }\n]\n";
        let expected = [(2, "{\"a\": [1, {\"b\": \"}\"}]}"), (3, "7"), (4, "{\n  \"c\": 2 }")];
        assert_eq!(records(text), owned(&expected));
        assert_eq!(records("[]"), []);
    }

    #[test]
    fn an_object_over_several_lines_is_one_record() {
        let mut whole = Records::new("{\n \"a\": 1\n}\n{\n \"b\": 2\n}\n".as_bytes());
        assert_eq!(whole.next().unwrap().unwrap().line, 1);
        assert_eq!(whole.next().unwrap().unwrap().line, 4);
        assert_eq!(whole.next().unwrap(), None);
    }
}
