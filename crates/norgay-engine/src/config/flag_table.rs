//! The table of flags: the reference's, by their own names, and ours. It serves the reading of
//! flags and the command line's help.

use super::fields::{KEEP_WORKFLOWS, ROUTES, SCHEDULERS, TEMPLATE_KINDS};
use super::shape::Shape;

/// A flag.
#[derive(Clone, Copy, Debug)]
pub struct FlagEntry {
    /// Its name without dashes; dashes inside it are taken for underscores.
    pub name: &'static str,
    /// What its value may be.
    pub shape: Shape,
    /// What holds if it is absent, as JSON; empty if nothing does.
    pub default: &'static str,
    /// Whether a study can't do without it.
    pub required: bool,
    /// The scheduler for which alone it has a meaning.
    pub scheduler: Option<&'static str>,
    /// Whether it may be given several times, each time adding to the others.
    pub repeatable: bool,
    /// What it means.
    pub help: &'static str,
    /// Where its value goes.
    pub(super) target: Target,
}

/// Where a flag's value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To this field of a study.
    Field(&'static str),
    /// To the algorithm's arguments, from a text of literals.
    AlgorithmArguments,
    /// To the objective's direction.
    LowerIsBetter,
    /// To the retry policy.
    Resubmit,
    /// To the retry policy.
    MaxRetries,
    /// To the study's verbosity.
    Verbose,
    /// It names a file of flags.
    FlagFile,
}

/// A flag with a field of the study as its target.
const fn flag(
    name: &'static str,
    shape: Shape,
    field: &'static str,
    help: &'static str,
) -> FlagEntry {
    FlagEntry {
        name,
        shape,
        default: "",
        required: false,
        scheduler: None,
        repeatable: false,
        help,
        target: Target::Field(field),
    }
}

impl FlagEntry {
    const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    const fn repeatable(self) -> Self {
        Self {
            repeatable: true,
            ..self
        }
    }

    const fn or(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    const fn to(self, target: Target) -> Self {
        Self { target, ..self }
    }

    const fn only_for(self, scheduler: &'static str) -> Self {
        Self {
            scheduler: Some(scheduler),
            ..self
        }
    }
}

const FORMATS: Shape = Shape::OneOf {
    words: &["python", "json"],
    later: &[],
};
const STRATEGIES: Shape = Shape::OneOf {
    words: &["keep", "delete", "best", "continue"],
    later: &[],
};

/// All flags, the reference's first.
pub const FLAGS: &[FlagEntry] = &[
    flag(
        "run_name",
        Shape::Text,
        "name",
        "Name of the study and of its folder under the output path. Default: the host's name.",
    ),
    flag(
        "input_path",
        Shape::Text,
        "input_path",
        "Folder of input files: a path, or a URL such as s3://bucket/folder.",
    )
    .required(),
    flag(
        "output_path",
        Shape::Text,
        "output_path",
        "Folder under which the study's own folder lies: a path or URL.",
    )
    .required(),
    flag(
        "default_parameter",
        Shape::Text,
        "parameter_text",
        "Expression that makes a trial's parameters from tp, or the name of a .txt file in \
         the input path that holds it.",
    )
    .required(),
    flag(
        "hpo_parameter",
        Shape::Space,
        "parameters",
        "The search space, or a .json, .yaml, .yml or .txt file that holds it.",
    )
    .required(),
    flag(
        "algorithm",
        Shape::Text,
        "algorithm.name",
        "Name of the algorithm, such as RandomSearch.",
    )
    .required(),
    flag(
        "algo_parameter",
        Shape::Text,
        "",
        "The algorithm's arguments: a dict of literals, {} if there are none.",
    )
    .required()
    .to(Target::AlgorithmArguments),
    flag(
        "objective",
        Shape::Text,
        "objective.name",
        "Name of the metric that is optimized.",
    )
    .required(),
    flag(
        "filename_objective",
        Shape::Text,
        "metrics_file",
        "JSON file in the trial's folder from which metrics are read. Not needed with \
         --stdout_pattern.",
    )
    .required(),
    flag(
        "lower_is_better",
        Shape::Flag,
        "",
        "Whether low values of the objective are better.",
    )
    .or("true")
    .to(Target::LowerIsBetter),
    flag(
        "max_concurrent",
        Shape::Whole(1),
        "max_concurrent",
        "The most trials at once.",
    )
    .or("1"),
    flag(
        "resubmit_failed_trials",
        Shape::Flag,
        "",
        "Whether failed trials are tried again, --max_retries times.",
    )
    .or("false")
    .to(Target::Resubmit),
    flag("verbose", Shape::Flag, "", "Whether to tell of each trial.")
        .or("true")
        .to(Target::Verbose),
    flag(
        "storage_strategy",
        STRATEGIES,
        "storage_strategy",
        "What becomes of trials' files: all are kept, none, only the best trial's, or only \
         those that another trial may go on from.",
    )
    .or("\"keep\""),
    flag(
        "workflowtemplate",
        Shape::Text,
        "argo.template",
        "Argo: name of the template of a trial.",
    )
    .only_for("argo")
    .required(),
    flag(
        "entrypoint",
        Shape::Text,
        "argo.entrypoint",
        "Argo: the template inside it that starts.",
    )
    .only_for("argo")
    .required(),
    flag(
        "argo_ip",
        Shape::Text,
        "argo.ip",
        "Argo: the server's address, or its URL. Default: the variable ARGO_SERVER.",
    )
    .only_for("argo"),
    flag(
        "argo_port",
        Shape::Text,
        "argo.port",
        "Argo: the server's port.",
    )
    .only_for("argo"),
    flag(
        "k8_namespace",
        Shape::Text,
        "argo.namespace",
        "Argo: namespace of the workflows. Default: the variable ARGO_NAMESPACE, else default.",
    )
    .only_for("argo"),
    flag(
        "argo_url",
        Shape::Text,
        "argo.url",
        "Argo: URL of the server, which may have a path. Wins over --argo_ip.",
    )
    .only_for("argo"),
    flag(
        "argo_route",
        ROUTES,
        "argo.route",
        "Argo: through the argo-server, or through the Kubernetes API itself.",
    )
    .only_for("argo")
    .or("\"server\""),
    flag(
        "argo_token_file",
        Shape::Text,
        "argo.token_file",
        "Argo: file that holds the token. The variables ARGO_TOKEN and api_exec_token come first.",
    )
    .only_for("argo"),
    flag(
        "argo_ca_file",
        Shape::Text,
        "argo.ca_file",
        "Argo: certificate authorities to trust besides the system's, a PEM file.",
    )
    .only_for("argo"),
    flag(
        "argo_insecure",
        Shape::Flag,
        "argo.insecure",
        "Argo: does not check the server's certificate.",
    )
    .only_for("argo")
    .or("false"),
    flag(
        "argo_template_kind",
        TEMPLATE_KINDS,
        "argo.template_kind",
        "Argo: whether the template belongs to the namespace or to the whole cluster.",
    )
    .only_for("argo")
    .or("\"WorkflowTemplate\""),
    flag(
        "argo_service_account",
        Shape::Text,
        "argo.service_account",
        "Argo: service account of the pods. Default: the template's.",
    )
    .only_for("argo"),
    flag(
        "argo_priority",
        Shape::Whole(0),
        "argo.priority",
        "Argo: priority of the workflows among those that wait.",
    )
    .only_for("argo"),
    flag(
        "argo_submit_rate",
        Shape::Number,
        "argo.submit_rate",
        "Argo: most workflows started in a second.",
    )
    .only_for("argo")
    .or("5"),
    flag(
        "argo_keep_workflows",
        KEEP_WORKFLOWS,
        "argo.keep_workflows",
        "Argo: which ended workflows stay in the cluster.",
    )
    .only_for("argo")
    .or("\"failed\""),
    flag(
        "argo_metrics_interval",
        Shape::Duration,
        "argo.metrics_interval",
        "Argo: time between two looks at a trial's intermediate values.",
    )
    .only_for("argo")
    .or("\"10s\""),
    flag(
        "flagfile",
        Shape::Text,
        "",
        "File of flags, one a line; # and // start comments. Flags given later win.",
    )
    .repeatable()
    .to(Target::FlagFile),
    flag(
        "scheduler",
        SCHEDULERS,
        "scheduler",
        "Where trials run. Default: argo if --workflowtemplate is given and --command is not, \
         else local.",
    ),
    flag(
        "command",
        Shape::Command,
        "command",
        "Program and arguments of a trial, with placeholders such as {lr}.",
    )
    .only_for("local")
    .required(),
    flag(
        "max_num_trials",
        Shape::Whole(1),
        "budget.trials",
        "Number of trials.",
    ),
    flag(
        "wall_time",
        Shape::Duration,
        "budget.wall_time",
        "Time during which at least one trial runs, after which the study ends.",
    ),
    flag(
        "target",
        Shape::Number,
        "budget.target",
        "Value of the objective that is good enough.",
    ),
    flag(
        "max_failed",
        Shape::Whole(0),
        "budget.max_failed",
        "More failed trials than this end the study.",
    ),
    flag(
        "max_failed_in_a_row",
        Shape::Whole(0),
        "budget.max_failed_in_a_row",
        "So many failures of the trials' own making in a row end the study; 0 means never.",
    )
    .or("10"),
    flag(
        "patience",
        Shape::Whole(1),
        "budget.patience",
        "So many trials in a row without an improvement end the study.",
    ),
    flag(
        "min_improvement",
        Shape::Number,
        "budget.min_improvement",
        "How much better than the best a trial must be to count as an improvement for --patience.",
    )
    .or("0"),
    flag(
        "max_retries",
        Shape::Whole(0),
        "",
        "How often a failed trial is tried again with --resubmit_failed_trials.",
    )
    .or("1")
    .to(Target::MaxRetries),
    flag(
        "seed",
        Shape::Whole(0),
        "seed",
        "Seed of everything random.",
    )
    .or("0"),
    flag(
        "constraints",
        Shape::Text,
        "constraints",
        "Condition that every trial fulfils, such as units_2 <= units_1.",
    )
    .repeatable(),
    flag(
        "stopping_rule",
        Shape::NameOr(super::fields::STOPPING_RULE),
        "stopping_rule",
        "Rule that ends unpromising trials early: its name, such as auto, or a dict of its name \
         and arguments.",
    ),
    flag(
        "stdout_pattern",
        Shape::Text,
        "stdout_pattern",
        "Regular expression with named groups that finds metrics in lines of standard output.",
    ),
    flag(
        "parameter_format",
        FORMATS,
        "parameter_format",
        "How values are written into commands.",
    )
    .or("\"python\""),
    flag(
        "time_limit",
        Shape::Duration,
        "limits.time",
        "Longest run time of an attempt.",
    ),
    flag(
        "memory_limit",
        Shape::Size,
        "limits.memory",
        "Most memory of an attempt's processes together.",
    ),
    flag(
        "grace",
        Shape::Duration,
        "limits.grace",
        "Time between the request to stop and the kill.",
    )
    .or("\"10s\""),
    flag(
        "resources",
        Shape::Slots,
        "resources",
        "Slots such as GPU numbers, separated by commas; each running trial holds one of its \
         own.",
    ),
    flag(
        "environment",
        Shape::Variables,
        "environment",
        "KEY=VALUE: variable for the trials, with placeholders.",
    )
    .repeatable(),
    flag(
        "working_folder",
        Shape::Text,
        "working_folder",
        "Where commands run: trial, study, or a path.",
    )
    .or("\"trial\""),
    flag(
        "keep_failed",
        Shape::Flag,
        "keep_failed",
        "Keeps the files of failed trials whatever the strategy.",
    )
    .or("false"),
    flag(
        "typed_best_result",
        Shape::Flag,
        "typed_best_result",
        "Writes numbers as numbers into best_result.json, not as text.",
    )
    .or("false"),
    flag(
        "library_file_names",
        Shape::Flag,
        "library_file_names",
        "Also writes results.csv and config.pkl, as the SHERPA library names them.",
    )
    .or("false"),
    flag("storage", Shape::Text, "storage", "The database file."),
    flag("name", Shape::Text, "name", "Another word for --run_name."),
];
