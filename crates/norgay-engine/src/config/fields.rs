//! The table of what a study file may hold. The check of unknown keys and wrong types, the
//! published schema and the reference text are all made from it.

use super::shape::{FieldEntry, Shape};

/// A field without a default.
const fn field(name: &'static str, shape: Shape, help: &'static str) -> FieldEntry {
    FieldEntry {
        name,
        shape,
        default: "",
        help,
    }
}

/// A field with a default, written as JSON.
const fn with_default(
    name: &'static str,
    shape: Shape,
    default: &'static str,
    help: &'static str,
) -> FieldEntry {
    FieldEntry {
        name,
        shape,
        default,
        help,
    }
}

const fn one_of(words: &'static [&'static str]) -> Shape {
    Shape::OneOf { words, later: &[] }
}

/// The words for schedulers.
pub(super) const SCHEDULERS: Shape = Shape::OneOf {
    words: &["local", "argo"],
    later: &["slurm", "sge"],
};

/// Everything that a study file may hold.
pub const FIELDS: &[FieldEntry] = &[
    field(
        "name",
        Shape::Text,
        "Name of the study and of its folder under the output path. Default: the file's name \
         without its ending, or the folder's name if the file is called `study`.",
    ),
    field(
        "parameters",
        Shape::Space,
        "The search space: a map from names to parameters, or a file that holds it. Required.",
    ),
    field(
        "constraints",
        Shape::Texts,
        "Conditions that every trial fulfils, such as `units_2 <= units_1`.",
    ),
    field(
        "objective",
        Shape::Fields(OBJECTIVE),
        "What is optimized. Required, unless `minimize`, `maximize` or `objectives` is there.",
    ),
    field(
        "minimize",
        Shape::Text,
        "Short for an objective of which low values are better.",
    ),
    field(
        "maximize",
        Shape::Text,
        "Short for an objective of which high values are better.",
    ),
    field(
        "objectives",
        Shape::NamesOr(OBJECTIVES),
        "Several objectives: the result is a front of trials of which none is better than another \
         in all of them. A trial's values are those of the last measurement that has all \
         objectives. A target, a stopping rule and the progress shown look at the first one.",
    ),
    field(
        "outcome_constraints",
        Shape::Texts,
        "Limits for other metrics, such as `memory_gb <= 8`, which a trial's results (not its \
         parameters) have to keep: the best trial is one that keeps them all. Every trial has to \
         report these metrics.",
    ),
    with_default(
        "algorithm",
        Shape::Algorithm,
        "\"auto\"",
        "The algorithm's name, or a map of its `name` and arguments, as in \
         `{name: grid, num_grid_points: 3}`.",
    ),
    with_default("seed", Shape::Whole(0), "0", "Seed of everything random."),
    field("budget", Shape::Fields(BUDGET), "When the study ends."),
    with_default(
        "max_concurrent",
        Shape::Whole(1),
        "1",
        "The most trials at once.",
    ),
    with_default(
        "scheduler",
        SCHEDULERS,
        "\"local\"",
        "Where trials run: as processes of this machine, or as Argo Workflows on Kubernetes.",
    ),
    field(
        "argo",
        Shape::Fields(ARGO),
        "How trials become Argo Workflows, with `scheduler: argo`.",
    ),
    field(
        "command",
        Shape::Command,
        "Program and arguments of a trial, with placeholders such as `{lr}`. Text is split as a \
         shell does, but no shell runs it. Without it the study is driven by ask and tell.",
    ),
    with_default(
        "working_folder",
        Shape::Text,
        "\"trial\"",
        "Where commands run: `trial` (the trial's own folder), `study` (the study's), or a path.",
    ),
    field(
        "environment",
        Shape::Variables,
        "Variables for the trials, with placeholders.",
    ),
    field(
        "resources",
        Shape::Slots,
        "Slots such as GPU numbers; each running trial holds one of its own, `{resource}`.",
    ),
    field("limits", Shape::Fields(LIMITS), "What a trial may use."),
    field(
        "retry",
        Shape::Fields(RETRY),
        "How often a trial is tried again, by the cause of its failure.",
    ),
    field(
        "stopping_rule",
        Shape::NameOr(STOPPING_RULE),
        "Rule that ends unpromising trials early: its name, or a map of its name and arguments.",
    ),
    field(
        "metrics_file",
        Shape::Text,
        "JSON file in the trial's folder from which metrics are read at its end.",
    ),
    field(
        "stdout_pattern",
        Shape::Text,
        "Regular expression with named groups that finds metrics in lines of standard output, \
         such as `loss=(?P<loss>[0-9.e+-]+)`; one group has the objective's name.",
    ),
    field(
        "parameter_text",
        Shape::Text,
        "Expression in Python's grammar that makes a trial's parameters from `tp`, or the file \
         that holds it (its name ends in `.txt`).",
    ),
    with_default(
        "parameter_format",
        one_of(&["python", "json"]),
        "\"python\"",
        "How values are written into commands: `True` and `None`, or `true` and `null`.",
    ),
    field(
        "input_path",
        Shape::Text,
        "Folder of input files: a path, or a URL such as `s3://bucket/folder`.",
    ),
    with_default(
        "output_path",
        Shape::Text,
        "\"output\"",
        "Folder under which the study's own folder lies: a path, or a URL such as \
         `s3://bucket/folder`.",
    ),
    with_default(
        "storage_strategy",
        one_of(&["keep", "delete", "best", "continue"]),
        "\"keep\"",
        "What becomes of trials' files once their results are stored: all are kept, none, \
         only the best trial's, or only those that another trial may go on from.",
    ),
    with_default(
        "keep_failed",
        Shape::Flag,
        "false",
        "Keeps the files of failed trials whatever the strategy.",
    ),
    with_default(
        "typed_best_result",
        Shape::Flag,
        "false",
        "Writes numbers as numbers into `best_result.json`, not as text.",
    ),
    with_default(
        "library_file_names",
        Shape::Flag,
        "false",
        "Also writes `results.csv` and `config.pkl`, as the SHERPA library names them.",
    ),
    field("storage", Shape::Text, "The database file."),
];

/// The fields of `argo`.
const ARGO: &[FieldEntry] = &[
    field(
        "template",
        Shape::Text,
        "Name of the template of a trial. Required.",
    ),
    with_default(
        "template_kind",
        TEMPLATE_KINDS,
        "\"WorkflowTemplate\"",
        "Whether the template belongs to the namespace or to the whole cluster.",
    ),
    field(
        "entrypoint",
        Shape::Text,
        "The template inside it that starts. Default: the template's own choice.",
    ),
    with_default(
        "route",
        ROUTES,
        "\"server\"",
        "Through the argo-server, or through the Kubernetes API itself (in a cluster, or by the \
         kubeconfig).",
    ),
    field(
        "url",
        Shape::Text,
        "Address of the argo-server, such as `https://argo.example.com/prefix`. Default: the \
         variable `ARGO_SERVER`.",
    ),
    field(
        "namespace",
        Shape::Text,
        "Namespace of the workflows. Default: the variable `ARGO_NAMESPACE`, else `default`.",
    ),
    field(
        "token_file",
        Shape::Text,
        "File that holds the token, read again whenever it is refused. The variables \
         `ARGO_TOKEN` and `api_exec_token` come first.",
    ),
    field(
        "ca_file",
        Shape::Text,
        "Certificate authorities to trust besides the system's, a PEM file.",
    ),
    with_default(
        "insecure",
        Shape::Flag,
        "false",
        "Does not check the server's certificate.",
    ),
    field(
        "service_account",
        Shape::Text,
        "Service account of the pods. Default: the template's.",
    ),
    field(
        "priority",
        Shape::Whole(0),
        "Priority of the workflows among those that wait.",
    ),
    with_default(
        "submit_rate",
        Shape::Number,
        "5",
        "Most workflows started in a second.",
    ),
    with_default(
        "keep_workflows",
        KEEP_WORKFLOWS,
        "\"failed\"",
        "Which ended workflows stay in the cluster once their results are stored.",
    ),
    with_default(
        "metrics_interval",
        Shape::Duration,
        "\"10s\"",
        "Time between two looks at a trial's intermediate values, if its template declares \
         `norgay_metrics_path`.",
    ),
];

/// The kinds of templates.
pub(super) const TEMPLATE_KINDS: Shape = one_of(&["WorkflowTemplate", "ClusterWorkflowTemplate"]);
/// The ways to start workflows.
pub(super) const ROUTES: Shape = one_of(&["server", "kubernetes"]);
/// Which workflows stay.
pub(super) const KEEP_WORKFLOWS: Shape = one_of(&["all", "failed", "none"]);

/// The fields of `objective`.
const OBJECTIVE: &[FieldEntry] = &[
    field("name", Shape::Text, "Name of the metric. Required."),
    with_default(
        "direction",
        one_of(&["minimize", "maximize"]),
        "\"minimize\"",
        "Whether low or high values are better.",
    ),
    with_default(
        "value",
        one_of(&["best", "last"]),
        "\"best\"",
        "Which of a trial's measurements counts.",
    ),
];

/// The fields of one of `objectives`.
const OBJECTIVES: &[FieldEntry] = &[
    field("name", Shape::Text, "Name of the metric. Required."),
    with_default(
        "direction",
        one_of(&["minimize", "maximize"]),
        "\"minimize\"",
        "Whether low or high values are better.",
    ),
];

/// The fields of `budget`.
const BUDGET: &[FieldEntry] = &[
    field("trials", Shape::Whole(1), "Number of trials."),
    field(
        "wall_time",
        Shape::Duration,
        "Time during which at least one trial runs.",
    ),
    field(
        "target",
        Shape::Number,
        "Value of the (first) objective that is good enough, if the outcome constraints hold.",
    ),
    field(
        "max_failed",
        Shape::Whole(0),
        "More failed trials than this end the study.",
    ),
    with_default(
        "max_failed_in_a_row",
        Shape::Whole(0),
        "10",
        "So many failures of the trials' own making in a row end the study; 0 means never.",
    ),
    field(
        "patience",
        Shape::Whole(1),
        "So many trials in a row without an improvement end the study.",
    ),
    with_default(
        "min_improvement",
        Shape::Number,
        "0",
        "How much better than the best a trial must be to count as an improvement for `patience`.",
    ),
];

/// The fields of `limits`.
const LIMITS: &[FieldEntry] = &[
    field("time", Shape::Duration, "Longest run time of an attempt."),
    field(
        "memory",
        Shape::Size,
        "Most memory of an attempt's processes together.",
    ),
    with_default(
        "grace",
        Shape::Duration,
        "\"10s\"",
        "Time between the request to stop and the kill.",
    ),
];

/// The fields of `retry`: every cause of failure.
const RETRY: &[FieldEntry] = &[
    with_default(
        "pre-empted",
        Shape::Whole(0),
        "20",
        "The machine was taken away.",
    ),
    with_default(
        "lost",
        Shape::Whole(0),
        "5",
        "The attempt vanished without a trace.",
    ),
    with_default(
        "timed-out",
        Shape::Whole(0),
        "0",
        "It ran past its time limit.",
    ),
    with_default(
        "out-of-memory",
        Shape::Whole(0),
        "0",
        "It needed more memory than it may have.",
    ),
    with_default(
        "infeasible",
        Shape::Whole(0),
        "0",
        "It declared its configuration infeasible.",
    ),
    with_default(
        "no-metric",
        Shape::Whole(0),
        "0",
        "It ended well, but left no usable value.",
    ),
    with_default("user-error", Shape::Whole(0), "0", "Its program failed."),
    with_default(
        "cluster-error",
        Shape::Whole(0),
        "3",
        "The place where it was to run failed.",
    ),
];

/// The fields of `stopping_rule`.
pub(super) const STOPPING_RULE: &[FieldEntry] = &[
    field(
        "name",
        one_of(super::stopping_rule::RULES),
        "The rule. Required.",
    ),
    field(
        "min_iterations",
        Shape::Whole(0),
        "Steps for which a trial is left alone; for `auto`, `asha` and `hyperband` the first \
         rung. Default: 1 for these, else 0.",
    ),
    with_default(
        "max_iterations",
        Shape::Whole(0),
        "0",
        "`hyperband`: steps of a trial that runs to its end; 0: as many as the longest so far.",
    ),
    with_default(
        "eta",
        Shape::Whole(2),
        "3",
        "`auto`, `asha`, `hyperband`: factor between rungs; one of so many trials goes on.",
    ),
    with_default(
        "chance",
        Shape::Number,
        "0.2",
        "`auto`: a trial with a smaller chance to become the best is stopped.",
    ),
    with_default(
        "min_trials",
        Shape::Whole(0),
        "5",
        "`median`: other trials needed for a verdict.",
    ),
    with_default(
        "legacy",
        Shape::Flag,
        "false",
        "`median`: compares with the others' best over their whole life, as the SHERPA library \
         does.",
    ),
    with_default(
        "patience",
        Shape::Whole(1),
        "10",
        "`patience`: steps without an improvement that end a trial.",
    ),
    with_default(
        "min_delta",
        Shape::Number,
        "0",
        "`patience`: what does not count as an improvement.",
    ),
    field(
        "lower",
        Shape::Number,
        "`threshold`: values below it end a trial.",
    ),
    field(
        "upper",
        Shape::Number,
        "`threshold`: values above it end a trial.",
    ),
];
