//! The plays, games and teams, in a database of their own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Params, params_from_iter};
use serde_json::{Map, Value, json};

use super::columns::{self, COLUMNS, INDEXED, Kind};
use crate::sqlite::{self, DataError};

/// A clip: one play, with what happened in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// `game:play`.
    pub id: String,
    /// Which week of the season.
    pub week: i64,
    /// Who had the ball, and who defended.
    pub teams: (String, String),
    /// The play in words.
    pub description: String,
}

/// The library. Clones share one database, which nothing changes once it is loaded.
#[derive(Clone)]
pub struct Library {
    shared: Arc<Shared>,
}

struct Shared {
    database: Mutex<Connection>,
    /// The values of the columns that hold few.
    members: BTreeMap<&'static str, Vec<String>>,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").finish_non_exhaustive()
    }
}

impl Library {
    /// Reads `plays_2015_reg.csv`, `games_2009_2015.csv` and `teams.json` of a folder into an
    /// embedded database.
    ///
    /// # Errors
    /// When a file is missing or is not as expected.
    pub fn load(data: &Path) -> Result<Self, DataError> {
        let mut database = Connection::open_in_memory()?;
        let transaction = database.transaction()?;
        let declared: Vec<String> = COLUMNS.iter().map(declaration).collect();
        transaction.execute_batch(&format!("CREATE TABLE plays ({})", declared.join(", ")))?;
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        fill(&transaction, "plays", &names, &data.join("plays_2015_reg.csv"))?;
        for column in INDEXED {
            // Partial, so that a column of several names is scanned where it holds any.
            transaction.execute_batch(&format!(
                "CREATE INDEX plays_{column} ON plays ({column}) WHERE {column} IS NOT NULL"
            ))?;
        }
        transaction.execute_batch(
            "CREATE TABLE games (game_id TEXT PRIMARY KEY, season INTEGER, season_type TEXT, \
             week INTEGER, date TEXT, home TEXT, away TEXT, home_score INTEGER, away_score INTEGER)",
        )?;
        let of_games =
            ["game_id", "season", "season_type", "week", "date", "home", "away", "home_score", "away_score"];
        fill(&transaction, "games", &of_games, &data.join("games_2009_2015.csv"))?;
        transaction.execute_batch("CREATE TABLE teams (abbreviation TEXT PRIMARY KEY, nickname TEXT)")?;
        for (abbreviation, nickname) in teams(&data.join("teams.json"))? {
            transaction.execute("INSERT INTO teams VALUES (?1, ?2)", [abbreviation, nickname])?;
        }
        let members = members(&transaction)?;
        transaction.commit()?;
        database.pragma_update(None, "query_only", true)?;
        Ok(Self { shared: Arc::new(Shared { database: Mutex::new(database), members }) })
    }

    /// A clip by its id, `game:play`.
    pub fn clip(&self, id: &str) -> Option<Clip> {
        let (game, play) = id.split_once(':')?;
        let sql = "SELECT week, posteam, defteam, \"desc\" FROM plays WHERE game_id = ?1 AND play_id = ?2";
        let read = |row: &rusqlite::Row<'_>| {
            let teams = (row.get(1)?, row.get(2)?);
            Ok(Clip { id: id.to_owned(), week: row.get(0)?, teams, description: row.get(3)? })
        };
        self.database().prepare(sql).ok()?.query_row([game, play], read).ok()
    }

    /// The nickname of a team by its abbreviation.
    pub fn nickname(&self, abbreviation: &str) -> Option<String> {
        let sql = "SELECT nickname FROM teams WHERE abbreviation = ?1";
        self.database().prepare(sql).ok()?.query_row([abbreviation], |row| row.get(0)).ok()
    }

    /// A team by its nickname or abbreviation, in any case.
    pub(super) fn team(&self, name: &str) -> Result<Value, String> {
        let sql = "SELECT abbreviation, nickname FROM teams \
                   WHERE nickname = ?1 COLLATE NOCASE OR abbreviation = ?1 COLLATE NOCASE";
        self.record(sql, [name.trim()])?.ok_or_else(|| format!("there is no team '{name}'"))
    }

    /// The game of a team in a week.
    pub(super) fn game(&self, team: &str, week: i64, season: i64, kind: &str) -> Result<Value, String> {
        let sql = "SELECT game_id AS game, date, home, away FROM games \
                   WHERE season = ?2 AND season_type = ?3 AND week = ?4 AND ?1 IN (home, away)";
        let game = self.record(sql, (team, season, kind, week))?;
        game.ok_or_else(|| format!("{team} had no game in week {week} of {season} ({kind})"))
    }

    /// How a game ended.
    pub(super) fn score(&self, game: &str) -> Result<Value, String> {
        let sql = "SELECT home, away, home_score, away_score FROM games WHERE game_id = ?1";
        self.record(sql, [game])?.ok_or_else(|| format!("there is no game '{game}'"))
    }

    /// The plays that meet all filters, in the order of the file.
    pub(super) fn search(&self, filters: &Map<String, Value>) -> Result<Vec<i64>, String> {
        let (condition, values) = columns::condition(filters, &self.shared.members)?;
        let sql = format!("SELECT rowid FROM plays WHERE {condition} ORDER BY rowid");
        self.column(&sql, params_from_iter(values))
    }

    /// The first `n` of these plays by a column of numbers; plays without a value are left out.
    pub(super) fn top(&self, plays: &[i64], by: &str, n: i64, descending: bool) -> Result<Vec<i64>, String> {
        let (by, order) = (columns::number(by)?, if descending { "DESC" } else { "ASC" });
        let sql = format!(
            "SELECT rowid FROM plays WHERE rowid IN (SELECT value FROM json_each(?1)) \
             AND \"{by}\" IS NOT NULL ORDER BY \"{by}\" {order}, game_id, play_id LIMIT ?2"
        );
        self.column(&sql, (json!(plays).to_string(), n))
    }

    /// The sum of a column of numbers over these plays.
    pub(super) fn sum(&self, plays: &[i64], field: &str) -> Result<Value, String> {
        let field = columns::number(field)?;
        let sql = format!(
            "SELECT coalesce(sum(\"{field}\"), 0) AS sum FROM plays \
             WHERE rowid IN (SELECT value FROM json_each(?1))"
        );
        self.record(&sql, [json!(plays).to_string()])?.ok_or_else(|| "nothing was summed".to_owned())
    }

    /// The value of a column that has the most of these plays (`count`), or the largest sum of a
    /// column of numbers. Of several the one that comes first.
    pub(super) fn leader(&self, plays: &[i64], by: &str, value: &str) -> Result<Value, String> {
        let (by, _) = columns::column(by)?;
        let measure = match value {
            "count" => "count(*)".to_owned(),
            field => format!("coalesce(sum(\"{}\"), 0)", columns::number(field)?),
        };
        let sql = format!(
            "SELECT \"{by}\" AS key, {measure} AS value FROM plays \
             WHERE rowid IN (SELECT value FROM json_each(?1)) AND \"{by}\" IS NOT NULL \
             GROUP BY \"{by}\" ORDER BY 2 DESC, min(rowid) LIMIT 1"
        );
        self.record(&sql, [json!(plays).to_string()])?
            .ok_or_else(|| format!("none of these plays has a value in column '{by}'"))
    }

    /// The ids of the clips of these plays, in the order of the file.
    pub(super) fn clips(&self, plays: &[i64]) -> Result<Vec<String>, String> {
        let sql = "SELECT game_id || ':' || play_id FROM plays \
                   WHERE rowid IN (SELECT value FROM json_each(?1)) ORDER BY rowid";
        self.column(sql, [json!(plays).to_string()])
    }

    /// The first column of all rows.
    fn column<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        parameters: impl Params,
    ) -> Result<Vec<T>, String> {
        let database = self.database();
        let mut statement = database.prepare(sql).map_err(failed)?;
        let rows = statement.query_map(parameters, |row| row.get(0)).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// The first row as an object.
    fn record(&self, sql: &str, parameters: impl Params) -> Result<Option<Value>, String> {
        let database = self.database();
        let mut statement = database.prepare(sql).map_err(failed)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let read = |row: &rusqlite::Row<'_>| {
            let members = names.iter().enumerate();
            let members = members.map(|(i, name)| Ok((name.clone(), sqlite::json(row.get_ref(i)?))));
            members.collect::<Result<Map<_, _>, rusqlite::Error>>().map(Value::Object)
        };
        statement.query_row(parameters, read).optional().map_err(failed)
    }

    #[cfg(test)]
    pub(super) fn numbers(&self, sql: &str) -> Vec<i64> {
        self.column(sql, []).unwrap()
    }

    #[cfg(test)]
    pub(super) fn members_of(&self, column: &str) -> &[String] {
        &self.shared.members[column]
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.shared.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(error: rusqlite::Error) -> String {
    format!("the library cannot be asked: {error}")
}

fn declaration((name, kind): &(&str, Kind)) -> String {
    format!("\"{name}\" {}", if *kind == Kind::Number { "INTEGER" } else { "TEXT" })
}

/// Copies columns of a CSV file into a table; an empty field is no value.
fn fill(database: &Connection, table: &str, columns: &[&str], path: &Path) -> Result<(), DataError> {
    let wrong = |why: String| DataError::Format { path: path.display().to_string(), why };
    let mut reader = csv::Reader::from_path(path)
        .map_err(|e| DataError::Read { path: path.display().to_string(), why: e.to_string() })?;
    let header = reader.headers().map_err(|e| wrong(e.to_string()))?;
    let places = columns.iter().map(|column| {
        let place = header.iter().position(|name| name == *column);
        place.ok_or_else(|| wrong(format!("it has no column {column}")))
    });
    let places: Vec<usize> = places.collect::<Result<_, _>>()?;
    let marks = vec!["?"; columns.len()].join(", ");
    let mut insert = database.prepare(&format!("INSERT INTO {table} VALUES ({marks})"))?;
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(|e| wrong(e.to_string()))? {
        let field = |place: &usize| row.get(*place).filter(|text| !text.is_empty());
        insert.execute(params_from_iter(places.iter().map(field)))?;
    }
    Ok(())
}

fn teams(path: &Path) -> Result<BTreeMap<String, String>, DataError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| DataError::Read { path: path.display().to_string(), why: e.to_string() })?;
    serde_json::from_str(&text)
        .map_err(|e| DataError::Format { path: path.display().to_string(), why: e.to_string() })
}

fn members(database: &Connection) -> Result<BTreeMap<&'static str, Vec<String>>, DataError> {
    let few = COLUMNS.iter().filter(|(_, kind)| *kind == Kind::Member);
    few.map(|(name, _)| {
        let sql = format!("SELECT DISTINCT {name} FROM plays WHERE {name} IS NOT NULL ORDER BY 1");
        let mut statement = database.prepare(&sql)?;
        let values = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok((*name, values))
    })
    .collect()
}
