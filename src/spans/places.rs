use std::collections::HashMap;
use std::sync::OnceLock;

use crate::domain::PlaceForm;

/// The forms of one place.
type Names = Vec<(PlaceForm, &'static str)>;

/// The places of one kind by each of their forms in lower case.
type Known = HashMap<String, Names>;

/// Countries, by the names and codes of ISO 3166-1.
fn countries() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        by_form(rust_iso3166::ALL.iter().map(|country| {
            vec![
                (PlaceForm::Country, country.name),
                (PlaceForm::CountryTwo, country.alpha2),
                (PlaceForm::CountryThree, country.alpha3),
            ]
        }))
    })
}

/// The states of the United States, by the names and codes of ISO 3166-2.
fn states() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let all = rust_iso3166::iso3166_2::SUBDIVISION_COUNTRY_MAP.get("US").copied().unwrap_or_default();
        by_form(all.iter().filter_map(|state| {
            let two = state.code.strip_prefix("US-")?;
            Some(vec![(PlaceForm::State, state.name), (PlaceForm::StateTwo, two)])
        }))
    })
}

fn by_form(all: impl Iterator<Item = Names>) -> Known {
    let mut known = Known::new();
    for names in all {
        for (_, name) in &names {
            known.insert(name.to_lowercase(), names.clone());
        }
    }
    known
}

/// A country or state in another form, if the whole text is a name or code of one.
pub fn place(text: &str, form: PlaceForm) -> Option<&'static str> {
    let known = match form {
        PlaceForm::Country | PlaceForm::CountryTwo | PlaceForm::CountryThree => countries(),
        PlaceForm::State | PlaceForm::StateTwo => states(),
    };
    let text = text.trim();
    let names = known.get(&text.to_lowercase())?;
    // "no" is a word, "NO" a code.
    let is_name = names.iter().any(|(own, name)| own.is_name() && name.eq_ignore_ascii_case(text));
    let found = names.iter().find(|(own, _)| *own == form).map(|(_, name)| *name);
    found.filter(|_| is_name || text.chars().all(char::is_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known_by_its_whole_name_or_code() {
        assert_eq!(place("norway", PlaceForm::CountryTwo), Some("NO"));
        assert_eq!(place("NOR", PlaceForm::Country), Some("Norway"));
        assert_eq!(place("NO", PlaceForm::CountryThree), Some("NOR"));
        // A code of both is read as what is asked for.
        assert_eq!(place("CA", PlaceForm::Country), Some("Canada"));
        assert_eq!(place("CA", PlaceForm::State), Some("California"));
        assert_eq!(place("Oregon", PlaceForm::StateTwo), Some("OR"));
        for text in ["the north of Norway", "Oslo", "", "N", "no"] {
            assert_eq!(place(text, PlaceForm::CountryTwo), None, "{text}");
        }
    }
}
