//! The members of a token that are the application's own, as serde sees them.

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, IntoDeserializer as _, MapAccess, Visitor,
        value::MapAccessDeserializer,
    },
    forward_to_deserialize_any,
};

use super::{
    REGISTERED,
    json::{Object, Value},
};

/// Reads all members but the registered ones into one type, as `#[serde(flatten)]` would, but without a copy
/// of each value between. `()` is read from whatever there is.
pub(crate) fn read<C: DeserializeOwned>(object: &Object<'_>) -> Result<C, serde_json::Error> {
    C::deserialize(Custom(Members {
        members: object.members(),
        value: None,
    }))
}

struct Custom<'o, 'a>(Members<'o, 'a>);

impl<'a> Deserializer<'a> for Custom<'_, 'a> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_map(self.0)
    }

    fn deserialize_unit<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'a>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        MapAccessDeserializer::new(self.0).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        <W: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        bytes byte_buf seq tuple tuple_struct map struct identifier
    }
}

struct Members<'o, 'a> {
    members: &'o [(std::borrow::Cow<'a, str>, Value<'a>)],
    value: Option<Value<'a>>,
}

impl<'a> MapAccess<'a> for Members<'_, 'a> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        while let Some(((name, value), rest)) = self.members.split_first() {
            self.members = rest;
            if !REGISTERED.contains(&&**name) {
                self.value = Some(*value);
                return seed.deserialize((**name).into_deserializer()).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Self::Error> {
        // serde asks for a value only after its key.
        let text = self.value.take().map_or("null", Value::text);
        seed.deserialize(&mut serde_json::Deserializer::from_str(text))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    const JSON: &[u8] =
        br#"{"iss":"i","tenant":"t\u0031","exp":1,"level":7,"tags":["a"],"sub":"s"}"#;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Own {
        tenant: String,
        level: u8,
        tags: Vec<String>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Wrapped(Option<Own>);

    #[derive(Debug, Deserialize, PartialEq)]
    struct Unit;

    fn from<C: DeserializeOwned>(json: &[u8]) -> Result<C, serde_json::Error> {
        read(&Object::read(json).expect("an object"))
    }

    fn own() -> Own {
        Own {
            tenant: "t1".to_owned(),
            level: 7,
            tags: vec!["a".to_owned()],
        }
    }

    #[test]
    fn registered_claims_are_left_out() {
        // The type denies unknown fields.
        assert_eq!(from::<Own>(JSON).expect("claims"), own());
        assert_eq!(from::<Option<Own>>(JSON).expect("claims"), Some(own()));
        assert_eq!(from::<Wrapped>(JSON).expect("claims"), Wrapped(Some(own())));
        let map: BTreeMap<String, serde_json::Value> = from(JSON).expect("claims");
        assert_eq!(map.keys().collect::<Vec<_>>(), ["level", "tags", "tenant"]);
        assert_eq!(map["tags"], serde_json::json!(["a"]));
    }

    #[test]
    fn nothing_is_read_from_anything() {
        from::<()>(JSON).expect("claims");
        from::<()>(b"{}").expect("claims");
        assert_eq!(from::<Unit>(JSON).expect("claims"), Unit);
        from::<serde::de::IgnoredAny>(JSON).expect("claims");
    }

    #[test]
    fn variants_are_told_apart() {
        #[derive(Debug, Deserialize, PartialEq)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        enum Kind {
            User { tenant: String },
            Machine,
        }
        #[derive(Debug, Deserialize, PartialEq)]
        #[serde(rename_all = "lowercase")]
        enum Tree {
            User { tenant: String },
        }
        let user: Kind = from(br#"{"iss":"i","kind":"user","tenant":"t"}"#).expect("claims");
        assert_eq!(
            user,
            Kind::User {
                tenant: "t".to_owned()
            }
        );
        assert_eq!(
            from::<Kind>(br#"{"kind":"machine"}"#).expect("claims"),
            Kind::Machine
        );
        let user: Tree = from(br#"{"iss":"i","user":{"tenant":"t"}}"#).expect("claims");
        assert_eq!(
            user,
            Tree::User {
                tenant: "t".to_owned()
            }
        );
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_an_error() {
        for json in [
            &b"{}"[..],
            br#"{"tenant":"t","level":256,"tags":[]}"#,
            br#"{"tenant":1,"level":1,"tags":[]}"#,
            br#"{"tenant":"t","level":1,"tags":[],"more":1}"#,
        ] {
            assert!(from::<Own>(json).is_err());
        }
        assert!(from::<u8>(JSON).is_err());
        assert!(from::<String>(JSON).is_err());
    }
}
