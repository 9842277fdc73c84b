//! What Kubernetes takes as names and labels.

use serde_json::{Map, Value};

use crate::refusal::{Reason, Refusal};

/// The longest label value, and the longest name of a workflow.
pub(crate) const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 253;
const NAME_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
    characters, '-' or '.', and must start and end with an alphanumeric character";
const VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric \
    characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// Reads labels or annotations as an argo-server takes them: `a=b,c=d`.
pub(crate) fn parse_pairs(text: &str) -> Result<Map<String, Value>, Refusal> {
    let mut pairs = Map::new();
    for part in text.split(',') {
        let mut sides = part.split('=');
        let (Some(key), Some(value), None) = (sides.next(), sides.next(), sides.next()) else {
            return Err(Refusal::bad_request(format!(
                "unexpected label spec: {part}"
            )));
        };
        if key.is_empty() {
            return Err(Refusal::bad_request("unexpected empty label key"));
        }
        pairs.insert(key.to_string(), Value::from(value));
    }
    Ok(pairs)
}

/// Checks the name and the labels of an object as a Kubernetes API does.
pub(crate) fn check_metadata(kind: &str, object: &Value) -> Result<(), Refusal> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let invalid = |field: &str, value: &str, rule: &str| {
        let message = format!(
            "{kind}.argoproj.io \"{name}\" is invalid: {field}: Invalid value: \"{value}\": {rule}"
        );
        Err(Refusal::new(Reason::Invalid, message))
    };
    if name.len() > LONGEST_NAME || !name.split('.').all(is_name_part) {
        return invalid("metadata.name", name, NAME_RULE);
    }
    let Some(labels) = object["metadata"]["labels"].as_object() else {
        return Ok(());
    };
    for (key, value) in labels {
        let value = value.as_str().unwrap_or_default();
        if value.len() > LONGEST_LABEL {
            return invalid("metadata.labels", value, "must be no more than 63 bytes");
        }
        if !value.is_empty() && !is_qualified(value) {
            return invalid("metadata.labels", value, VALUE_RULE);
        }
        if let Some(rule) = wrong_key(key) {
            return invalid("metadata.labels", key, rule);
        }
    }
    Ok(())
}

fn is_name_part(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    bytes.first().copied().is_some_and(plain)
        && bytes.last().copied().is_some_and(plain)
        && bytes.iter().all(|&byte| plain(byte) || byte == b'-')
}

fn is_qualified(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    bytes.first().copied().is_some_and(plain)
        && bytes.last().copied().is_some_and(plain)
        && bytes
            .iter()
            .all(|&byte| plain(byte) || b"-_.".contains(&byte))
}

fn wrong_key(key: &str) -> Option<&'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if name.len() > LONGEST_LABEL {
        return Some("name part must be no more than 63 bytes");
    }
    if !is_qualified(name) {
        return Some("name part must consist of alphanumeric characters, '-', '_' or '.'");
    }
    let wrong_prefix = prefix.is_some_and(|prefix| !prefix.split('.').all(is_name_part));
    wrong_prefix.then_some("prefix part must be a valid subdomain")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn message(metadata: Value) -> String {
        check_metadata("Workflow", &json!({"metadata": metadata}))
            .unwrap_err()
            .message
    }

    #[test]
    fn pairs_know_no_escaping() {
        let pairs = parse_pairs("a=b,c=").unwrap();
        assert_eq!(Value::Object(pairs), json!({"a": "b", "c": ""}));
        assert_eq!(
            parse_pairs("a=b=c").unwrap_err().message,
            "unexpected label spec: a=b=c"
        );
        assert_eq!(
            parse_pairs("a=b,c").unwrap_err().message,
            "unexpected label spec: c"
        );
        assert!(parse_pairs("=b").is_err());
    }

    #[test]
    fn names_and_labels_are_checked_as_kubernetes_does() {
        let good =
            json!({"metadata": {"name": "a-1.b", "labels": {"norgay.dev/x": "A_b.c-1", "y": ""}}});
        assert_eq!(check_metadata("Workflow", &good), Ok(()));
        assert!(message(json!({"name": "Upper"})).contains("RFC 1123"));
        assert!(message(json!({"name": "-a"})).contains("RFC 1123"));
        assert!(message(json!({"name": "a", "labels": {"x": "b c"}})).contains("a valid label"));
        assert!(message(json!({"name": "a", "labels": {"x": "-b"}})).contains("a valid label"));
        assert!(message(json!({"name": "a", "labels": {"x y": "b"}})).contains("name part"));
        let long = "v".repeat(64);
        assert!(
            message(json!({"name": "a", "labels": {"x": long}})).contains("no more than 63 bytes")
        );
    }
}
