//! The members of a request's body, each with its own text, so that one can be taken out or put in
//! and all others stay as the client wrote them.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The members of a JSON object, in their order.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Fields(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'a> Fields<'a> {
    /// The members of a body; `None` if it is not a JSON object.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Names of the members that say something: those that are null do not.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| value.get() != "null").map(|(name, _)| name.as_str())
    }

    /// A member's text.
    pub(super) fn raw(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().rev().find(|(own, _)| own == name);
        found.map(|(_, value)| value.get()).filter(|text| *text != "null")
    }

    /// A member's value, if it is there and of this type. Some clients write a key twice; then the
    /// last one counts, as in most readers of JSON.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let text = self.raw(name)?;
        let again = |_| serde_json::from_value(serde_json::from_str(text)?);
        serde_json::from_str(text).or_else(again).ok()
    }

    /// The body without the members `without`, and with `with` (`"name":value`) before all others.
    pub(super) fn edited(&self, without: &[&str], with: Option<&str>) -> Bytes {
        let kept = self.0.iter().filter(|(name, _)| !without.contains(&name.as_str()));
        let kept = kept.map(|(name, value)| format!("{}:{}", serde_json::Value::from(name.as_str()), value));
        let members: Vec<String> = with.map(str::to_owned).into_iter().chain(kept).collect();
        format!("{{{}}}", members.join(",")).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_out_stays_as_it_was_written() {
        let body = br#"{ "model" : "m", "n": 1.0, "cache":{"no-store": true}, "x": [1,  2], "y":null}"#;
        let fields = Fields::read(body).unwrap();
        assert_eq!(fields.names().collect::<Vec<_>>(), ["model", "n", "cache", "x"]);
        assert_eq!(fields.get::<String>("model").as_deref(), Some("m"));
        let edited = fields.edited(&["cache"], Some("\"new\":{}"));
        assert_eq!(&edited[..], br#"{"new":{},"model":"m","n":1.0,"x":[1,  2],"y":null}"#);
        let twice = Fields::read(br#"{"a":{"model":"x","model":"y"}}"#).unwrap();
        #[derive(Deserialize)]
        struct Named {
            model: String,
        }
        assert_eq!(twice.get::<Named>("a").unwrap().model, "y");
        assert!(Fields::read(b"[1]").is_none());
        assert!(Fields::read(b"{\"a\":1").is_none());
    }
}
