//! `reproduce`: the field's experiments by name, the published figures beside ours.

use super::backend::{BackendKind, Work};
use crate::Error;
use crate::backend::{Backend, Cpu};
use crate::data::{self, BinarisationChoice, DataOptions, Dataset, digits};
use crate::export::prepare_folder;
use crate::report::Progress;
use crate::reproduce::{Bar, Context, Data, Experiment, Figure, Outcome, Setting};
use crate::train::Epoch;
use clap::value_parser;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;

/// Arguments of `reproduce`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ebm-train reproduce likelihood --data mnist:data/mnist")]
pub struct ReproduceArgs {
    /// The experiments, or `all`; none lists them
    pub names: Vec<String>,
    /// MNIST, as mnist:DIR; `ebm-train data fetch mnist` brings it
    #[arg(long, value_name = "SPEC")]
    pub data: Option<String>,
    /// The same on the embedded digits, small and short: shows that it works, reaches no published figure
    #[arg(long, conflicts_with = "data")]
    pub quick: bool,
    /// Folder for pictures and models
    #[arg(long, default_value = "runs/reproduce")]
    pub out: PathBuf,
    /// Seed of every random number
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What computes; on a card a figure differs by rounding, and by what a draw that rounding turns leads to
    #[arg(long, value_name = "WHERE", default_value = "cpu")]
    pub backend: BackendKind,
    /// Threads; 0 for one a processor. The result does not depend on it
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u16).range(0..=1024))]
    pub threads: u16,
}

/// What the data of an experiment are called that brings them.
const OWN_DATA: &str = "rows of its own";
/// About as many epochs are told of an experiment.
const MOST_EPOCHS: usize = 250;

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    about: &'static str,
    source: &'static str,
}

#[derive(Serialize)]
pub(super) struct Report {
    experiment: &'static str,
    source: &'static str,
    data: String,
    quick: bool,
    seed: u64,
    seconds: f64,
    reached: bool,
    /// `epochs` has every so many-th of a stage, and its last.
    epochs_every: usize,
    #[serde(flatten)]
    outcome: Outcome,
}

pub(super) fn run(args: &ReproduceArgs, json: bool) -> Result<(), Error> {
    if args.names.is_empty() {
        return list(json);
    }
    let reports = args.backend.run(args.threads.into(), Chosen { args, json })?;
    let missed: Vec<String> =
        reports.iter().filter(|report| !report.reached).map(|r| r.experiment.to_owned()).collect();
    if json {
        match reports.as_slice() {
            [one] => super::print_json(one)?,
            many => super::print_json(&serde_json::json!({ "experiments": many }))?,
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(Error::BarMissed(missed.join(", "))) }
}

/// The experiments that are asked for, and whether their figures are to be JSON.
struct Chosen<'a> {
    args: &'a ReproduceArgs,
    json: bool,
}

impl Work for Chosen<'_> {
    type Found = Vec<Report>;

    fn on<B: Backend>(self, backend: &B) -> Result<Vec<Report>, Error> {
        let Self { args, json } = self;
        let all = Experiment::<B>::all();
        let chosen = chosen(&all, &args.names)?;
        if let Some(experiment) = chosen.iter().find(|experiment| experiment.data != Data::Own)
            && args.data.is_none()
            && !args.quick
        {
            return Err(Error::Flag {
                flag: "--data",
                value: format!("(for {})", experiment.name),
                expected: "mnist:DIR (`ebm-train data fetch mnist` brings it), or --quick for the embedded digits",
            });
        }
        prepare_folder(&args.out)?;
        let mut reports = Vec::new();
        for experiment in chosen {
            let dataset = dataset(args, experiment.data)?;
            let setting = Setting { dataset: &dataset, quick: args.quick };
            let report = one(experiment, backend, setting, args)?;
            // The card has done what this one took: what it found can be told before the next begins.
            if !json {
                super::print(&describe(&report))?;
            }
            reports.push(report);
        }
        Ok(reports)
    }
}

fn list(json: bool) -> Result<(), Error> {
    let all = Experiment::<Cpu>::all();
    let listed = all.iter().map(|&Experiment { name, about, source, .. }| Listed { name, about, source });
    if json {
        return super::print_json(&serde_json::json!({ "experiments": listed.collect::<Vec<_>>() }));
    }
    let mut text = String::from("Experiments, `ebm-train reproduce NAME --data mnist:DIR`, or --quick:\n");
    for Listed { name, about, source } in listed {
        text += &format!("  {name:16} {about}\n{:19}{source}\n", "");
    }
    super::print(&text)
}

fn chosen<'a, B: Backend>(all: &'a [Experiment<B>], names: &[String]) -> Result<Vec<&'a Experiment<B>>, Error> {
    if names.iter().any(|name| name == "all") {
        return Ok(all.iter().collect());
    }
    let find = |name: &String| {
        let expected = "a name that `ebm-train reproduce` lists";
        let unknown = || Error::Flag { flag: "reproduce", value: name.clone(), expected };
        all.iter().find(|experiment| experiment.name == name).ok_or_else(unknown)
    };
    names.iter().map(find).collect()
}

/// The data that an experiment wants; the digits for one that brings its own.
fn dataset(args: &ReproduceArgs, wanted: Data) -> Result<Dataset, Error> {
    let binarisation = match wanted {
        Data::Binary => BinarisationChoice::Threshold,
        Data::Own | Data::Grey => BinarisationChoice::None,
    };
    let data = args.data.clone().filter(|_| wanted != Data::Own).unwrap_or_else(|| digits::NAME.to_owned());
    data::open(&DataOptions { data, binarisation, ..DataOptions::default() })
}

fn one<B: Backend>(
    experiment: &Experiment<B>,
    backend: &B,
    setting: Setting<'_>,
    args: &ReproduceArgs,
) -> Result<Report, Error> {
    let started = Instant::now();
    let out = args.out.join(experiment.name);
    prepare_folder(&out)?;
    let progress = Progress::new(experiment.work(&setting));
    let mut recorder = progress.recorder();
    let mut context = Context { backend, setting, seed: args.seed, out: &out, monitor: &mut recorder };
    let mut outcome = experiment.run(&mut context)?;
    let epochs_every = thin(&mut outcome.epochs, recorder.into_epochs());
    progress.finish();
    Ok(Report {
        experiment: experiment.name,
        source: experiment.source,
        data: match experiment.data {
            Data::Own => OWN_DATA.to_owned(),
            Data::Grey | Data::Binary => setting.dataset.name.clone(),
        },
        quick: setting.quick,
        seed: args.seed,
        seconds: started.elapsed().as_secs_f64(),
        reached: outcome.figures.iter().all(|figure| figure.reached),
        epochs_every,
        outcome,
    })
}

/// Keeps of all epochs every so many-th of its stage, and each stage's last, so that they are few enough to be read; says how many-th.
fn thin(kept: &mut Vec<Epoch>, all: Vec<Epoch>) -> usize {
    let every = all.len().div_ceil(MOST_EPOCHS).max(1);
    let stages: Vec<String> = all.iter().skip(1).map(|epoch| epoch.stage.clone()).collect();
    // The last of a stage is followed by one of another, or by none.
    let is_last = |index: usize, epoch: &Epoch| stages.get(index).is_none_or(|next| *next != epoch.stage);
    let numbered = all.into_iter().enumerate();
    let told = numbered.filter(|(index, epoch)| epoch.epoch % every == 0 || is_last(*index, epoch));
    *kept = told.map(|(_, epoch)| epoch).collect();
    every
}

fn describe(report: &Report) -> String {
    let Report { experiment, source, data, quick, seconds, outcome, .. } = report;
    let size = if *quick { ", quick: published figures are of MNIST and full size" } else { "" };
    let mut text = format!("{experiment} on {data}{size}; published: {source}\n\n{}\n", outcome.text);
    let of_unit = |Figure { name, unit, .. }: &Figure| match *unit {
        "" => name.clone(),
        unit => format!("{name}, {unit}"),
    };
    let width = outcome.figures.iter().map(|figure| of_unit(figure).chars().count()).max().unwrap_or(0);
    text += &format!("  {:width$} {:>12} {:>12}  {}\n", "", "published", "ours", "bar");
    for figure in &outcome.figures {
        let (name, Figure { published, ours, bar, reached, .. }) = (of_unit(figure), figure);
        let published = published.map_or_else(String::new, |value| format!("{value:.4}"));
        let bar = match bar {
            None => String::new(),
            Some(Bar::AtLeast(least)) => format!("≥ {least:.4} {}", if *reached { "reached" } else { "MISSED" }),
            Some(Bar::AtMost(most)) => format!("≤ {most:.4} {}", if *reached { "reached" } else { "MISSED" }),
        };
        text += &format!("  {name:width$} {published:>12} {ours:>12.4}  {bar}\n");
    }
    for file in &outcome.files {
        text += &format!("  {}\n", file.display());
    }
    text + &format!("  {seconds:.1} s\n\n")
}
