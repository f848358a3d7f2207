//! From a command line to [`Args`]: `--config` and `--resume` bring flags of their own, and the three ways to train have each their defaults.

use super::args::Args;
use super::config::{self, Resolved};
use super::idle;
use super::train::args::TrainArgs;
use crate::data::DataOptions;
use crate::run::CONFIG;
use clap::builder::ArgPredicate;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const TRAIN: &str = "train";
const FINETUNE: &str = "finetune";
/// Commands that read data for a model that is there.
const OF_A_MODEL: [&str; 7] = ["eval", "inspect", "sample", "reconstruct", "inpaint", "features", "quantize"];

/// Flags of the main job that its help lists, and defaults of its own.
const MAIN_JOB: [(&str, &str); 23] = [
    ("out", "runs/digits"),
    ("f32", ""),
    ("report", ""),
    ("seed", ""),
    ("backend", ""),
    ("threads", ""),
    ("quiet", ""),
    ("model", "dbn"),
    ("hidden", "256,128"),
    ("batch_size", "32"),
    ("k", ""),
    ("epochs", "20"),
    ("learning_rate", "0.05"),
    ("momentum", "0.5"),
    ("momentum_epochs", "0"),
    ("weight_decay", "0.0002"),
    ("centered", "false"),
    ("compare", "true"),
    ("finetune_epochs", "60"),
    ("finetune_learning_rate", "0.01"),
    ("shift", "0.7"),
    ("affine", "0.15"),
    ("dropout", "0.1"),
];

/// What a command line asks for.
pub(super) struct Line {
    /// The flags.
    pub args: Args,
    /// The settings of a run, where it is one.
    pub resolved: Option<Resolved>,
}

/// Why a command line cannot be carried out.
pub(super) enum Refusal {
    /// Clap's words, or help.
    Usage(Box<clap::Error>),
    /// Ours.
    Error(crate::Error),
}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self::Usage(Box::new(error))
    }
}

impl From<crate::Error> for Refusal {
    fn from(error: crate::Error) -> Self {
        Self::Error(error)
    }
}

/// The whole syntax.
pub(super) fn command() -> Command {
    // A switch that a configuration sets can be unset: `--compare=false`.
    let settable = |command: Command| {
        command.mut_args(|arg| match arg.get_action() {
            ArgAction::SetTrue if config::is_key(&arg) => {
                let default = if arg.get_default_values() == ["true"] { "true" } else { "false" };
                let arg = arg.action(ArgAction::Set).num_args(0..=1).require_equals(true).default_missing_value("true");
                let arg = arg.default_value(default).value_name("BOOL").hide_possible_values(true);
                arg.hide_default_value(default == "false")
            }
            _ => arg,
        })
    };
    let finetuned = |command: Command| {
        // Asked for the generative model alone, there is no head to train.
        let epochs = |arg: Arg| arg.default_value_if("up_down_epochs", ArgPredicate::Equals("0".into()), "20");
        settable(command).mut_arg("finetune_epochs", epochs)
    };
    let of_the_model = |command: Command| command.mut_arg("data", |arg| arg.default_value(DataOptions::OF_THE_MODEL));
    let mut command = OF_A_MODEL
        .into_iter()
        .fold(settable(Args::command()), |c, name| c.mut_subcommand(name, of_the_model))
        .mut_subcommand(TRAIN, settable)
        .mut_subcommand(FINETUNE, finetuned)
        .mut_args(|arg| if is_listed(arg.get_id().as_str()) { arg } else { arg.hide(true) })
        .mut_arg("format", |arg| arg.default_value("int8"));
    for (id, default) in MAIN_JOB.into_iter().filter(|(_, default)| !default.is_empty()) {
        command = command.mut_arg(id, |arg| arg.default_value(default));
    }
    command
}

fn is_listed(id: &str) -> bool {
    MAIN_JOB.iter().any(|(listed, _)| *listed == id) || ["json", "help", "version"].contains(&id)
}

/// Parses a command line, of which the first word is the program.
pub(super) fn parse(mut words: Vec<OsString>) -> Result<Line, Refusal> {
    let mut command = command();
    // So that every command knows its whole name.
    command.build();
    let first = command.clone().try_get_matches_from(&words)?;
    let (name, given) = match first.subcommand() {
        None => (None, &first),
        Some((name @ (TRAIN | FINETUNE), given)) => (Some(name), given),
        Some(_) => return Ok(Line { args: Args::from_arg_matches(&first)?, resolved: None }),
    };
    let train = command.find_subcommand(TRAIN).unwrap_or(&command);
    let mut more = brought(train, given)?;
    if let Some(start) = given.try_get_one::<PathBuf>("start").ok().flatten() {
        more.push(flag("from", start));
    }
    let by_default = given.value_source("out") == Some(ValueSource::DefaultValue);
    if name.is_none() && by_default && given.get_one::<PathBuf>("config").is_none() {
        // The main job's own folder.
        more.push("--force".into());
    }
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.splice(end..end, more);
    let matches = command.clone().try_get_matches_from(&words)?;
    let of_run = name.and_then(|name| matches.subcommand_matches(name)).unwrap_or(&matches);
    if name == Some(FINETUNE) && !of_run.contains_id("from") && !of_run.contains_id("resume") {
        let words = "which model? Give the file to go on from: ebm-train finetune MODEL --out DIR\n";
        let finetune = command.find_subcommand(FINETUNE).unwrap_or(train);
        return Err(finetune.clone().error(ErrorKind::MissingRequiredArgument, words).into());
    }
    idle::check(train, given, of_run)?;
    let mut resolved = Resolved::new(train, of_run);
    let is_new = |arg: &Arg| given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    resolved.is_revised = of_run.contains_id("resume")
        && train.get_arguments().any(|arg| config::is_rate(arg.get_id().as_str()) && is_new(arg));
    Ok(Line { resolved: Some(resolved), args: Args::from_arg_matches(&matches)? })
}

/// The flags of the run in a folder, and all its settings. Fails where there is none.
pub(super) fn of_run(run: &Path) -> Result<(TrainArgs, Resolved), crate::Error> {
    let config = run.join(CONFIG);
    let wrong = |problem: &str| crate::Error::Run { run: run.to_owned(), problem: format!("{CONFIG} in it {problem}") };
    if !config.is_file() {
        return Err(no_run(run, ""));
    }
    match parse(vec!["ebm-train".into(), TRAIN.into(), flag("config", &config), flag("out", run)]) {
        Ok(Line { args: Args { command: Some(super::args::Command::Train(args)), .. }, resolved: Some(resolved) }) => {
            Ok((*args, resolved))
        }
        Ok(_) => Err(wrong("is of no run")),
        Err(Refusal::Error(error)) => Err(error),
        Err(Refusal::Usage(error)) => Err(wrong(&config::first_line(&error))),
    }
}

/// The flags that `--config` or `--resume` bring and the command line has not given.
fn brought(train: &Command, given: &ArgMatches) -> Result<Vec<OsString>, Refusal> {
    // `finetune MODEL` is `--from MODEL`.
    let is_start = |id: &str| id == "from" && given.try_contains_id("start").unwrap_or(false);
    let is_given = |id: &str| given.value_source(id) == Some(ValueSource::CommandLine) || is_start(id);
    let resumed = given.get_one::<PathBuf>("resume");
    let path = match (resumed, given.get_one::<PathBuf>("config")) {
        (Some(run), _) => run.join(CONFIG),
        (None, Some(path)) => path.clone(),
        (None, None) => return Ok(Vec::new()),
    };
    if let Some(run) = resumed {
        if !path.is_file() {
            return Err(no_run(run, " to go on with").into());
        }
        let mut settings = train.get_arguments().filter(|arg| !config::may_change(arg.get_id().as_str()));
        if let Some(arg) = settings.find(|arg| is_given(arg.get_id().as_str())) {
            let flag = arg.get_long().unwrap_or_default();
            let words = format!("--{flag} cannot be given with --resume: a run goes on with its {}\n", path.display());
            return Err(train.clone().error(ErrorKind::ArgumentConflict, words).into());
        }
    }
    let file = config::file_arguments(train, &path)?;
    let taken = |id: &str| !(is_given(id) || resumed.is_some() && id == "out");
    let mut more: Vec<OsString> = file.into_iter().filter(|(id, _)| taken(id)).map(|(_, argument)| argument).collect();
    more.extend(resumed.map(|run| flag("out", run)));
    Ok(more)
}

/// There is no run in that folder, for what it was asked for.
fn no_run(run: &Path, purpose: &str) -> crate::Error {
    let problem = format!("holds no run{purpose}: there is no {CONFIG} in it");
    crate::Error::Run { run: run.to_owned(), problem }
}

fn flag(name: &str, value: &Path) -> OsString {
    let mut argument = OsString::from(format!("--{name}="));
    argument.push(value);
    argument
}
