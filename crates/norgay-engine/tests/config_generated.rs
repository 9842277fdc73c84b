//! Files that are generated from the tables of fields: each is compared with the one committed.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use norgay_core::space::Field;
use norgay_core::trial::FailureCause;
use norgay_engine::config::shape::Shape;
use norgay_engine::config::{
    FIELDS, PARAMETER_FIELDS, space_schema, study_file_reference, study_schema,
};

fn compare(name: &str, text: &str) {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let path = folder.join(name);
    if std::env::var_os("NORGAY_UPDATE").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path)
        .unwrap_or_default()
        .replace("\r\n", "\n");
    assert!(
        committed == text,
        "docs/reference/{name} is not what the tables of fields say; \
         NORGAY_UPDATE=1 cargo test -p norgay-engine --test config_generated rewrites it"
    );
}

#[test]
fn the_reference_page_is_up_to_date() {
    compare("study-file.md", &study_file_reference());
}

#[test]
fn the_schemas_are_up_to_date() {
    let text = |schema| format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    compare("study.schema.json", &text(study_schema()));
    compare("space.schema.json", &text(space_schema()));
}

#[test]
fn the_schema_has_every_field_and_default() {
    let schema = study_schema();
    for field in FIELDS {
        let property = &schema["properties"][field.name];
        assert_eq!(property["description"], field.help, "{}", field.name);
        assert_eq!(
            property.get("default").is_some(),
            !field.default.is_empty(),
            "{}",
            field.name
        );
    }
    for reference in ["parameter", "parameters"] {
        assert!(schema["$defs"][reference].is_object());
    }
}

#[test]
fn the_retry_table_has_every_cause_of_failure() {
    let retry = FIELDS.iter().find(|field| field.name == "retry").unwrap();
    let Shape::Fields(table) = retry.shape else {
        panic!()
    };
    let names: Vec<&str> = table.iter().map(|field| field.name).collect();
    assert_eq!(names, FailureCause::ALL.map(FailureCause::name));
}

#[test]
fn the_table_of_parameters_has_every_field_of_a_declaration() {
    for field in [
        Field::Kind,
        Field::Range,
        Field::Scale,
        Field::Step,
        Field::Value,
        Field::When,
        Field::Mutable,
        Field::Strict,
    ] {
        assert!(
            PARAMETER_FIELDS
                .iter()
                .any(|entry| entry.name == field.key()),
            "{field:?}"
        );
    }
}
