//! `report`, and what every run ends with: `report.html` and `curves.csv`.

mod answers;
mod boards;
mod curves;
mod likelihood;
mod origin;
mod panel;
mod pictures;

use super::backend::{BackendKind, Work};
use super::config::Resolved;
use super::train::{Outcome, Plan, identity, open_data, opening};
use super::{drawing, parse};
use crate::Error;
use crate::backend::{Backend, Cpu, Gpu};
use crate::board::need::Sizes;
use crate::data::Dataset;
use crate::export::ModelFile;
use crate::parameters::Parameters;
use crate::report::html::{Figure, Item, Report, Section};
use crate::report::picture::Tile;
use crate::run::{Folder, MODEL_F32, Opening, check_interrupt};
use crate::train::{Epoch, advice};
use clap::value_parser;
use panel::Panel;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Training writes report.html and curves.csv by itself (--report=false leaves them out); this writes them again, of a run that has ended.\n\n\
    Example: ebm-train report runs/a --plots runs/a/plots"
)]
pub struct ReportArgs {
    /// Folder of a run that has ended
    pub run: PathBuf,
    /// Also write every chart as SVG and every picture as PNG into this folder
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// What computes samples and likelihoods; the draws are the same
    #[arg(long, value_name = "WHERE", default_value = "cpu")]
    pub backend: BackendKind,
    /// Threads; 0 for one a processor. The result does not depend on it
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u16).range(0..=1024))]
    pub threads: u16,
}

#[derive(Serialize)]
struct Summary {
    report: String,
    curves: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plots: Vec<String>,
}

pub(super) fn run(args: &ReportArgs, json: bool) -> Result<(), Error> {
    let (train, settings) = parse::of_run(&args.run)?;
    let plan = Plan::new(train)?;
    let folder = Folder::open(&args.run)?;
    let Some(summary) = folder.finished()? else {
        let shown = args.run.display();
        let problem =
            format!("the run has not ended: `ebm-train train --resume {shown}` goes on with it, and writes its report");
        return Err(Error::Run { run: args.run.clone(), problem });
    };
    let outcome = Outcome::from_log(&args.run, summary, folder.epochs()?)?;
    let openings = folder.openings()?;
    let dataset = open_data(&plan)?;
    folder.check_data(&identity(&dataset)?)?;
    let model = ModelFile::read(&folder.model())?;
    let float = [folder.model(), args.run.join(MODEL_F32)]
        .iter()
        .find_map(|path| ModelFile::read(path).ok()?.parameters().ok());
    let subject = Subject {
        folder: &folder,
        plan: &plan,
        settings: &settings,
        dataset: &dataset,
        outcome: &outcome,
        openings: &openings,
        model: &model,
        parameters: float.as_ref(),
        threads: args.threads.into(),
    };
    let report = args.backend.run(args.threads.into(), &subject)?;
    subject.write(&report)?;
    let plots = match &args.plots {
        Some(into) => report.write_plots(into)?.into_iter().map(|name| into.join(name).display().to_string()).collect(),
        None => Vec::new(),
    };
    let shown = |path: PathBuf| path.display().to_string();
    let summary = Summary { report: shown(folder.report()), curves: shown(folder.curves()), plots };
    if json {
        return super::print_json(&summary);
    }
    let Summary { report, curves, plots } = summary;
    super::print(&format!("written: {}\n", [vec![report, curves], plots].concat().join(", ")))
}

/// A run that has ended, to be reported.
pub(super) struct Subject<'a> {
    pub folder: &'a Folder,
    pub plan: &'a Plan,
    pub settings: &'a Resolved,
    pub dataset: &'a Dataset,
    pub outcome: &'a Outcome,
    /// What each process that worked on it began with.
    pub openings: &'a [Opening],
    /// The model that was written.
    pub model: &'a ModelFile,
    /// Its parameters before they were quantised, where they are at hand.
    pub parameters: Option<&'a Parameters>,
    pub threads: usize,
}

impl Subject<'_> {
    /// Forms the page, on the card where there is one, and writes it.
    pub fn report(&self, gpu: Option<&Gpu>, cpu: &Cpu) -> Result<(), Error> {
        let report = match gpu {
            Some(gpu) => self.on(gpu),
            None => self.on(cpu),
        };
        self.write(&report?)
    }

    /// Writes the page, and the curves beside it.
    fn write(&self, report: &Report) -> Result<(), Error> {
        curves::write_csv(&self.folder.curves(), &self.outcome.epochs)?;
        report.write(&self.folder.report())
    }

    /// The machines that were kept, with their epochs.
    fn milestones(&self) -> Result<Vec<(usize, Parameters)>, Error> {
        let kept = self.folder.kept_milestones()?.into_iter();
        kept.map(|(epoch, path)| Ok((epoch, ModelFile::read(&path)?.parameters()?))).collect()
    }

    fn tile(&self) -> Result<Tile, Error> {
        drawing::usual_tile(self.model, Some(self.dataset), self.dataset.measured().inputs.visible())
    }
}

impl Work for &Subject<'_> {
    type Found = Report;

    fn on<B: Backend>(self, backend: &B) -> Result<Report, Error> {
        let milestones = self.milestones()?;
        let panel = Panel::new(self.dataset, self.model)?;
        // What generates: the model itself, or, where it is integers or has no machine, the machine over its inputs as it was last kept.
        let generative = match self.parameters {
            Some(parameters) if is_generative(parameters) => Some(parameters),
            _ => milestones.last().map(|(_, parameters)| parameters),
        };
        let mut figures = self.figures();
        let mut sections = Vec::new();
        sections.extend(warnings(&self.outcome.epochs));
        sections.push(curves::section(&self.outcome.epochs));
        let mut add = |section: Result<Option<Section>, Error>, title: &str| {
            check_interrupt(self.folder.path())?;
            match section {
                Ok(section) => sections.extend(section),
                // One figure that there is none of must not cost the rest.
                Err(error @ (Error::File { .. } | Error::Gpu { .. })) => return Err(error),
                Err(error) => sections.push(Section {
                    title: title.to_owned(),
                    items: vec![Item::Warning(format!("Not shown: {error}"))],
                    ..Section::default()
                }),
            }
            Ok(())
        };
        add(likelihood::section(backend, self, &panel, &milestones, &mut figures), "Likelihood")?;
        add(pictures::samples(backend, self, &milestones, generative), "Samples")?;
        add(pictures::filters(self, generative), "Filters")?;
        if let Some(generative) = generative {
            add(pictures::guesses(backend, self, generative, &panel), "Reconstructions and guesses")?;
        }
        add(answers::classes(self, &panel), "Answers")?;
        add(answers::novelty(self, &panel), "Novelty")?;
        add(Ok(self.integers_alone()), "Pictures")?;
        add(boards::section(self, &panel), "Boards")?;
        sections.push(origin::section(self));
        let hidden: Vec<usize> =
            Sizes::of(&self.model.model()?, 0).hidden().into_iter().map(|units| units as usize).collect();
        let words = opening(self.plan, &hidden, self.dataset);
        let title = format!("Run {}", name_of(self.folder.path()));
        Ok(Report { title, words: words.trim_end().to_owned(), figures, sections })
    }
}

/// What looked wrong, and what to try.
fn warnings(epochs: &[Epoch]) -> Option<Section> {
    let items: Vec<Item> = advice::of_run(epochs).iter().map(|advice| Item::Warning(advice.to_string())).collect();
    (!items.is_empty()).then(|| Section { title: "What looks wrong".into(), items, ..Section::default() })
}

/// Whether samples can be drawn of them.
fn is_generative(parameters: &Parameters) -> bool {
    match parameters {
        Parameters::Dbn(_) => true,
        Parameters::Classifier(net) => net.machine.is_some(),
    }
}

impl Subject<'_> {
    /// What is not there to be drawn, where only integers were written.
    fn integers_alone(&self) -> Option<Section> {
        let words = "The model was written in integers alone: pictures are of the machine over the inputs as it was last kept, where one was. With --f32 or \
                     --format f32, a run leaves what the others are drawn of.";
        let is_alone = self.parameters.is_none();
        is_alone.then(|| Section { title: "About the pictures".into(), words: words.into(), items: Vec::new() })
    }

    /// What is looked for first.
    fn figures(&self) -> Vec<Figure> {
        let Outcome { test_accuracy, test_accuracy_int8, test_accuracy_random_start, bytes, seconds, epochs, .. } =
            self.outcome;
        let mut figures = Vec::new();
        let mut add = |name: &str, value: Option<String>, note: String| {
            figures.extend(value.map(|value| Figure { name: name.to_owned(), value, note }));
        };
        let percent = |share: &Option<f64>| share.map(|share| format!("{:.2} %", 100.0 * share));
        let of = format!("of {} test samples", self.dataset.test.inputs.rows());
        add("Test accuracy, f32", percent(test_accuracy), of.clone());
        add("Test accuracy, int8", percent(test_accuracy_int8), of.clone());
        add(
            "From random weights",
            percent(test_accuracy_random_start),
            "the same fine-tuning without pretraining".into(),
        );
        let last = epochs.iter().rev().find_map(|epoch| Some((epoch, epoch.free_energy_gap_nats()?)));
        if let Some((epoch, gap)) = last {
            let part = epoch.unseen_free_energy_nats().map_or("", |(_, part)| part);
            let note = format!(
                "nats, {part} over training, {} epoch {}; far above 0: learnt by heart",
                epoch.stage, epoch.epoch
            );
            add("Free-energy gap", Some(format!("{gap:+.2}")), note);
        }
        add("Model file", Some(format!("{bytes} bytes")), name_of(self.model.path()));
        let took = if self.openings.len() > 1 { "the process that ended the run" } else { "to the written model" };
        add("Took", Some(format!("{seconds:.1} s")), took.into());
        figures
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
