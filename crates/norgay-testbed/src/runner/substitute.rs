//! Values in the place of `{{names}}`.

use std::collections::BTreeMap;

use serde_json::Value;

/// The names that are known at some place, with their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    values: BTreeMap<String, String>,
}

impl Scope {
    pub(crate) fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.values.insert(name.into(), value.into());
    }

    /// The text with all known names replaced; what is unknown stays as it is, and values are
    /// not looked into again.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            filled.push_str(before);
            let known = after
                .split_once("}}")
                .and_then(|(name, tail)| Some((self.values.get(name.trim())?, tail)));
            rest = if let Some((value, tail)) = known {
                filled.push_str(value);
                tail
            } else {
                filled.push_str("{{");
                after
            };
        }
        filled + rest
    }

    /// A scalar as text, filled; none if there is none.
    pub(crate) fn scalar(&self, value: &Value) -> Option<String> {
        match value {
            Value::Null => None,
            Value::String(text) => Some(self.fill(text)),
            other => Some(other.to_string()),
        }
    }

    /// The scalars of a list, filled.
    pub(crate) fn scalars(&self, values: &Value) -> Vec<String> {
        values
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|value| self.scalar(value))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_replaced_once_and_others_stay() {
        let mut scope = Scope::default();
        scope.set("workflow.name", "w");
        scope.set("inputs.parameters.x", "{{workflow.name}}");
        let filled = scope.fill("{{workflow.name}}-{{ inputs.parameters.x }} {{unknown}} {{ {}}");
        assert_eq!(filled, "w-{{workflow.name}} {{unknown}} {{ {}}");
    }
}
