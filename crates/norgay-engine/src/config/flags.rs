//! A study from flags: the reference's, and ours.

use std::path::Path;

use norgay_core::definition::RetryPolicy;
use norgay_core::expression::parse_literal;
use norgay_core::{Node, NodeKind, Place, Value};

use super::assemble::{Context, FieldNames, assemble};
use super::draft::{Draft, Written};
use super::finding::Findings;
use super::flag_line::{COMMAND_LINE, GivenFlag, given_flags};
use super::flag_table::{FLAGS, FlagEntry, Target};
use super::shape::Shape;
use super::source_text::{Base, Origin, Report, in_words, shown};
use super::study_file::StudyConfig;

/// Reads a study from command-line flags, as the reference takes them and some more.
///
/// `read_file` reads files by the names that flags give them; `folder` is where the command was
/// started.
///
/// # Errors
/// Every mistake at once, each with its flag, and its line if it is in a flag file.
pub fn read_flags(
    args: &[String],
    read_file: &dyn Fn(&str) -> Result<String, String>,
    host_name: &str,
    folder: &Path,
) -> Result<StudyConfig, Findings> {
    let mut report = Report::default();
    let given = given_flags(args, read_file, &mut report);
    let mut reading = Reading {
        draft: Draft::default(),
        report,
        options: Options::default(),
    };
    for flag in given {
        reading.take(flag);
    }
    reading.choose_scheduler();
    reading.tell_missing();
    reading.tell_ignored();
    let Reading {
        draft,
        report,
        options,
    } = reading;
    let context = Context {
        read_file,
        folder,
        default_name: host_name.to_owned(),
        whole: Origin::new(COMMAND_LINE, "", Base::Nowhere),
        names: FieldNames::Flags,
        retry: Some(options.retry()),
    };
    let config = assemble(&draft, &context, report)?;
    Ok(StudyConfig {
        verbose: options.verbose.unwrap_or(true),
        ..config
    })
}

/// What flags say that is no field of a study file.
#[derive(Default)]
struct Options {
    resubmit: bool,
    max_retries: Option<u32>,
    verbose: Option<bool>,
    /// Names of all flags given.
    given: Vec<&'static str>,
}

impl Options {
    fn retry(&self) -> RetryPolicy {
        if self.resubmit {
            RetryPolicy::resubmitting(self.max_retries.unwrap_or(1))
        } else {
            RetryPolicy::default()
        }
    }
}

struct Reading {
    draft: Draft,
    report: Report,
    options: Options,
}

impl Reading {
    fn take(&mut self, flag: GivenFlag) {
        let GivenFlag {
            entry,
            value,
            origin,
        } = flag;
        self.options.given.push(entry.name);
        match entry.target {
            Target::AlgorithmArguments => self.algorithm_arguments(&value, &origin),
            // The reference takes an empty name for none.
            Target::Field("name") if value.is_empty() => {}
            Target::FlagFile => {}
            Target::Field(path) => match node_of(entry.shape, &value, &origin, &mut self.report) {
                Some(node) => {
                    self.draft
                        .read_field(entry.shape, path, node, origin, &mut self.report);
                }
                None => self.draft.mention(path),
            },
            Target::LowerIsBetter => {
                if let Some(lower) = self.truth(&value, &origin) {
                    let direction = if lower { "minimize" } else { "maximize" };
                    let node = scalar(Value::from(direction));
                    self.draft
                        .set("objective.direction", Written { node, origin });
                }
            }
            Target::Resubmit => self.options.resubmit = self.truth(&value, &origin) == Some(true),
            Target::Verbose => self.options.verbose = self.truth(&value, &origin),
            Target::MaxRetries => {
                let mut draft = Draft::default();
                if let Some(node) = node_of(entry.shape, &value, &origin, &mut self.report) {
                    draft.read_field(entry.shape, "retries", node, origin, &mut self.report);
                }
                let retries = draft.whole("retries");
                self.options.max_retries =
                    retries.map(|retries| u32::try_from(retries).unwrap_or(u32::MAX));
            }
        }
    }

    fn truth(&mut self, text: &str, origin: &Origin) -> Option<bool> {
        let truth = truth_of(text);
        if truth.is_none() {
            self.report.error(origin, None, no_truth(text));
        }
        truth
    }

    /// The reference evaluates this text as Python; here it may hold literals only (3.7).
    fn algorithm_arguments(&mut self, text: &str, origin: &Origin) {
        const PATH: &str = "algorithm.arguments";
        self.draft.mention(PATH);
        let inner = origin.inner_text(START);
        match parse_literal(text) {
            Ok(node) if node.as_entries().is_some() => {
                self.draft.set(
                    PATH,
                    Written {
                        node,
                        origin: inner,
                    },
                );
            }
            Ok(node) => {
                let found = in_words(&node);
                let message =
                    format!("expected a dict such as {{\"max_num_trials\": 30}}, found {found}");
                self.report.error(&inner, Some(node.place), message);
            }
            Err(error) => self
                .report
                .error(&inner, Some(error.place), error.problem.to_string()),
        }
    }

    /// The reference knows no other place than Argo, so its flags alone mean that.
    fn choose_scheduler(&mut self) {
        let given = |name: &str| self.options.given.contains(&name);
        if !given("scheduler") && given("workflowtemplate") && !given("command") {
            let origin = Origin::new(COMMAND_LINE, "flag '--scheduler'", Base::Nowhere);
            let node = scalar(Value::from("argo"));
            self.draft.set("scheduler", Written { node, origin });
        }
    }

    /// The scheduler's name.
    fn scheduler(&self) -> String {
        let written = self.draft.text("scheduler");
        written.unwrap_or_else(|| "local".to_string())
    }

    /// Tells what is missing (CS-93: the reference crashes without some of these).
    fn tell_missing(&mut self) {
        let given = |name: &str| self.options.given.contains(&name);
        let scheduler = self.scheduler();
        let wanted = |entry: &FlagEntry| {
            entry.required && entry.scheduler.is_none_or(|only| only == scheduler)
        };
        for entry in FLAGS
            .iter()
            .filter(|entry| wanted(entry) && !given(entry.name))
        {
            if entry.name == "filename_objective" && given("stdout_pattern") {
                continue;
            }
            let origin = Origin::new(
                COMMAND_LINE,
                format!("flag '--{}'", entry.name),
                Base::Nowhere,
            );
            let message = format!("it is missing. {}", entry.help);
            self.report.error(&origin, None, message);
        }
    }

    /// Warns of flags without effect.
    fn tell_ignored(&mut self) {
        let origin = Origin::new(COMMAND_LINE, "", Base::Nowhere);
        let scheduler = self.scheduler();
        let unused = FLAGS.iter().filter(|entry| {
            let given = self.options.given.contains(&entry.name);
            // Fields of processes are told of one by one, at their places.
            given && entry.scheduler == Some("argo") && scheduler != "argo"
        });
        let mut names: Vec<&str> = unused.map(|entry| entry.name).collect();
        if !names.is_empty() {
            names.sort_unstable();
            let message = format!(
                "--{} have no effect: only the Argo scheduler needs them",
                names.join(", --")
            );
            self.report.warn(&origin, None, message);
        }
        if self.options.max_retries.is_some() && !self.options.resubmit {
            let origin = origin.about("flag '--max_retries'");
            self.report.warn(
                &origin,
                None,
                "it has no effect without --resubmit_failed_trials",
            );
        }
    }
}

const START: Place = Place { line: 1, column: 1 };

fn scalar(value: Value) -> Node {
    Node {
        place: START,
        kind: NodeKind::Scalar(value),
    }
}

/// The truth values that absl knows, in any letter case.
fn truth_of(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" => Some(true),
        "false" | "f" | "0" => Some(false),
        _ => None,
    }
}

fn no_truth(text: &str) -> String {
    format!("expected true or false, found the text '{}'", shown(text))
}

/// A flag's text as the value that its shape takes; whether it fits is checked later.
fn node_of(shape: Shape, text: &str, origin: &Origin, report: &mut Report) -> Option<Node> {
    let trimmed = text.trim();
    match shape {
        Shape::Flag => {
            if truth_of(text).is_none() {
                report.error(origin, None, no_truth(text));
            }
            truth_of(text).map(|truth| scalar(Value::Bool(truth)))
        }
        Shape::Whole(_) | Shape::Number => {
            let whole = trimmed.parse::<i64>().map(Value::Int);
            let number = whole.or_else(|_| trimmed.parse::<f64>().map(Value::Float));
            Some(scalar(number.unwrap_or_else(|_| Value::text(text))))
        }
        Shape::Slots | Shape::NameOr(_) if trimmed.starts_with(['[', '{']) => {
            match parse_literal(text) {
                Ok(node) => Some(node),
                Err(error) => {
                    let inner = origin.inner_text(START);
                    report.error(&inner, Some(error.place), error.problem.to_string());
                    None
                }
            }
        }
        Shape::Slots => {
            let slots = trimmed
                .split(',')
                .map(|slot| scalar(Value::from(slot.trim())));
            Some(Node {
                place: START,
                kind: NodeKind::List(slots.collect()),
            })
        }
        Shape::Variables => {
            let Some((name, value)) = text.split_once('=') else {
                let message = format!("expected KEY=VALUE, found '{}'", shown(text));
                report.error(origin, None, message);
                return None;
            };
            let entry = (scalar(Value::from(name)), scalar(Value::from(value)));
            Some(Node {
                place: START,
                kind: NodeKind::Dict(vec![entry]),
            })
        }
        _ => Some(scalar(Value::from(text))),
    }
}
