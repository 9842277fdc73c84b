//! YAML (and so JSON) text as a tree of values with the place of each.
//!
//! The tree is built from the parser's events with a stack of its own, so that no text can
//! exhaust the thread's stack; size, depth and what aliases unfold to are limited. Keys that
//! occur twice are all kept, because only the reader can say what that means.

use std::collections::{HashMap, HashSet};

use norgay_core::{Node, NodeKind, Place, Value};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::yaml_scalar::plain_scalar;

/// The most bytes of a text.
pub const MAX_YAML_BYTES: usize = 1024 * 1024;

/// How deep lists and maps may nest, aliases unfolded.
pub const MAX_YAML_DEPTH: usize = 64;

/// The most values of a text, aliases unfolded.
pub const MAX_YAML_NODES: usize = 200_000;

/// A text that is no YAML, or none that is accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct YamlError {
    /// Where; `None` if the text as a whole is meant.
    pub place: Option<Place>,
    /// What is wrong.
    pub problem: YamlProblem,
}

/// What is wrong with a YAML text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum YamlProblem {
    /// The text is too long.
    #[error("the text has {0} bytes, and at most {MAX_YAML_BYTES} are allowed")]
    TooLong(usize),
    /// It is no YAML.
    #[error("this is not valid YAML: {0}")]
    Syntax(String),
    /// Lists and maps are nested too deep.
    #[error("this is nested more than {MAX_YAML_DEPTH} levels deep")]
    TooDeep,
    /// There are too many values, perhaps because aliases repeat aliases.
    #[error("there are more than {MAX_YAML_NODES} values, those that aliases repeat included")]
    TooMany,
    /// A tag such as `!!python/object`.
    #[error("the tag {0} is not allowed; write the value without it")]
    Tag(String),
    /// An alias inside what it stands for.
    #[error("this alias stands for a value that it is itself a part of")]
    SelfReference,
    /// A second document.
    #[error("a second document starts here, and only one is allowed")]
    SecondDocument,
    /// A list or map as key.
    #[error("a key must be text or a number, not a list or a map")]
    Key,
    /// `<<` with something that is no map.
    #[error("the merge key << needs a map or a list of maps")]
    Merge,
    /// A number that no float can hold.
    #[error("{0}")]
    Number(String),
}

impl YamlProblem {
    fn at(self, place: Place) -> YamlError {
        YamlError {
            place: Some(place),
            problem: self,
        }
    }
}

/// Reads a text of one YAML document; an empty text is `None`.
pub fn read_yaml(text: &str) -> Result<Node, YamlError> {
    if text.len() > MAX_YAML_BYTES {
        return Err(YamlError {
            place: None,
            problem: YamlProblem::TooLong(text.len()),
        });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| syntax_error(&error))?;
        builder.take(event, place_of(span))?;
    }
    Ok(builder.root.unwrap_or(Node {
        place: Place { line: 1, column: 1 },
        kind: NodeKind::Scalar(Value::None),
    }))
}

fn syntax_error(error: &ScanError) -> YamlError {
    let hint = if error.info().contains("escape") {
        "; in single quotes a backslash is itself"
    } else {
        ""
    };
    let marker = error.marker();
    let place = place(marker.line(), marker.col());
    // The parser looks ahead, so its own limit can come before ours.
    if error.info().contains("recursion limit") {
        return YamlProblem::TooDeep.at(place);
    }
    YamlProblem::Syntax(format!("{}{hint}", error.info())).at(place)
}

fn place_of(span: Span) -> Place {
    place(span.start.line(), span.start.col())
}

/// The parser counts lines from 1, but columns from 0.
fn place(line: usize, column: usize) -> Place {
    let whole = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Place {
        line: whole(line),
        column: whole(column).saturating_add(1),
    }
}

#[derive(Default)]
struct Builder {
    stack: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
    anchors: HashMap<usize, Anchored>,
}

/// A list or map that is not complete yet.
struct Frame {
    place: Place,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { parts: Vec<Part>, key: Option<Key> },
}

/// A part of a map: an entry, or the map or maps that `<<` brings in.
enum Part {
    Entry(Node, Node),
    Merge(Node),
}

enum Key {
    Entry(Node),
    Merge,
}

/// A value that aliases may repeat.
struct Anchored {
    node: Node,
    nodes: usize,
    depth: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), YamlError> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(YamlProblem::SecondDocument.at(place));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.as_deref(), place)?;
                let plain = style == ScalarStyle::Plain;
                self.scalar(&text, plain, anchor, place)
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), place)?;
                self.open(Content::List(Vec::new()), anchor, place)
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), place)?;
                self.open(
                    Content::Map {
                        parts: Vec::new(),
                        key: None,
                    },
                    anchor,
                    place,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, place),
        }
    }

    fn count(&mut self, nodes: usize, place: Place) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_YAML_NODES {
            return Err(YamlProblem::TooMany.at(place));
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        plain: bool,
        anchor: usize,
        place: Place,
    ) -> Result<(), YamlError> {
        self.count(1, place)?;
        if plain
            && text == "<<"
            && let Some(Frame {
                content: Content::Map {
                    key: key @ None, ..
                },
                ..
            }) = self.stack.last_mut()
        {
            *key = Some(Key::Merge);
            return Ok(());
        }
        let value = if plain {
            plain_scalar(text).map_err(|message| YamlProblem::Number(message).at(place))?
        } else {
            Value::text(text)
        };
        let node = Node {
            place,
            kind: NodeKind::Scalar(value),
        };
        self.remember(anchor, &node)?;
        self.add(node)
    }

    fn open(&mut self, content: Content, anchor: usize, place: Place) -> Result<(), YamlError> {
        self.count(1, place)?;
        if self.stack.len() >= MAX_YAML_DEPTH {
            return Err(YamlProblem::TooDeep.at(place));
        }
        self.stack.push(Frame {
            place,
            anchor,
            content,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let Some(Frame {
            place,
            anchor,
            content,
        }) = self.stack.pop()
        else {
            return Ok(());
        };
        let kind = match content {
            Content::List(items) => NodeKind::List(items),
            Content::Map { parts, .. } => NodeKind::Dict(merged(parts)?),
        };
        let node = Node { place, kind };
        self.remember(anchor, &node)?;
        self.add(node)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), YamlError> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            // The parser knows the name, so its value is one that is still open.
            return Err(YamlProblem::SelfReference.at(place));
        };
        if self.stack.len() + anchored.depth > MAX_YAML_DEPTH {
            return Err(YamlProblem::TooDeep.at(place));
        }
        let nodes = anchored.nodes;
        self.count(nodes, place)?;
        let node = self
            .anchors
            .get(&anchor)
            .map(|anchored| anchored.node.kind.clone());
        match node {
            Some(kind) => self.add(Node { place, kind }),
            None => Ok(()),
        }
    }

    /// Keeps a copy of an anchored value for its aliases.
    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), YamlError> {
        if anchor == 0 {
            return Ok(());
        }
        let (nodes, depth) = measure(node);
        self.count(nodes, node.place)?;
        self.anchors.insert(
            anchor,
            Anchored {
                node: node.clone(),
                nodes,
                depth,
            },
        );
        Ok(())
    }

    fn add(&mut self, node: Node) -> Result<(), YamlError> {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Map { parts, key } => match key.take() {
                None if matches!(node.kind, NodeKind::Scalar(_)) => *key = Some(Key::Entry(node)),
                None => return Err(YamlProblem::Key.at(node.place)),
                Some(Key::Entry(key)) => parts.push(Part::Entry(key, node)),
                Some(Key::Merge) => parts.push(Part::Merge(node)),
            },
        }
        Ok(())
    }
}

fn refuse_tag(tag: Option<&Tag>, place: Place) -> Result<(), YamlError> {
    match tag {
        None => Ok(()),
        Some(tag) => {
            let shown: String = tag.to_string().chars().take(80).collect();
            Err(YamlProblem::Tag(shown).at(place))
        }
    }
}

/// How many values a tree holds, and how deep its lists and maps nest. Depth is limited.
fn measure(node: &Node) -> (usize, usize) {
    let children: Vec<&Node> = match &node.kind {
        NodeKind::Scalar(_) => return (1, 0),
        NodeKind::List(items) | NodeKind::Tuple(items) => items.iter().collect(),
        NodeKind::Dict(entries) => entries.iter().flat_map(|(key, item)| [key, item]).collect(),
    };
    let start = (1, 0);
    let (nodes, depth) = children
        .into_iter()
        .map(measure)
        .fold(start, |sum, child| (sum.0 + child.0, sum.1.max(child.1)));
    (nodes, depth + 1)
}

/// The entries of a map with `<<` resolved: own keys win over merged ones, earlier maps over
/// later ones.
fn merged(parts: Vec<Part>) -> Result<Vec<(Node, Node)>, YamlError> {
    if !parts.iter().any(|part| matches!(part, Part::Merge(_))) {
        let entries = parts.into_iter().filter_map(|part| match part {
            Part::Entry(key, value) => Some((key, value)),
            Part::Merge(_) => None,
        });
        return Ok(entries.collect());
    }
    let mut taken: HashSet<String> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Entry(key, _) => Some(key_text(key)),
            Part::Merge(_) => None,
        })
        .collect();
    let mut entries = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Part::Entry(key, value) => entries.push((key, value)),
            Part::Merge(node) => {
                for (key, value) in merge_sources(node)? {
                    if taken.insert(key_text(&key)) {
                        entries.push((key, value));
                    }
                }
            }
        }
    }
    Ok(entries)
}

fn key_text(key: &Node) -> String {
    let value = key.value();
    format!("{} {value}", value.type_name())
}

fn merge_sources(node: Node) -> Result<Vec<(Node, Node)>, YamlError> {
    let place = node.place;
    match node.kind {
        NodeKind::Dict(entries) => Ok(entries),
        NodeKind::List(items) => {
            let mut all = Vec::new();
            for item in items {
                match item.kind {
                    NodeKind::Dict(entries) => all.extend(entries),
                    _ => return Err(YamlProblem::Merge.at(item.place)),
                }
            }
            Ok(all)
        }
        _ => Err(YamlProblem::Merge.at(place)),
    }
}
