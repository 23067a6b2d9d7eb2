//! The names that a type's fields have in JSON, as its `Deserialize` tells them.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor,
    },
    forward_to_deserialize_any,
};

use crate::{JsonPointer, Location, Violation};

impl Violation {
    /// Puts the names that `T`'s fields have in JSON in place of their Rust names.
    ///
    /// Validators report Rust names; clients know those of `#[serde(rename_all = "camelCase")]`.
    /// `T` is the type that the whole body (or query) was read as. Its `Deserialize` is asked for
    /// the names of its fields, level by level through structs, options, lists and maps, and a
    /// name that differs in nothing but case, `_` and `-` is taken. That covers `rename_all`. A
    /// field with quite another name (`#[serde(rename = "sku")] article_number`) keeps its Rust
    /// name, and so do fields inside of enums, of tuples and of structs with `#[serde(flatten)]`.
    ///
    /// ```
    /// use buttress_problem::{JsonPointer, Location, Violation};
    ///
    /// #[derive(serde::Deserialize)]
    /// #[serde(rename_all = "camelCase")]
    /// struct Order {
    ///     line_items: Vec<Item>,
    /// }
    ///
    /// #[derive(serde::Deserialize)]
    /// #[serde(rename_all = "kebab-case")]
    /// struct Item {
    ///     unit_price: u32,
    /// }
    ///
    /// let place = JsonPointer::root().join("line_items").join(3).join("unit_price");
    /// let violation = Violation::pointer(place, "must be even").named_as::<Order>();
    /// let Location::Pointer(place) = violation.location() else { unreachable!() };
    /// assert_eq!(place.as_str(), "/lineItems/3/unit-price");
    /// ```
    #[must_use]
    pub fn named_as<T: DeserializeOwned>(self) -> Self {
        let detail = self.detail().to_owned();
        let renamed = match self.location() {
            Location::Pointer(pointer) => {
                let mut json = JsonPointer::root();
                for token in spelled::<T>(&tokens(pointer)) {
                    json.push(token);
                }
                Self::pointer(json, detail)
            }
            Location::Parameter(name) => {
                let names = spelled::<T>(&[name.to_string()]);
                Self::parameter(names.concat(), detail)
            }
            Location::Header(_) => return self,
        };
        match self.code() {
            Some(code) => renamed.with_code(code.to_owned()),
            None => renamed,
        }
    }
}

/// The reference tokens, unescaped.
pub(crate) fn tokens(pointer: &JsonPointer) -> Vec<String> {
    pointer
        .as_str()
        .split('/')
        .skip(1)
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
        .collect()
}

fn spelled<T: DeserializeOwned>(tokens: &[String]) -> Vec<String> {
    let mut names = Vec::with_capacity(tokens.len());
    let probe = Probe {
        tokens,
        names: &mut names,
    };
    // It never has a value to give, so it always ends in `Stop`.
    let _: Result<T, Stop> = T::deserialize(probe);
    let known = names.len().min(tokens.len());
    names.extend_from_slice(&tokens[known..]);
    names
}

/// A deserialiser without input: it follows the tokens into the type for as long as that tells
/// what it reads there, notes the name at each level, and then stops.
struct Probe<'a> {
    tokens: &'a [String],
    names: &'a mut Vec<String>,
}

impl<'a> Probe<'a> {
    /// The next token, and the probe for what is below it, which is to be called `name`.
    fn step(self, name: &str) -> Result<Self, Stop> {
        let (_, tokens) = self.tokens.split_first().ok_or(Stop)?;
        self.names.push(name.to_owned());
        Ok(Self { tokens, ..self })
    }

    fn next(&self) -> Result<&'a str, Stop> {
        self.tokens.first().map(String::as_str).ok_or(Stop)
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Stop;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        Err(Stop)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let token = self.next()?;
        let same = |field: &&&'static str| **field == token;
        let alike = |field: &&&'static str| is_alike(field, token);
        let field = fields.iter().find(same).or(fields.iter().find(alike));
        let name = *field.ok_or(Stop)?;
        let below = Some(self.step(name)?);
        visitor.visit_map(Only { name, below })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let name = self.next()?;
        let below = Some(self.step(name)?);
        visitor.visit_map(Only { name, below })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        let name = self.next()?;
        let below = Some(self.step(name)?);
        visitor.visit_seq(Only { name, below })
    }

    // The elements of a tuple are of different types, and only the first could be reached.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct enum identifier ignored_any
    }
}

/// Differs in nothing but case, `_` and `-`.
fn is_alike(left: &str, right: &str) -> bool {
    fn letters(name: &str) -> impl Iterator<Item = char> {
        name.chars()
            .filter(|char| !matches!(char, '_' | '-'))
            .flat_map(char::to_lowercase)
    }

    letters(left).eq(letters(right))
}

/// A map or a list with one entry.
struct Only<'a> {
    name: &'a str,
    below: Option<Probe<'a>>,
}

impl<'de> MapAccess<'de> for Only<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        match self.below {
            Some(_) => seed.deserialize(self.name.into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        seed.deserialize(self.below.take().ok_or(Stop)?)
    }
}

impl<'de> SeqAccess<'de> for Only<'_> {
    type Error = Stop;

    fn next_element_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<Option<V::Value>, Stop> {
        self.below
            .take()
            .map(|below| seed.deserialize(below))
            .transpose()
    }
}

/// There is nothing further to learn.
#[derive(Debug)]
struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing was read")
    }
}

impl std::error::Error for Stop {}

impl de::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}
