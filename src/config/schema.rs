//! The JSON Schema of the configuration, for editors: keys, descriptions and kinds of value from the
//! types of the file, defaults from the settings.
//!
//! Invariant: subschemas are written out in place, and `null` is nowhere: TOML has none.

mod defaults;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use serde_json::{Map, Value};

use super::file::File;

/// The JSON Schema (draft 2020-12) of a configuration file.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<File>();
    simplify(&mut schema);
    schema.insert("title".to_owned(), "Feedwright".into());
    // No table has to be written.
    schema.remove("required");
    let mut schema = schema.to_value();
    for (table, keys) in defaults::defaults() {
        insert_defaults(&mut schema, &table, keys);
    }
    schema
}

fn insert_defaults(schema: &mut Value, table: &str, keys: Map<String, Value>) {
    let lists = schema
        .pointer(&format!("/properties/{table}/items"))
        .is_some();
    let items = if lists { "/items" } else { "" };
    for (key, default) in keys {
        let path = format!("/properties/{table}{items}/properties/{key}");
        if let Some(Value::Object(key)) = schema.pointer_mut(&path) {
            key.insert("default".to_owned(), default);
        }
    }
}

/// Takes out `null`, refuses keys that are not listed, and puts descriptions into one line.
fn simplify(schema: &mut Schema) {
    transform_subschemas(&mut simplify, schema);
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    remove_null(object);
    if object.contains_key("properties") && !object.contains_key("additionalProperties") {
        object.insert("additionalProperties".to_owned(), false.into());
    }
    if let Some(Value::String(description)) = object.get_mut("description") {
        *description = description.replace('\n', " ");
    }
}

fn remove_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [kind] = &types[..] {
            let kind = kind.clone();
            object.insert("type".to_owned(), kind);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = &mut choices[..] {
            let only = std::mem::take(only);
            object.remove("anyOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
}
