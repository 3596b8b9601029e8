//! The JSON Schema of each kind of value that a key may have.
//!
//! Invariant: a `u64` of the file is a size and a `u32` a count; sizes and durations are texts with
//! a unit.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use url::Url;

use super::name::FeedName;
use super::reader::Written;
use super::units;
use crate::archive::path::PathTemplate;
use crate::client::Network;
use crate::images::signed_url::SigningKeys;
use crate::rewrite::passes::attributes::Setting;
use crate::secret::Secret;
use crate::upstream::HostPort;

/// A type whose values are chosen by words.
pub(super) trait Choice: Copy {
    /// Every word there is, with what it stands for.
    fn choices() -> Vec<(&'static str, Self)>;
}

/// A type of value that a key may have.
pub(super) trait ValueSchema {
    /// What is written in the file.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

impl<T: ValueSchema> JsonSchema for Written<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        std::any::type_name::<T>().into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

impl<T: Choice> ValueSchema for T {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<_> = T::choices().into_iter().map(|(word, _)| word).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}

impl<T: ValueSchema> ValueSchema for Option<T> {
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

impl<T: ValueSchema> ValueSchema for Vec<T> {
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": T::schema(generator) })
    }
}

impl ValueSchema for bool {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

impl ValueSchema for u32 {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0 })
    }
}

impl ValueSchema for u64 {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": units::size_pattern() })
    }
}

impl ValueSchema for Duration {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "pattern": units::duration_pattern() })
    }
}

/// Types that are written as text.
macro_rules! texts {
    ($($type:ty),+) => {$(
        impl ValueSchema for $type {
            fn schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string" })
            }
        }
    )+};
}

texts!(
    String,
    SocketAddr,
    PathBuf,
    Url,
    Method,
    Network,
    HostPort,
    FeedName,
    PathTemplate
);

/// An outbound proxy, whose URL may hold a password.
pub(super) enum ProxyUrl {}

/// Types that are secrets: text, or the name of the variable or file that has it.
macro_rules! secrets {
    ($($type:ty),+) => {$(
        impl ValueSchema for $type {
            fn schema(_: &mut SchemaGenerator) -> Schema {
                secret()
            }
        }
    )+};
}

secrets!(HeaderValue, Secret, ProxyUrl);

impl ValueSchema for SigningKeys {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [secret(), { "type": "array", "items": secret() }] })
    }
}

impl ValueSchema for Vec<(HeaderName, HeaderValue)> {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": secret() })
    }
}

impl ValueSchema for Vec<Setting> {
    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": { "anyOf": [{ "type": "string" }, { "const": false }] },
        })
    }
}

/// One text, or a list of texts.
pub(super) struct OneOrMore<T>(pub(super) Vec<T>);

impl<T: ValueSchema> ValueSchema for OneOrMore<T> {
    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let one = T::schema(generator);
        json_schema!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
    }
}

/// A switch, or a table that switches it on and says more.
pub(super) fn switch_or<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let table = generator.subschema_for::<T>();
    json_schema!({ "anyOf": [{ "type": "boolean" }, table] })
}

fn secret() -> Schema {
    let reference = |key: &str, description: &str| {
        json_schema!({
            "type": "object",
            "properties": { key: { "type": "string", "description": description } },
            "required": [key],
        })
    };
    json_schema!({ "anyOf": [
        { "type": "string" },
        reference("env", "The environment variable that has the secret."),
        reference("file", "The file that has the secret; line breaks at its end do not count."),
    ] })
}
