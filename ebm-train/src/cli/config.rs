//! One configuration, said as flags or as TOML: the keys of a file are the names of the flags, and either is printed from the other.
//!
//! What a key means, takes and is by default stands once, in the flag's definition; a file is read as flags that the command line has not given.

use crate::Error;
use crate::data::DataOptions;
use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Flags that say where a configuration is or what to do with it, and are no part of it.
const NO_KEYS: [&str; 8] = ["config", "resume", "force", "print_config", "print_command", "json", "help", "version"];
/// Keys that say where a run is carried out, not what it is. (Another backend rounds in another order.)
const NO_MATTER: [&str; 7] = ["out", "backend", "threads", "checkpoint_seconds", "quiet", "memory", "report"];
/// Flags of the data that a model file answers in place of them.
const IN_THE_MODEL: [&str; 3] = ["scaling", "binarisation", "threshold"];

/// How the names of flags end that set the size of a step, which a run may take up anew.
const RATES: [&str; 5] = ["learning_rate", "layer_rate", "momentum", "weight_decay", "max_norm"];

/// Whether a flag is a key of a configuration.
pub(super) fn is_key(arg: &Arg) -> bool {
    !NO_KEYS.contains(&arg.get_id().as_str())
}

/// Whether a run may be taken up with another value of this flag.
pub(super) fn may_change(id: &str) -> bool {
    id != "out" && (NO_KEYS.contains(&id) || NO_MATTER.contains(&id) || is_rate(id))
}

/// Whether a flag sets the size of a step: what a run that diverged is taken up with.
pub(super) fn is_rate(id: &str) -> bool {
    RATES.iter().any(|end| id.ends_with(end))
}

/// A run's settings, whichever way they were given.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    /// Every setting, for `--config`.
    pub toml: String,
    /// Those that the result depends on and a run keeps from its beginning to its end, one `key = value` a line.
    pub settings: String,
    /// The sizes of steps, by key.
    pub rates: BTreeMap<String, f64>,
    /// Whether a run is taken up with rates of the command line.
    pub is_revised: bool,
    /// The shortest command line that means the same.
    pub command_line: String,
    /// The flags among them that read the same data for the finished model; `--data` is always there.
    pub data_flags: String,
}

impl Resolved {
    /// The settings in `matches` of `train` or a command with its flags; `train` knows the names and defaults.
    pub(super) fn new(train: &Command, matches: &ArgMatches) -> Self {
        let (mut keys, mut settings) = (String::new(), String::new());
        let (mut command_line, mut data_flags) = ("ebm-train train".to_owned(), String::new());
        let mut rates = BTreeMap::new();
        let mut heading = None;
        for arg in train.get_arguments().filter(|arg| is_key(arg)) {
            let (id, Some(key)) = (arg.get_id().as_str(), arg.get_long()) else { continue };
            let spelt = |value: &OsString| spelling(arg, &value.to_string_lossy());
            let values: Vec<String> =
                matches.get_raw(id).into_iter().flatten().map(|value| spelt(&value.to_owned())).collect();
            let defaults: Vec<String> = arg.get_default_values().iter().map(|value| spelt(&value.into())).collect();
            let value = values.join(",");
            let flag = match (Kind::of(arg), value.as_str()) {
                (Kind::Bool, "true") => format!(" --{key}"),
                (Kind::Bool, _) => format!(" --{key}={value}"),
                // A value that begins like a flag belongs to its own.
                _ if value.starts_with('-') => format!(" --{key}={}", quoted(&value)),
                _ => format!(" --{key} {}", quoted(&value)),
            };
            if values != defaults {
                command_line += &flag;
            }
            let is_of_data = arg.get_help_heading() == Some(DataOptions::HEADING);
            let is_known = IN_THE_MODEL.contains(&id) || NO_MATTER.contains(&id);
            if is_of_data && !is_known && (id == "data" || values != defaults) {
                data_flags += &flag;
            }
            if values.is_empty() {
                continue;
            }
            let line = format!("{key} = {}\n", value_of(arg, &values));
            if heading != arg.get_help_heading() {
                heading = arg.get_help_heading();
                let _ = write!(keys, "\n# {}\n", heading.unwrap_or_default());
            }
            keys += &line;
            if is_rate(id) {
                rates.extend(values.iter().filter_map(|rate| Some((key.to_owned(), rate.parse().ok()?))));
            } else if !NO_MATTER.contains(&id) {
                settings += &line;
            }
        }
        let toml = format!("# {command_line}\n{keys}");
        Self { toml, settings, rates, is_revised: false, command_line, data_flags }
    }
}

/// What a key takes in TOML.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Number,
    Text,
    /// A word or a number, such as a share of samples.
    Either,
}

impl Kind {
    fn of(arg: &Arg) -> Self {
        let parser: &ValueParser = arg.get_value_parser();
        let is = |type_id: TypeId| parser.type_id() == type_id;
        let numbers =
            [TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<u64>(), TypeId::of::<usize>(), TypeId::of::<f32>()];
        if is(TypeId::of::<bool>()) {
            Self::Bool
        } else if numbers.into_iter().any(is) {
            Self::Number
        } else if is(TypeId::of::<String>()) || is(TypeId::of::<PathBuf>()) {
            Self::Text
        } else {
            Self::Either
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text in quotes",
            Self::Either => "a text in quotes or a number",
        }
    }
}

fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// A flag's value in the one spelling that stands for it; TOML knows fewer spellings of a number than a flag does.
fn spelling(arg: &Arg, value: &str) -> String {
    match (Kind::of(arg), value.parse::<i64>(), value.parse::<f32>()) {
        (Kind::Number | Kind::Either, Ok(integer), _) => integer.to_string(),
        // Past TOML's integers, a number without a fraction needs an exponent.
        (Kind::Number | Kind::Either, _, Ok(number)) if number.abs() >= i64::MAX as f32 => format!("{number:e}"),
        (Kind::Number | Kind::Either, _, Ok(number)) => number.to_string().to_lowercase(),
        _ => value.to_owned(),
    }
}

/// Values of a flag, spelt so, as TOML.
fn value_of(arg: &Arg, values: &[String]) -> String {
    let one = |value: &String| match Kind::of(arg) {
        Kind::Bool | Kind::Number => value.clone(),
        Kind::Either if value.parse::<f32>().is_ok() => value.clone(),
        Kind::Text | Kind::Either => toml::Value::String(value.clone()).to_string(),
    };
    if is_list(arg) {
        format!("[{}]", values.iter().map(one).collect::<Vec<_>>().join(", "))
    } else {
        values.first().map(one).unwrap_or_default()
    }
}

/// A word of a shell's command line.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,%=+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The keys of a file as flags of `command`: each flag's id and the argument that gives it. Fails with file and line where a key is unknown or
/// its value cannot be meant.
pub(super) fn file_arguments(command: &Command, path: &Path) -> Result<Vec<(String, OsString)>, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::file(path, "read the configuration"))?;
    let wrong = |span: Range<usize>, problem: String| Error::Config {
        path: path.to_owned(),
        line: 1 + text.bytes().take(span.start).filter(|&byte| byte == b'\n').count(),
        problem,
    };
    let table =
        DeTable::parse(&text).map_err(|error| wrong(error.span().unwrap_or_default(), error.message().to_owned()))?;
    let mut arguments = Vec::new();
    for (key, value) in table.get_ref() {
        let name: &str = key.get_ref();
        let arg = command.get_arguments().find(|arg| is_key(arg) && arg.get_long() == Some(name));
        let arg = arg.ok_or_else(|| wrong(key.span(), unknown(command, name)))?;
        let values = match (value.get_ref(), is_list(arg)) {
            (DeValue::Array(values), true) => {
                let each = values.iter().map(|value| plain(arg, value.get_ref()));
                each.collect::<Result<Vec<_>, _>>().map(|values| values.join(","))
            }
            (value, _) => plain(arg, value),
        };
        let list = if is_list(arg) { " or a list of such" } else { "" };
        let refused = |kind: Kind| format!("{name} takes {}{list}, not {}", kind.words(), value.get_ref().type_str());
        let values = values.map_err(|kind| wrong(value.span(), refused(kind)))?;
        if is_list(arg) && values.is_empty() {
            continue;
        }
        let argument = OsString::from(format!("--{name}={values}"));
        // By itself, so that what is refused is this value.
        let program = OsString::from("ebm-train");
        if let Err(error) = command.clone().try_get_matches_from([program, argument.clone()])
            && error.kind() != clap::error::ErrorKind::MissingRequiredArgument
        {
            return Err(wrong(value.span(), first_line(&error)));
        }
        arguments.push((arg.get_id().to_string(), argument));
    }
    Ok(arguments)
}

/// One value as a flag would have it, or what kind the flag takes.
fn plain(arg: &Arg, value: &DeValue<'_>) -> Result<String, Kind> {
    let kind = Kind::of(arg);
    match (value, kind) {
        (DeValue::Boolean(value), Kind::Bool) => Ok(value.to_string()),
        (DeValue::String(value), Kind::Text | Kind::Either) => Ok(value.to_string()),
        (DeValue::Float(value), Kind::Number | Kind::Either) => Ok(value.as_str().to_owned()),
        (DeValue::Integer(value), Kind::Number | Kind::Either) => {
            i64::from_str_radix(value.as_str(), value.radix()).map(|value| value.to_string()).map_err(|_| kind)
        }
        _ => Err(kind),
    }
}

fn unknown(command: &Command, name: &str) -> String {
    let spelt = name.replace('_', "-").to_lowercase();
    if command.get_arguments().any(|arg| is_key(arg) && arg.get_long() == Some(&spelt)) {
        return format!("unknown key {name}: {spelt} is meant");
    }
    format!("unknown key {name}; `ebm-train train --help` lists the flags, whose names the keys are")
}

/// What is wrong, without the usage that clap says beside it.
pub(super) fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
