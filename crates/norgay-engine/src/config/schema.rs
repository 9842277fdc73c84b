//! JSON Schemas (2020-12) of study files and search spaces, made from the tables of fields.
//!
//! They serve editors. What they can't say (conditions between fields, expressions) is checked
//! when a file is read.

use serde_json::{Map, Value, json};

use super::fields::FIELDS;
use super::shape::{FieldEntry, Shape};
use super::space_fields::PARAMETER_FIELDS;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a study file.
pub fn study_schema() -> Value {
    let mut schema = fields_schema(FIELDS);
    schema.insert("$schema".into(), DIALECT.into());
    schema.insert("title".into(), "A study of Norgay".into());
    schema.insert("required".into(), json!(["parameters"]));
    let ways = ["objective", "minimize", "maximize", "objectives"];
    let one_way: Vec<Value> = ways.iter().map(|way| json!({"required": [way]})).collect();
    schema.insert("oneOf".into(), one_way.into());
    schema.insert("$defs".into(), definitions());
    schema.into()
}

/// The schema of a search space.
pub fn space_schema() -> Value {
    let Value::Object(mut schema) = space() else {
        return Value::Null;
    };
    schema.insert("$schema".into(), DIALECT.into());
    schema.insert("title".into(), "A search space of Norgay".into());
    schema.insert("$defs".into(), definitions());
    schema.into()
}

/// The definitions that both schemas refer to.
fn definitions() -> Value {
    let mut described = fields_schema(PARAMETER_FIELDS);
    if let Some(Value::Object(properties)) = described.get_mut("properties") {
        let kinds = "^(?i:continuous|float|discrete|int|ordinal|choice|categorical|constant)$";
        // The dialect has no flag for letters' case, so each letter is written twice.
        let kind = json!({"type": "string", "pattern": any_case(kinds)});
        let help = properties
            .get("type")
            .and_then(|field| field.get("description"))
            .cloned();
        let mut kind_schema = kind;
        kind_schema["description"] = help.unwrap_or_default();
        properties.insert("type".into(), kind_schema);
    }
    described.insert(
        "anyOf".into(),
        json!([{"required": ["type"]}, {"required": ["value"]}]),
    );
    json!({
        "parameter": {
            "anyOf": [
                described,
                {"description": "The values of a choice.", "type": "array", "minItems": 1},
                {
                    "description": "The value of a constant.",
                    "type": ["string", "number", "boolean"],
                },
            ]
        },
        "parameters": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"$ref": "#/$defs/parameter"},
        },
    })
}

/// `^(?i:ab)$` as `^([aA][bB])$`.
fn any_case(pattern: &str) -> String {
    let mut text = String::new();
    for character in pattern.replace("(?i:", "(").chars() {
        if character.is_ascii_lowercase() {
            text.extend(['[', character, character.to_ascii_uppercase(), ']']);
        } else {
            text.push(character);
        }
    }
    text
}

fn space() -> Value {
    json!({
        "anyOf": [
            {"$ref": "#/$defs/parameters"},
            {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/parameters"}},
        ]
    })
}

fn fields_schema(table: &[FieldEntry]) -> Map<String, Value> {
    let mut properties = Map::new();
    for field in table {
        let Value::Object(mut schema) = shape_schema(field.shape) else {
            continue;
        };
        schema.insert("description".into(), field.help.into());
        if let Ok(default) = serde_json::from_str::<Value>(field.default) {
            schema.insert("default".into(), default);
        }
        properties.insert(field.name.into(), schema.into());
    }
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), properties.into());
    schema.insert("additionalProperties".into(), false.into());
    schema
}

fn shape_schema(shape: Shape) -> Value {
    let word = json!({"type": ["string", "integer"]});
    match shape {
        Shape::Any => json!({}),
        Shape::List => json!({"type": "array", "minItems": 1}),
        Shape::Text => json!({"type": "string", "minLength": 1}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Whole(least) => json!({"type": "integer", "minimum": least}),
        Shape::Number => json!({"type": "number"}),
        Shape::Duration => json!({
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": "^\\s*([0-9.]+|([0-9.]+(d|h|m|s|ms)\\s*)+)\\s*$"},
            ]
        }),
        Shape::Size => json!({
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "^\\s*[0-9.]+\\s*([bB]|[kKMGTP]i?B)?\\s*$"},
            ]
        }),
        Shape::OneOf { words, .. } => json!({"enum": words}),
        Shape::Command => json!({
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "minItems": 1, "items": word},
            ]
        }),
        Shape::Slots => {
            json!({"type": "array", "minItems": 1, "uniqueItems": true, "items": word})
        }
        Shape::Texts => json!({
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
        }),
        Shape::Variables => json!({
            "type": "object",
            "propertyNames": {"pattern": "^[^=]+$"},
            "additionalProperties": word,
        }),
        Shape::Fields(table) => fields_with_name(table).into(),
        Shape::NameOr(table) => {
            let name = table.iter().find(|field| field.name == "name");
            let name = name.map_or(Shape::Text, |field| field.shape);
            json!({"anyOf": [shape_schema(name), fields_with_name(table)]})
        }
        Shape::NamesOr(table) => {
            json!({"type": "array", "minItems": 1, "items": shape_schema(Shape::NameOr(table))})
        }
        Shape::Algorithm => json!({
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "properties": {"name": {"type": "string", "minLength": 1}},
                    "required": ["name"],
                },
            ]
        }),
        Shape::Space => {
            json!({"anyOf": [space(), {"type": "string", "pattern": "\\.(json|yaml|yml|txt)$"}]})
        }
        Shape::Conditions => json!({"type": "object", "minProperties": 1}),
    }
}

/// A map of fields; its name is required if it has one.
fn fields_with_name(table: &[FieldEntry]) -> Map<String, Value> {
    let mut schema = fields_schema(table);
    if table.iter().any(|field| field.name == "name") {
        schema.insert("required".into(), json!(["name"]));
    }
    schema
}
