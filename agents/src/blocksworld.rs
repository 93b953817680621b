//! Blocksworld: four actions of a hand over a table of blocks, as PlanBench has them (STRIPS:
//! preconditions, deleted facts, added facts). Blocks are called as its requests call them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::agent::Environment;
use crate::import::described;

/// What each object is called in a request.
const BLOCKS: [(&str, &str); 12] = [
    ("a", "red block"),
    ("b", "blue block"),
    ("c", "orange block"),
    ("d", "yellow block"),
    ("e", "white block"),
    ("f", "magenta block"),
    ("g", "black block"),
    ("h", "cyan block"),
    ("i", "green block"),
    ("j", "violet block"),
    ("k", "silver block"),
    ("l", "gold block"),
];

/// Something that is so: a word and the blocks of which it holds, as `on d a`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    word: String,
    blocks: Vec<String>,
}

impl Fact {
    /// Reads a fact as the data writes it, with objects for blocks: `on d a`.
    ///
    /// # Errors
    /// When an object has no name, or nothing is said.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let word = words.next().ok_or("an empty fact")?.to_owned();
        let blocks = words.map(|object| block(object).map(str::to_owned)).collect::<Result<_, _>>()?;
        Ok(Self { word, blocks })
    }

    fn new(word: &str, blocks: &[&str]) -> Self {
        Self { word: word.to_owned(), blocks: blocks.iter().map(|b| (*b).to_owned()).collect() }
    }
}

impl std::fmt::Display for Fact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.word.as_str(), self.blocks.as_slice()) {
            ("on", [upper, lower]) => write!(f, "the {upper} is on top of the {lower}"),
            ("ontable", [block]) => write!(f, "the {block} is on the table"),
            ("clear", [block]) => write!(f, "the {block} is clear"),
            ("holding", [block]) => write!(f, "the hand holds the {block}"),
            ("handempty", []) => f.write_str("the hand is empty"),
            (word, blocks) => write!(f, "{word} {}", blocks.join(" ")),
        }
    }
}

/// What an object of the data is called.
///
/// # Errors
/// When there is no such object.
pub fn block(object: &str) -> Result<&'static str, String> {
    let found = BLOCKS.iter().find(|(name, _)| *name == object);
    found.map(|(_, block)| *block).ok_or_else(|| format!("there is no name for the object {object:?}"))
}

/// The actions: name, what each does, and what its arguments are called.
const ACTIONS: [(&str, &str, &[&str]); 4] = [
    ("pick-up", "Picks up a clear block from the table with the empty hand.", &["block"]),
    ("put-down", "Puts the block in the hand on the table.", &["block"]),
    ("stack", "Puts the block in the hand on top of a clear block.", &["block", "onto"]),
    ("unstack", "Takes a clear block off the block below it with the empty hand.", &["block", "from"]),
];

/// The tools, as OpenAI function descriptions.
pub fn tools() -> Vec<Value> {
    let block = json!({"type": "string", "description": "A block, such as \"red block\"."});
    let tool = |(name, about, arguments): &(&str, &str, &[&str])| {
        let properties = arguments.iter().map(|argument| ((*argument).to_owned(), block.clone()));
        described(name, about, Value::Object(properties.collect()), arguments)
    };
    ACTIONS.iter().map(tool).collect()
}

/// The arguments of an action on these blocks.
///
/// # Errors
/// When there is no such action, or it wants another number of blocks.
pub fn arguments(action: &str, blocks: &[&str]) -> Result<Map<String, Value>, String> {
    let (_, _, names) =
        ACTIONS.iter().find(|(name, ..)| *name == action).ok_or_else(|| format!("unknown tool {action}"))?;
    if names.len() != blocks.len() {
        return Err(format!("{action} wants {} blocks, not {}", names.len(), blocks.len()));
    }
    Ok(names.iter().zip(blocks).map(|(name, block)| ((*name).to_owned(), json!(block))).collect())
}

/// The table, as the actions so far left it.
#[derive(Clone, Debug, Default)]
pub struct Blocksworld {
    facts: BTreeSet<Fact>,
}

impl Blocksworld {
    /// A table of which these facts hold.
    pub fn new(facts: impl IntoIterator<Item = Fact>) -> Self {
        Self { facts: facts.into_iter().collect() }
    }

    /// Whether a fact holds.
    pub fn holds(&self, fact: &Fact) -> bool {
        self.facts.contains(fact)
    }

    fn act(&mut self, action: &str, given: &Map<String, Value>) -> Result<(), String> {
        let (_, _, names) = ACTIONS
            .iter()
            .find(|(name, ..)| *name == action)
            .ok_or_else(|| format!("unknown tool {action}"))?;
        let mut blocks = Vec::new();
        for name in *names {
            let block = given.get(*name).and_then(Value::as_str);
            blocks.push(block.ok_or_else(|| format!("argument '{name}' must be a string"))?);
        }
        let empty = || Fact::new("handempty", &[]);
        let one = |word: &str, n: usize| Fact::new(word, &[blocks.get(n).copied().unwrap_or_default()]);
        let on = || Fact::new("on", &blocks);
        // Every fact that is wanted is also one that is gone afterwards.
        let (gone, added) = match action {
            "pick-up" => (vec![one("clear", 0), one("ontable", 0), empty()], vec![one("holding", 0)]),
            "put-down" => (vec![one("holding", 0)], vec![one("clear", 0), empty(), one("ontable", 0)]),
            "stack" => (vec![one("clear", 1), one("holding", 0)], vec![empty(), one("clear", 0), on()]),
            _ => (vec![on(), one("clear", 0), empty()], vec![one("holding", 0), one("clear", 1)]),
        };
        if let Some(missing) = gone.iter().find(|fact| !self.holds(fact)) {
            return Err(format!("it is not so that {missing}"));
        }
        self.facts.retain(|fact| !gone.contains(fact));
        self.facts.extend(added);
        Ok(())
    }
}

impl Environment for Blocksworld {
    fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> String {
        match self.act(tool, arguments) {
            Ok(()) => "ok".to_owned(),
            Err(why) => format!("Error: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> Blocksworld {
        let facts = ["handempty", "ontable a", "on b a", "clear b", "ontable c", "clear c"];
        Blocksworld::new(facts.map(|fact| Fact::read(fact).unwrap()))
    }

    fn act(world: &mut Blocksworld, action: &str, blocks: &[&str]) -> String {
        world.call(action, &arguments(action, blocks).unwrap())
    }

    #[test]
    fn an_action_deletes_and_adds_facts() {
        let mut world = world();
        assert_eq!(act(&mut world, "unstack", &["blue block", "red block"]), "ok");
        assert!(world.holds(&Fact::read("holding b").unwrap()));
        assert!(world.holds(&Fact::read("clear a").unwrap()));
        assert_eq!(act(&mut world, "stack", &["blue block", "orange block"]), "ok");
        assert!(world.holds(&Fact::read("on b c").unwrap()));
        assert_eq!(act(&mut world, "pick-up", &["red block"]), "ok");
        assert_eq!(act(&mut world, "put-down", &["red block"]), "ok");
        assert!(world.holds(&Fact::read("ontable a").unwrap()));
        assert!(!world.holds(&Fact::read("on b a").unwrap()));
    }

    #[test]
    fn an_action_whose_precondition_does_not_hold_changes_nothing() {
        let mut world = world();
        let before = world.facts.clone();
        assert_eq!(
            act(&mut world, "pick-up", &["red block"]),
            "Error: it is not so that the red block is clear"
        );
        assert!(act(&mut world, "stack", &["blue block", "orange block"]).starts_with("Error: "));
        assert!(act(&mut world, "pick-up", &["grey block"]).starts_with("Error: "));
        assert!(world.call("push", &Map::new()).starts_with("Error: unknown tool"));
        assert_eq!(world.facts, before);
    }
}
