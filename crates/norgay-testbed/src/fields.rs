//! The `fields` parameter of an argo-server: which parts of an answer are wanted.

use serde_json::Value;

/// Which parts of an answer are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    paths: Vec<String>,
    excluding: bool,
}

impl Fields {
    /// Reads `a,b.c` (only these) or `-a,b.c` (all but these); nothing is everything.
    pub(crate) fn parse(text: &str) -> Self {
        let (text, excluding) = match text.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let paths = text
            .split(',')
            .filter(|path| !path.is_empty())
            .map(String::from)
            .collect();
        Self { paths, excluding }
    }

    /// Whether everything is wanted.
    pub(crate) fn is_everything(&self) -> bool {
        self.paths.is_empty()
    }

    /// The wanted parts of an answer.
    pub(crate) fn pick(&self, value: &Value) -> Value {
        if self.is_everything() {
            value.clone()
        } else {
            self.pick_below(value, "")
        }
    }

    /// The wanted parts of a value that stands below this path in an answer.
    pub(crate) fn pick_at(&self, value: &Value, path: &str) -> Value {
        if self.is_everything() {
            value.clone()
        } else {
            self.pick_below(value, path)
        }
    }

    fn pick_below(&self, value: &Value, path: &str) -> Value {
        match value {
            Value::Object(map) => Value::Object(
                map.iter()
                    .filter_map(|(key, inner)| {
                        let path = if path.is_empty() {
                            key.clone()
                        } else {
                            format!("{path}.{key}")
                        };
                        self.wants(&path)
                            .then(|| (key.clone(), self.pick_below(inner, &path)))
                    })
                    .collect(),
            ),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.pick_below(item, path))
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    /// Paths are compared as texts: `a.b` wants `a.bc` as well.
    fn wants(&self, path: &str) -> bool {
        let named = |wanted: &String| path.starts_with(wanted.as_str());
        if self.excluding {
            return !self.paths.iter().any(named);
        }
        self.paths
            .iter()
            .any(|wanted| named(wanted) || wanted.starts_with(path))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Value {
        json!({
            "metadata": {"resourceVersion": "5"},
            "items": [{"metadata": {"name": "a", "uid": "u"}, "status": {"phase": "Running", "nodes": {}}}],
        })
    }

    #[test]
    fn only_what_is_asked_for_is_told() {
        let fields = Fields::parse("metadata,items.metadata.name,items.status.phase");
        assert_eq!(
            fields.pick(&answer()),
            json!({
                "metadata": {"resourceVersion": "5"},
                "items": [{"metadata": {"name": "a"}, "status": {"phase": "Running"}}],
            })
        );
    }

    #[test]
    fn what_is_excluded_is_left_out() {
        let picked = Fields::parse("-items.status,items.metadata").pick(&answer());
        assert_eq!(
            picked,
            json!({"metadata": {"resourceVersion": "5"}, "items": [{}]})
        );
    }

    #[test]
    fn an_error_frame_that_was_not_asked_for_is_empty() {
        let frame = json!({"error": {"message": "EOF"}});
        assert_eq!(Fields::parse("result.type").pick(&frame), json!({}));
        assert_eq!(Fields::parse("result.type,error").pick(&frame), frame);
        assert_eq!(Fields::parse("").pick(&frame), frame);
    }
}
