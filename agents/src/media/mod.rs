//! Media discovery: finds the clips of plays that a person asks for in words, or counts, sums and
//! ranks them, over a season's plays and some years' games in an embedded database.
//!
//! A search gives a *handle* on the plays it found, and the tools that count, rank or list them
//! take that handle, so that thousands of plays never go through a conversation. A handle is
//! derived from what was searched for: the same search gives the same handle in every run.

mod columns;
mod library;

use std::collections::BTreeMap;

use plancache::domain::canonical_hash;
use serde_json::{Map, Value, json};

pub use library::{Clip, Library};

use crate::agent::Environment;
use crate::arguments::Arguments;
use crate::python;

/// The most clips that are listed at once.
const MOST_CLIPS: usize = 200;

/// How many hexadecimal digits of its hash a handle shows.
const DIGITS: usize = 12;

/// The tools whose result is what the user asked for: nothing else takes it.
const RESULTS: [&str; 5] = ["clips", "count", "final_score", "group_top", "sum"];

/// The tools over a library, and the plays that this run has found so far.
#[derive(Clone, Debug)]
pub struct Media {
    library: Library,
    found: BTreeMap<String, Vec<i64>>,
    answered: bool,
}

impl Media {
    /// The tools over this library; nothing is found yet.
    pub fn new(library: Library) -> Self {
        Self { library, found: BTreeMap::new(), answered: false }
    }

    fn dispatch(&mut self, tool: &str, arguments: &Map<String, Value>) -> Result<Value, String> {
        let given = Arguments(arguments);
        match tool {
            "find_team" => self.library.team(given.text("name")?),
            "find_game" => self.library.game(
                given.text("team")?,
                given.number("week")?,
                given.number("season")?,
                given.text("season_type")?,
            ),
            "final_score" => self.library.score(given.text("game")?),
            "search_plays" => {
                let plays = self.library.search(given.object("filters")?)?;
                Ok(self.keep(tool, arguments, plays))
            }
            "top" => {
                let descending = match given.text("order")? {
                    "desc" => true,
                    "asc" => false,
                    _ => return Err("argument 'order' must be 'asc' or 'desc'".to_owned()),
                };
                let (by, n) = (given.text("by")?, given.number("n")?);
                if n < 1 {
                    return Err("argument 'n' must be at least 1".to_owned());
                }
                let plays = self.library.top(self.plays(&given)?, by, n, descending)?;
                Ok(self.keep(tool, arguments, plays))
            }
            "count" => Ok(json!({"count": self.plays(&given)?.len()})),
            "sum" => self.library.sum(self.plays(&given)?, given.text("field")?),
            "group_top" => self.library.leader(self.plays(&given)?, given.text("by")?, given.text("value")?),
            "clips" => {
                let plays = self.plays(&given)?;
                if plays.len() > MOST_CLIPS {
                    return Err(format!("{} clips are too many to list; search for fewer", plays.len()));
                }
                Ok(json!(self.library.clips(plays)?))
            }
            _ => Err(format!("unknown tool {tool}")),
        }
    }

    /// The plays that the argument's handle stands for.
    fn plays(&self, arguments: &Arguments<'_>) -> Result<&[i64], String> {
        let handle = arguments.text("plays")?;
        let found = self.found.get(handle).map(Vec::as_slice);
        found.ok_or_else(|| format!("'{handle}' is no result of this conversation; search for plays first"))
    }

    /// Remembers plays under a handle that says how they were found.
    fn keep(&mut self, tool: &str, arguments: &Map<String, Value>, plays: Vec<i64>) -> Value {
        let hash = canonical_hash(&json!([tool, arguments]));
        let handle = format!("plays-{}", hash.get(..DIGITS).unwrap_or(&hash));
        let answer = json!({"plays": handle, "count": plays.len()});
        self.found.insert(handle, plays);
        answer
    }
}

impl Environment for Media {
    fn call(&mut self, tool: &str, arguments: &Map<String, Value>) -> String {
        let done = self.dispatch(tool, arguments);
        self.answered = done.is_ok() && RESULTS.contains(&tool);
        done.map_or_else(|why| format!("Error: {why}"), |value| python::dumps(&value))
    }

    /// A result ends the run, since the user sees it as it is; a call that failed does not.
    fn ends_run(&self, _: &str) -> bool {
        self.answered
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::LazyLock;
    use std::time::Instant;

    use super::*;

    const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../eval/data/nfl");

    static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::load(Path::new(DATA)).unwrap());

    fn ask(media: &mut Media, tool: &str, arguments: Value) -> Value {
        let text = media.call(tool, arguments.as_object().unwrap());
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    fn searched(media: &mut Media, filters: Value) -> Value {
        ask(media, "search_plays", json!({"filters": filters}))
    }

    #[test]
    fn a_handle_is_counted_summed_ranked_and_listed() {
        let mut media = Media::new(LIBRARY.clone());
        let found = searched(&mut media, json!({"rusher": "Tim Hightower", "play_type": "run"}));
        let plays = found["plays"].as_str().unwrap();
        assert_eq!(ask(&mut media, "count", json!({"plays": plays})), json!({"count": found["count"]}));
        let sum = ask(&mut media, "sum", json!({"plays": plays, "field": "yards"}));
        assert_eq!(sum, json!({"sum": 375}));
        let top = ask(&mut media, "top", json!({"plays": plays, "by": "yards", "n": 1, "order": "desc"}));
        assert_eq!(top["count"], 1);
        assert_eq!(ask(&mut media, "clips", json!({"plays": top["plays"]})), json!(["2015122700:3105"]));
        let leader = ask(&mut media, "group_top", json!({"plays": plays, "by": "week", "value": "yards"}));
        assert_eq!(leader, json!({"key": 16, "value": 122}));
        assert_eq!(LIBRARY.clip("2015122700:3105").unwrap().week, 16);
    }

    #[test]
    fn a_handle_says_how_it_was_found_and_belongs_to_one_run() {
        let mut media = Media::new(LIBRARY.clone());
        let one = searched(&mut media, json!({"down": 4, "posteam": "SF"}));
        let two = searched(&mut media, json!({"posteam": "SF", "down": 4}));
        assert_eq!(one, two);
        assert_ne!(one["plays"], searched(&mut media, json!({"down": 3, "posteam": "SF"}))["plays"]);
        let mut other = Media::new(LIBRARY.clone());
        let fresh = ask(&mut other, "count", json!({"plays": one["plays"]}));
        assert!(fresh.as_str().unwrap().starts_with("Error: 'plays-"), "{fresh}");
        assert!(!other.ends_run("count") && !media.ends_run("search_plays"));
        ask(&mut media, "count", json!({"plays": one["plays"]}));
        assert!(media.ends_run("count"));
    }

    #[test]
    fn each_of_several_names_finds_a_sack_and_a_part_of_one_does_not() {
        let mut media = Media::new(LIBRARY.clone());
        let count = |found: Value| found["count"].as_i64().unwrap();
        let sacks = "SELECT count(*) FROM plays WHERE play_type = 'sack' AND sacker LIKE '%; %'";
        assert!(LIBRARY.numbers(sacks)[0] > 20);
        assert!(count(searched(&mut media, json!({"sacker": "Von Miller"}))) >= 11);
        assert_eq!(count(searched(&mut media, json!({"sacker": "Miller"}))), 0);
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        let mut media = Media::new(LIBRARY.clone());
        let cases = [
            (json!({}), "Error: argument 'filters' is empty"),
            (json!({"player": "X"}), "Error: plays have no column 'player'; they have game_id"),
            (json!({"min_passer": 1}), "Error: column 'passer' holds no numbers"),
            (json!({"week": "8"}), "Error: filter 'week' must be a whole number"),
            (json!({"posteam": "Steelers"}), "Error: filter 'posteam' must be one of ARI, ATL"),
        ];
        for (filters, said) in cases {
            let answer = searched(&mut media, filters);
            assert!(answer.as_str().unwrap().starts_with(said), "{answer}");
        }
        let all = searched(&mut media, json!({"min_week": 1}));
        let answer = ask(&mut media, "clips", json!({"plays": all["plays"]}));
        assert_eq!(answer, "Error: 42868 clips are too many to list; search for fewer");
        assert_eq!(ask(&mut media, "rewind", json!({})), "Error: unknown tool rewind");
    }

    #[test]
    fn teams_and_games_are_looked_up() {
        let mut media = Media::new(LIBRARY.clone());
        let eagles = json!({"abbreviation": "PHI", "nickname": "Eagles"});
        assert_eq!(ask(&mut media, "find_team", json!({"name": "eagles"})), eagles);
        assert_eq!(ask(&mut media, "find_team", json!({"name": "phi"})), eagles);
        assert_eq!(ask(&mut media, "find_team", json!({"name": "X"})), "Error: there is no team 'X'");
        let asked = json!({"team": "PHI", "week": 5, "season": 2013, "season_type": "REG"});
        let game = ask(&mut media, "find_game", asked);
        let score = json!({"home": "NYG", "away": "PHI", "home_score": 21, "away_score": 36});
        assert_eq!(ask(&mut media, "final_score", json!({"game": game["game"]})), score);
        let asked = json!({"team": "PHI", "week": 12, "season": 2013, "season_type": "REG"});
        let bye = ask(&mut media, "find_game", asked);
        assert_eq!(bye, "Error: PHI had no game in week 12 of 2013 (REG)");
    }

    #[test]
    fn the_described_enumerations_are_those_of_the_data() {
        let text = std::fs::read_to_string(Path::new(DATA).join("tools.json")).unwrap();
        let tools: Vec<Value> = serde_json::from_str(&text).unwrap();
        let filters = &tools[0]["function"]["parameters"]["properties"]["filters"]["properties"];
        for column in ["play_type", "field_goal_result", "two_point_result"] {
            let described: Vec<&str> =
                filters[column]["enum"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
            assert_eq!(described, LIBRARY.members_of(column));
        }
        for (filter, described) in filters.as_object().unwrap() {
            let name = filter.trim_start_matches("min_").trim_start_matches("max_");
            let (_, kind) = columns::column(name).unwrap();
            assert_eq!(described["type"] == "integer", kind == columns::Kind::Number, "{filter}");
        }
    }

    #[test]
    fn a_search_takes_milliseconds() {
        let mut media = Media::new(LIBRARY.clone());
        let begun = Instant::now();
        for week in 1..=17 {
            searched(&mut media, json!({"passer": "Matt Ryan", "complete": 1, "week": week}));
        }
        assert!(begun.elapsed().as_millis() < 500, "{:?}", begun.elapsed());
    }
}
