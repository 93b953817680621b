use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::conversation::Piece;
use super::items::Item;
use crate::domain::{Tool, canonical_hash};

/// Conversations that are held while others may still go on from them; the one that began first is
/// taken to be over.
const MOST_OPEN: usize = 4_096;

/// Planning calls put together to the conversations that they are of.
///
/// A request repeats all that was said before it. What it begins with tells which conversation it
/// goes on from; requests that the provider keeps state for name the response before.
#[derive(Debug, Default)]
pub(super) struct Threads {
    /// By order of beginning.
    open: BTreeMap<usize, Thread>,
    /// Conversations by the hash of all that was said in them, and by the last response.
    by_end: HashMap<String, usize>,
    by_response: HashMap<String, usize>,
    begun: usize,
}

/// A conversation under way.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) line: usize,
    pub(super) piece: Piece,
    end: String,
}

impl Threads {
    /// Takes a planning call; gives back a conversation that had to make room.
    pub(super) fn push(&mut self, line: usize, piece: Piece) -> Option<Thread> {
        match self.continued(&piece) {
            Some((number, known)) => self.go_on(number, known, piece),
            None => {
                let end = ends(&piece.items).pop().unwrap_or_default();
                self.put(self.begun, Thread { line, piece, end });
                self.begun += 1;
            }
        }
        if self.open.len() <= MOST_OPEN {
            return None;
        }
        let (number, thread) = self.open.pop_first()?;
        self.forget(number, &thread);
        Some(thread)
    }

    /// The conversation that went on last.
    pub(super) fn last(&self) -> Option<&Thread> {
        self.open.last_key_value().map(|(_, thread)| thread)
    }

    /// Goes on from the conversation that went on last, whatever was said before.
    pub(super) fn append(&mut self, piece: Piece) {
        if let Some(number) = self.open.last_key_value().map(|(number, _)| *number) {
            self.go_on(number, 0, piece);
        }
    }

    /// All that are left, by their beginnings.
    pub(super) fn finish(&mut self) -> Vec<Thread> {
        self.by_end.clear();
        self.by_response.clear();
        std::mem::take(&mut self.open).into_values().collect()
    }

    /// The conversation that a planning call goes on from, and how much of the call it knows.
    fn continued(&self, piece: &Piece) -> Option<(usize, usize)> {
        if let Some(number) = piece.previous.as_ref().and_then(|id| self.by_response.get(id)) {
            return Some((*number, 0));
        }
        let ends = ends(&piece.items);
        let found = ends
            .iter()
            .enumerate()
            .rev()
            .find_map(|(at, end)| self.by_end.get(end).map(|number| (*number, at + 1)));
        // Two calls that begin alike and both end here are two runs of one task.
        found.filter(|(_, known)| *known < piece.items.len())
    }

    fn go_on(&mut self, number: usize, known: usize, piece: Piece) {
        let Some(mut thread) = self.open.remove(&number) else { return };
        self.forget(number, &thread);
        let of_response = piece.previous.is_some();
        let new = piece.items.into_iter().skip(known);
        // Instructions are not kept by the provider, so they come with every request.
        thread.piece.items.extend(new.filter(|item| !of_response || !matches!(item, Item::Instructions(_))));
        thread.piece.tools = merged(thread.piece.tools.take(), piece.tools);
        thread.piece.outcome = super::outcome::worst(thread.piece.outcome, piece.outcome);
        thread.piece.response = piece.response;
        thread.end = ends(&thread.piece.items).pop().unwrap_or_default();
        self.put(number, thread);
    }

    fn put(&mut self, number: usize, thread: Thread) {
        self.by_end.insert(thread.end.clone(), number);
        if let Some(id) = &thread.piece.response {
            self.by_response.insert(id.clone(), number);
        }
        self.open.insert(number, thread);
    }

    fn forget(&mut self, number: usize, thread: &Thread) {
        if self.by_end.get(&thread.end) == Some(&number) {
            self.by_end.remove(&thread.end);
        }
        if let Some(id) = &thread.piece.response {
            self.by_response.remove(id);
        }
    }
}

/// The tools that were offered last.
fn merged(before: Option<Arc<Vec<Tool>>>, now: Option<Arc<Vec<Tool>>>) -> Option<Arc<Vec<Tool>>> {
    now.or(before)
}

/// For each beginning of a conversation, a hash of all that is said in it.
fn ends(items: &[Item]) -> Vec<String> {
    let mut hash = String::new();
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        hash = canonical_hash(&serde_json::json!([hash, item.key()]));
        all.push(hash.clone());
    }
    all
}
