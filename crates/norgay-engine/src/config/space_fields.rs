//! The table of what may be written about a parameter.

use super::shape::{FieldEntry, Shape};

/// The keys of a parameter's description.
pub const PARAMETER_FIELDS: &[FieldEntry] = &[
    FieldEntry {
        name: "type",
        shape: Shape::Text,
        default: "",
        help: "`continuous`, `discrete`, `ordinal`, `choice` or `constant`, in any letter case. \
               May be left out of a constant.",
    },
    FieldEntry {
        name: "range",
        shape: Shape::List,
        default: "",
        help: "Low and high end of a continuous or discrete parameter, both included; the values \
               of an ordinal or choice one. Three or more numbers of a continuous or discrete \
               parameter mean exactly these values.",
    },
    FieldEntry {
        name: "values",
        shape: Shape::List,
        default: "",
        help: "Another word for `range`.",
    },
    FieldEntry {
        name: "scale",
        shape: Shape::OneOf {
            words: &["linear", "log"],
            later: &[],
        },
        default: "\"linear\"",
        help: "Whether equal differences (`linear`) or equal ratios (`log`) are equally likely.",
    },
    FieldEntry {
        name: "step",
        shape: Shape::Number,
        default: "",
        help: "Distance between the allowed values of a continuous or discrete parameter.",
    },
    FieldEntry {
        name: "value",
        shape: Shape::Any,
        default: "",
        help: "The value of a constant.",
    },
    FieldEntry {
        name: "when",
        shape: Shape::Conditions,
        default: "",
        help: "The parameter is active only if each of these parameters has one of its values, as \
               in `when: {solver: [sgd, adam]}`.",
    },
    FieldEntry {
        name: "mutable",
        shape: Shape::Flag,
        default: "true",
        help: "Whether population-based training may change it; a number of units is fixed once \
               a model is built.",
    },
    FieldEntry {
        name: "strict",
        shape: Shape::Flag,
        default: "false",
        help: "Turns warnings about this parameter into errors.",
    },
];
