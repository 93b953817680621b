use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tier;

/// Most lines of a table; what comes later is not in it.
const MOST_LINES: usize = 256;

/// How a value is made from others that are known. A closed list, so that it can be intersected,
/// printed in words, and checked again by other code than made it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// The same words with other letters or joints.
    Letters(Letters),
    /// The plain number that figures say: 1200.5 of "$1,200.50" and of "1.200,50 EUR".
    Number,
    /// A percentage as a share: 0.06 of "6%".
    Share,
    /// A percentage as its figure: 6 of "6%".
    Percent,
    /// A number in another unit: times `times`, by `over`.
    Scale {
        /// Factor, from 1.
        times: u64,
        /// Divisor, from 1.
        over: u64,
        /// The letters joined to the number in lower case ("km" of "5km"); empty where it stands
        /// alone, and the pattern says the unit.
        unit: String,
    },
    /// An English noun in the singular.
    Singular,
    /// An English noun in the plural.
    Plural,
    /// A country or state in another form.
    Place(PlaceForm),
    /// A day in another form. A second operand is the day that the first is counted from, if it is
    /// said that way ("tomorrow", "May 5").
    Day {
        /// The form of the result, as of `strftime`.
        form: String,
        /// What is meant where the text leaves two readings.
        reading: DayReading,
    },
    /// The first operand, a day, as many days later as the second says.
    Later {
        /// The form of the result, as of `strftime`.
        form: String,
    },
    /// As many days earlier.
    Earlier {
        /// The form of the result, as of `strftime`.
        form: String,
    },
    /// The days from the first operand to the second.
    DaysBetween,
    /// The sum of all operands.
    Sum,
    /// The first number less the second.
    Difference,
    /// The product of all operands.
    Product,
    /// How many elements the operand has.
    Count,
    /// The sum of a field (keys from the element) over the operand's elements.
    Total(Vec<String>),
    /// The operands' texts with this between them.
    Join(String),
    /// What runs showed to stand for the words of the operand.
    Table(Vec<Pair>),
}

/// The letters and joints of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Letters {
    /// `north quay`
    Lower,
    /// `NORTH QUAY`
    Upper,
    /// `North Quay`
    Title,
    /// `north_quay`
    Snake,
    /// `north-quay`
    Kebab,
    /// `northQuay`
    Camel,
    /// `NorthQuay`
    Pascal,
    /// `NORTH_QUAY`
    Constant,
}

impl Letters {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Lower,
        Self::Upper,
        Self::Title,
        Self::Snake,
        Self::Kebab,
        Self::Camel,
        Self::Pascal,
        Self::Constant,
    ];
}

/// A form of a country's or state's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaceForm {
    /// A country's English name (ISO 3166-1).
    Country,
    /// Its code of two letters.
    CountryTwo,
    /// Its code of three letters.
    CountryThree,
    /// The name of a state of the United States (ISO 3166-2).
    State,
    /// Its code of two letters.
    StateTwo,
}

impl PlaceForm {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Country, Self::CountryTwo, Self::CountryThree, Self::State, Self::StateTwo];

    /// Whether it is the name, and no code.
    pub fn is_name(self) -> bool {
        matches!(self, Self::Country | Self::State)
    }
}

/// What is meant by a day that can be read in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DayReading {
    /// The first of two numbers is the month.
    MonthFirst,
    /// The first of two numbers is the day.
    DayFirst,
    /// Counted from another day: the next such day.
    Coming,
    /// Counted from another day: that of the same year, or of the next week.
    Calendar,
}

/// One line of a table that runs showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Pair {
    /// Hash of the words, case apart ([`super::SlotSpec::only_hash`]).
    pub said: String,
    /// Canonical hash of the value.
    pub hash: String,
    /// The value as JSON text, once enough tasks showed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    /// Distinct tasks that showed it.
    pub seen: u32,
}

impl Transform {
    /// What two runs, or more, showed of a table; `None` if the same words stood for different values.
    /// `distinct` says that `new` tells of other tasks.
    pub fn join_tables(old: &[Pair], new: &[Pair], distinct: bool) -> Option<Vec<Pair>> {
        let mut all = old.to_vec();
        for line in new {
            let room = all.len() < MOST_LINES;
            match all.iter_mut().find(|known| known.said == line.said) {
                Some(known) if known.hash != line.hash => return None,
                Some(known) => {
                    known.json = known.json.take().or_else(|| line.json.clone());
                    known.seen += if distinct { line.seen } else { 0 };
                }
                None if room => all.push(line.clone()),
                None => {}
            }
        }
        all.sort_by(|a, b| a.said.cmp(&b.said));
        Some(all)
    }

    /// How much it can be trusted to be what was meant: a notation says the same as what it is
    /// read from, a calculation may come out by chance.
    pub fn tier(&self) -> Tier {
        match self {
            Self::Letters(_)
            | Self::Number
            | Self::Share
            | Self::Percent
            | Self::Scale { times: 1, over: 1, .. }
            | Self::Singular
            | Self::Plural
            | Self::Place(_)
            | Self::Day { .. } => Tier::Anchored,
            Self::Scale { .. }
            | Self::Later { .. }
            | Self::Earlier { .. }
            | Self::DaysBetween
            | Self::Sum
            | Self::Difference
            | Self::Product
            | Self::Count
            | Self::Total(_)
            | Self::Join(_) => Tier::Computed,
            // A table holds what a constant is for one of its lines.
            Self::Table(_) => Tier::Constant,
        }
    }
}
