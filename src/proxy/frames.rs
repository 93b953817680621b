//! Event streams (the HTML standard, section "server-sent events"), cut into events as they come in.
//! The bytes of an event are kept, so that they can be passed on unchanged.

/// One event: its bytes, with the empty line that ends it, and its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) raw: Vec<u8>,
    /// The data lines, joined; `None` for a comment or an event without data.
    pub(super) data: Option<String>,
}

/// Takes chunks and gives events.
#[derive(Debug, Default)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    /// Where the first line begins that was not looked at yet.
    line: usize,
}

impl Frames {
    /// The events that this chunk completes.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Vec<Frame> {
        self.buffer.extend_from_slice(chunk);
        let mut frames = Vec::new();
        let mut start = 0;
        while let Some((end, next)) = line_end(&self.buffer, self.line) {
            let empty = end == self.line;
            self.line = next;
            if empty {
                let raw = self.buffer[start..next].to_vec();
                frames.push(Frame { data: data(&raw), raw });
                start = next;
            }
        }
        self.buffer.drain(..start);
        self.line -= start;
        frames
    }

    /// Bytes that belong to no complete event yet.
    pub(super) fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// Takes those bytes.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        self.line = 0;
        std::mem::take(&mut self.buffer)
    }
}

/// End of the line that begins at `from`, and where the next one begins. A carriage return at the
/// end of what is there may be half of a line end, so more is waited for.
fn line_end(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let end = from + bytes.get(from..)?.iter().position(|b| matches!(b, b'\n' | b'\r'))?;
    match (bytes[end], bytes.get(end + 1)) {
        (b'\n', _) => Some((end, end + 1)),
        (_, Some(b'\n')) => Some((end, end + 2)),
        (_, Some(_)) => Some((end, end + 1)),
        (_, None) => None,
    }
}

fn data(raw: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(raw);
    let lines: Vec<&str> = text
        .split(['\n', '\r'])
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|rest| rest.strip_prefix(' ').unwrap_or(rest))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &str = ": hello\n\ndata: {\"a\":1}\n\nevent: x\r\ndata:two\r\ndata: lines\r\n\r\nid: 7\r\rdata: [DONE]\n\nrest";

    #[test]
    fn events_are_cut_with_their_bytes() {
        let mut frames = Frames::default();
        let all = frames.push(STREAM.as_bytes());
        let data: Vec<Option<&str>> = all.iter().map(|f| f.data.as_deref()).collect();
        assert_eq!(data, [None, Some("{\"a\":1}"), Some("two\nlines"), None, Some("[DONE]")]);
        assert_eq!(frames.waiting(), 4);
        assert_eq!(frames.rest(), b"rest");
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_chunks_end(cuts in proptest::collection::vec(0..STREAM.len(), 0..12)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let (mut frames, mut found, mut from) = (Frames::default(), Vec::new(), 0);
            for cut in cuts.into_iter().chain([STREAM.len()]) {
                found.extend(frames.push(&STREAM.as_bytes()[from..cut]));
                from = cut;
            }
            let bytes: Vec<u8> = found.iter().flat_map(|f| f.raw.clone()).chain(frames.rest()).collect();
            prop_assert_eq!(bytes, STREAM.as_bytes());
            prop_assert_eq!(found, Frames::default().push(STREAM.as_bytes()));
        }
    }
}
