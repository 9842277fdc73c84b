//! Label selectors as Kubernetes writes them.

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// Requirements that labels must all meet; without any, everything is selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    OneOf(Vec<String>),
    NoneOf(Vec<String>),
    Exists,
    Missing,
}

impl Selector {
    /// Reads a selector such as `a=b,c!=d,e in (f,g),h,!i`.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let requirements = split_outside_brackets(text)
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(|part| Requirement::parse(part).ok_or_else(|| unreadable(text)))
            .collect::<Result<_, _>>()?;
        Ok(Self { requirements })
    }

    /// Whether an object's labels meet all requirements.
    pub(crate) fn selects(&self, object: &Value) -> bool {
        let labels = object["metadata"]["labels"].as_object();
        self.requirements
            .iter()
            .all(|requirement| requirement.is_met(labels))
    }
}

impl Requirement {
    fn parse(text: &str) -> Option<Self> {
        if let Some(key) = text.strip_prefix('!') {
            return Self::of(key, Test::Missing);
        }
        for (sign, test) in [
            ("!=", Test::NoneOf as fn(_) -> _),
            ("==", Test::OneOf),
            ("=", Test::OneOf),
        ] {
            if let Some((key, value)) = text.split_once(sign) {
                return Self::of(key, test(vec![value.trim().to_string()]));
            }
        }
        for (word, test) in [
            (" notin ", Test::NoneOf as fn(_) -> _),
            (" in ", Test::OneOf),
        ] {
            if let Some((key, values)) = text.split_once(word) {
                let values = values.trim().strip_prefix('(')?.strip_suffix(')')?;
                let values = values
                    .split(',')
                    .map(|value| value.trim().to_string())
                    .collect();
                return Self::of(key, test(values));
            }
        }
        Self::of(text, Test::Exists)
    }

    fn of(key: &str, test: Test) -> Option<Self> {
        let key = key.trim();
        let readable = !key.is_empty() && !key.contains(char::is_whitespace);
        readable.then(|| Self {
            key: key.to_string(),
            test,
        })
    }

    fn is_met(&self, labels: Option<&Map<String, Value>>) -> bool {
        let value = labels
            .and_then(|labels| labels.get(&self.key))
            .and_then(Value::as_str);
        let among =
            |values: &[String]| value.is_some_and(|value| values.iter().any(|one| one == value));
        match &self.test {
            Test::OneOf(values) => among(values),
            Test::NoneOf(values) => !among(values),
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
        }
    }
}

fn unreadable(text: &str) -> Refusal {
    Refusal::bad_request(format!("unable to parse requirement: {text}"))
}

/// Splits at commas that are not inside brackets.
fn split_outside_brackets(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_u32);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn selects(selector: &str) -> bool {
        let object = json!({"metadata": {"labels": {"study": "a", "trial": "7"}}});
        Selector::parse(selector).unwrap().selects(&object)
    }

    #[test]
    fn all_requirements_must_be_met() {
        assert!(selects(""));
        assert!(selects("study=a,trial==7"));
        assert!(selects("study in (b, a),trial notin (8),!gone,trial"));
        assert!(selects("study!=b,other!=x"));
        assert!(!selects("study=a,trial=8"));
        assert!(!selects("study=b"));
        assert!(!selects("gone"));
        assert!(!selects("!study"));
    }

    #[test]
    fn a_selector_that_cannot_be_read_is_refused() {
        assert!(Selector::parse("study a").is_err());
        assert!(Selector::parse("=a").is_err());
        assert!(Selector::parse("study in a").is_err());
    }
}
