//! Reads what the model writes, as it comes: text up to where it stops, and calls.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::grammar::{MARKS, marks};

/// What was understood so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Some text.
    Text(String),
    /// A whole call, with its arguments as they were written.
    Call { name: String, arguments: String },
}

#[derive(Deserialize)]
struct Call {
    name: String,
    arguments: Box<RawValue>,
}

/// Where calls may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    Nowhere,
    /// Between their marks.
    Marked,
    /// Also in a fence, or without any marks in place of a text.
    Bare,
}

/// Takes bytes and gives what they say.
#[derive(Debug)]
pub(super) struct Reading {
    calls: Calls,
    stops: Vec<String>,
    /// Bytes of a character that is not complete.
    partial: Vec<u8>,
    /// Text that may still turn out to be a beginning of something else.
    held: String,
    /// Some text was said.
    spoke: bool,
    in_call: bool,
    /// What ends the call.
    end: &'static str,
    called: bool,
    stopped: bool,
}

impl Reading {
    pub(super) fn new(calls: Calls, stops: Vec<String>) -> Self {
        Self {
            calls,
            stops,
            partial: Vec::new(),
            held: String::new(),
            spoke: false,
            in_call: false,
            end: "",
            called: false,
            stopped: false,
        }
    }

    /// A text was found at which the answer ends.
    pub(super) fn stopped(&self) -> bool {
        self.stopped
    }

    /// A whole call was read.
    pub(super) fn called(&self) -> bool {
        self.called
    }

    /// What these bytes add.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Said> {
        self.partial.extend_from_slice(bytes);
        let whole = whole(&self.partial);
        let text: Vec<u8> = self.partial.drain(..whole).collect();
        self.held.push_str(&String::from_utf8_lossy(&text));
        let mut said = Vec::new();
        while !self.stopped {
            let more = if self.in_call { self.call() } else { self.text() };
            match more {
                Some(more) => said.extend(more),
                None => break,
            }
        }
        said
    }

    /// What is left when nothing more comes. A call that is not complete is none.
    pub(super) fn finish(&mut self) -> Option<Said> {
        let held = std::mem::take(&mut self.held);
        let nothing = if self.called { held.trim().is_empty() } else { held.is_empty() };
        (!self.stopped && !self.in_call && !nothing).then_some(Said::Text(held))
    }

    /// Takes text from what is held; `None` if nothing can be said of it yet.
    fn text(&mut self) -> Option<Option<Said>> {
        if self.calls == Calls::Bare && !self.spoke && self.held.trim_start().starts_with('{') {
            (self.in_call, self.end) = (true, "");
            return Some(None);
        }
        let stop = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        let begun = marks(self.calls).iter().filter_map(|marks| Some((self.held.find(marks.0)?, *marks)));
        let call = begun.min_by_key(|(at, _)| *at);
        if let Some(at) = stop.filter(|stop| call.is_none_or(|(call, _)| *stop < call)) {
            self.stopped = true;
            return Some(self.take(at));
        }
        if let Some((at, marks)) = call {
            let end = self.held.get(..at).map_or(0, |text| text.trim_end().len());
            let text = self.take(end);
            let rest = self.held.split_once(marks.0).map_or("", |(_, rest)| rest).to_owned();
            self.held = rest;
            (self.in_call, self.end) = (true, marks.1);
            if marks == MARKS {
                // From here on all calls have these marks.
                self.calls = Calls::Marked;
            }
            return Some(text);
        }
        let free = self.held.len() - self.undecided();
        if free == 0 { None } else { Some(self.take(free)) }
    }

    /// Takes a call from what is held; `None` if it is not complete.
    fn call(&mut self) -> Option<Option<Said>> {
        let mut calls = serde_json::Deserializer::from_str(&self.held).into_iter::<Call>();
        let call = calls.next()?.ok()?;
        let rest = self.held.get(calls.byte_offset()..)?;
        let rest = rest.trim_start().strip_prefix(self.end)?.to_owned();
        self.held = rest;
        (self.in_call, self.called) = (false, true);
        Some(Some(Said::Call { name: call.name, arguments: call.arguments.get().to_owned() }))
    }

    fn take(&mut self, end: usize) -> Option<Said> {
        let rest = self.held.split_off(end);
        let text = std::mem::replace(&mut self.held, rest);
        self.spoke |= !text.is_empty();
        (!text.is_empty()).then_some(Said::Text(text))
    }

    /// How many bytes at the end may be the beginning of a stop or of a call, with the blanks that
    /// stand before a call.
    fn undecided(&self) -> usize {
        let marks = marks(self.calls).iter().map(|(begin, _)| *begin);
        let begun = |word: &str| {
            (1..word.len())
                .rev()
                .find(|n| word.get(..*n).is_some_and(|beginning| self.held.ends_with(beginning)))
        };
        let words = self.stops.iter().map(String::as_str).chain(marks);
        let begun = words.filter_map(begun).max().unwrap_or(0);
        if self.calls == Calls::Nowhere {
            return begun;
        }
        let before = self.held.get(..self.held.len() - begun).unwrap_or_default();
        begun + before.len() - before.trim_end().len()
    }
}

/// How many bytes are whole characters.
fn whole(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.len(),
        // Neither complete nor the beginning of a character: taken as it is.
        Err(error) if error.error_len().is_some() => bytes.len(),
        Err(error) => error.valid_up_to(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Said {
        Said::Text(text.to_owned())
    }

    /// All that is said, with adjacent texts joined.
    fn read(calls: Calls, stops: &[&str], chunks: &[&[u8]]) -> (Vec<Said>, bool) {
        let mut reading = Reading::new(calls, stops.iter().map(|stop| (*stop).to_owned()).collect());
        let mut all: Vec<Said> = Vec::new();
        let mut said: Vec<Said> = chunks.iter().flat_map(|chunk| reading.push(chunk)).collect();
        said.extend(reading.finish());
        for one in said {
            match (all.last_mut(), one) {
                (Some(Said::Text(last)), Said::Text(more)) => last.push_str(&more),
                (_, one) => all.push(one),
            }
        }
        (all, reading.stopped())
    }

    const CALLS: &str = "I look, ü.\n<tool_call>\n{\"name\": \"a\", \"arguments\": {\"x\": \"</tool_call> \\\"\"}}\n</tool_call>\n\
                         <tool_call>\n{\"name\": \"b\", \"arguments\": {}}\n</tool_call>";

    fn calls() -> Vec<Said> {
        let call =
            |name: &str, arguments: &str| Said::Call { name: name.into(), arguments: arguments.into() };
        vec![text("I look, ü."), call("a", "{\"x\": \"</tool_call> \\\"\"}"), call("b", "{}")]
    }

    #[test]
    fn an_unfinished_call_is_none_and_what_looks_like_one_is_text() {
        let cut = CALLS.len() - 8;
        assert_eq!(read(Calls::Marked, &[], &[&CALLS.as_bytes()[..cut]]).0, calls()[..2]);
        assert_eq!(read(Calls::Marked, &[], &[b"a <tool_", b"box> b \n"]).0, [text("a <tool_box> b \n")]);
        assert_eq!(read(Calls::Nowhere, &[], &[b"a <tool_call>"]).0, [text("a <tool_call>")]);
    }

    #[test]
    fn calls_without_marks_stand_in_place_of_a_text() {
        let bare = b"{\"name\": \"a\", \"arguments\": {\"x\": \"</tool_call> \\\"\"}}\n{\"name\": \"b\", \"arguments\": {}}";
        assert_eq!(read(Calls::Bare, &[], &[bare]).0, calls()[1..]);
        assert_eq!(read(Calls::Bare, &[], &[&bare[..60]]).0, calls()[1..2]);
        assert_eq!(read(Calls::Bare, &[], &[CALLS.as_bytes()]).0, calls());
        assert_eq!(read(Calls::Bare, &[], &[b"It is ", b"{\"name\": 1}"]).0, [text("It is {\"name\": 1}")]);
        let fenced = b"I look, \xc3\xbc.\n```json\n{\"name\": \"b\", \"arguments\": {}}\n```";
        assert_eq!(read(Calls::Bare, &[], &[fenced]).0, [calls()[0].clone(), calls()[2].clone()]);
        assert_eq!(read(Calls::Marked, &[], &[b"{\"name\": 1}"]).0, [text("{\"name\": 1}")]);
    }

    #[test]
    fn the_first_stop_ends_the_text() {
        let (said, stopped) = read(Calls::Nowhere, &["\n\n", "END"], &[b"one\n", b"two E", b"N", b"D three"]);
        assert_eq!((said, stopped), (vec![text("one\ntwo ")], true));
        let (said, stopped) = read(Calls::Nowhere, &["END"], &[b"the E", b"N"]);
        assert_eq!((said, stopped), (vec![text("the EN")], false));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_pieces_end(cuts in proptest::collection::vec(0..CALLS.len(), 0..12)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut chunks = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([CALLS.len()]) {
                chunks.push(&CALLS.as_bytes()[from..cut]);
                from = cut;
            }
            prop_assert_eq!(read(Calls::Marked, &["STOP"], &chunks).0, calls());
        }
    }
}
