//! The reference page of study files, made from the tables of fields.

use std::fmt::Write;

use super::fields::FIELDS;
use super::placeholder::PLACEHOLDERS;
use super::shape::{FieldEntry, Shape};
use super::space_fields::PARAMETER_FIELDS;

const INTRODUCTION: &str = "\
# Study files

<!-- Generated from crates/norgay-engine/src/config; NORGAY_UPDATE=1 rewrites it. -->

A study file is YAML 1.2 or JSON. Everything that is wrong with it is told at once, each mistake
with its line and column. An editor can check it against [study.schema.json](study.schema.json).

```yaml
parameters:
  lr: {type: continuous, range: [1e-4, 1e-1], scale: log}
  units: {type: discrete, range: [8, 64]}
  solver: [sgd, adam]
  momentum: {type: continuous, range: [0, 0.99], when: {solver: sgd}}
  epochs: 60
minimize: loss
budget: {trials: 30}
command: python3 train.py --lr {lr} --units {units} --solver {solver} --momentum {momentum}
metrics_file: metrics.json
```

Plain words such as `no`, `on` and `y` are text, not truth values; `1e-4` is a number. Tags are
refused; anchors, aliases and the merge key `<<` work.
";

const PARAMETERS: &str = "
## Parameters

A parameter is a map of these fields, or in short a bare value (a constant) or a bare list (a
choice). The whole may also stand in a file of its own, in this form or as the SHERPA Argo block
writes it: one object, a list of objects, or objects in a row.
";

const PLACEHOLDER_TEXT: &str = "
## Placeholders

In `command` and in the values of `environment`, `{name}` stands for a parameter, for a key of the
parameter text, or for one of the names below. `{{` and `}}` stand for braces; braces around
anything but letters, digits, `_`, `-` and `.` are themselves. An argument that mentions a
parameter that is not active is left out, and with it a `--flag` before it that it was the value
of.
";

/// The text of `docs/reference/study-file.md`.
pub fn study_file_reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Fields\n\n");
    write_table(&mut page, FIELDS);
    for field in FIELDS {
        if let Shape::Fields(table) | Shape::NameOr(table) | Shape::NamesOr(table) = field.shape {
            // Writing into a String cannot fail.
            let _ = write!(page, "\n## `{}`\n\n{}\n\n", field.name, field.help);
            write_table(&mut page, table);
        }
    }
    page.push_str(PARAMETERS);
    page.push('\n');
    write_table(&mut page, PARAMETER_FIELDS);
    page.push_str(PLACEHOLDER_TEXT);
    page.push_str("\n| placeholder | stands for |\n| --- | --- |\n");
    for (name, meaning) in PLACEHOLDERS {
        let _ = writeln!(page, "| `{{{name}}}` | {meaning} |");
    }
    page
}

fn write_table(page: &mut String, table: &[FieldEntry]) {
    page.push_str("| field | takes | default | meaning |\n| --- | --- | --- | --- |\n");
    for field in table {
        let default = match field.default {
            "" => String::new(),
            default => format!("`{}`", default.trim_matches('"')),
        };
        let takes = escaped(&field.shape.in_words());
        let help = escaped(field.help);
        let _ = writeln!(page, "| `{}` | {takes} | {default} | {help} |", field.name);
    }
}

/// A bar would end the cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
