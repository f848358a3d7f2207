//! `train`, `finetune` and the main job: one run, in a folder of its own.

pub mod args;
mod outcome;
mod plan;
mod words;

use super::args::Json;
use super::config::Resolved;
use super::report::Subject;
use crate::Error;
use crate::backend::{Backend, Cpu, Gpu};
use crate::data::{self, Dataset, Samples};
use crate::export::ModelFile;
use crate::parameters::{ClassifierParameters, DbnParameters, Parameters, Stage};
use crate::ranks::Ranks;
use crate::report::Progress;
use crate::run::{self, Event, Folder, Following, Opening, Run, Together, check_memory};
use crate::train::compare::{FINETUNE, RANDOM_START};
use crate::train::finetune::{self, Finetuned, Recognition, finetune, machine_over_inputs};
use crate::train::pretrain::{self, pretrain};
use crate::train::updown::{self, up_down};
use crate::train::{Epoch, Monitor};
use args::{ModelFormat, TrainArgs};
use ebm_core::format::crc32;
use ebm_core::{Block, HiddenKind, VisibleKind};
pub(super) use outcome::Outcome;
use outcome::Trained;
pub(super) use plan::Plan;
use std::io::{self, Write};
use std::time::Instant;
pub(super) use words::opening;

/// Carries out what `args` ask for, on all ranks; `settings` are the same in print.
pub(super) fn run(args: TrainArgs, settings: Resolved, json: Option<Json>, ranks: &Ranks) -> Result<(), Error> {
    let (print_config, print_command) = (args.run.print_config, args.run.print_command);
    if print_config {
        return if ranks.is_first() { super::print(&settings.toml) } else { Ok(()) };
    }
    let mut plan = Plan::new(args)?;
    plan.quiet |= !ranks.is_first();
    if print_command {
        return if ranks.is_first() { super::print(&(settings.command_line + "\n")) } else { Ok(()) };
    }
    let folder = if ranks.is_first() { folder(&plan, &settings, json)? } else { None };
    // Where the first rank has a folder, there is something to do.
    let goes_on = ranks.announce(folder.is_some().into()) != 0;
    if goes_on { start(&plan, folder, settings, json, ranks) } else { Ok(()) }
}

/// The folder of the run that is to begin or to go on; `None` where it has ended, which is told.
fn folder(plan: &Plan, settings: &Resolved, json: Option<Json>) -> Result<Option<Folder>, Error> {
    if !plan.resume {
        return Folder::create(&plan.out, plan.overwrite).map(Some);
    }
    let folder = Folder::open(&plan.out)?;
    match folder.finished()? {
        Some(_) if settings.is_revised => {
            let problem = "the run has ended: other rates change nothing any more; give them to a new run".into();
            Err(Error::Run { run: plan.out.clone(), problem })
        }
        Some(summary) => {
            note(plan, &format!("{}: the run has ended; there is nothing to go on with", plan.out.display()));
            if json == Some(Json::Events) {
                return Event::End { summary }.print().map(|()| None);
            }
            let outcome = Outcome::from_log(&plan.out, summary, folder.epochs()?)?;
            tell(plan, json, &outcome, || words::closing(plan, &outcome)).map(|()| None)
        }
        None => Ok(Some(folder)),
    }
}

/// Words for a person, where they are wanted.
fn note(plan: &Plan, words: &str) {
    if !plan.quiet {
        // Not `eprintln!`: a reader that has gone away must not end the run.
        let _ = writeln!(io::stderr(), "{words}");
    }
}

/// Begins a run, or goes on with one; the first rank in its folder.
fn start(
    plan: &Plan,
    folder: Option<Folder>,
    settings: Resolved,
    json: Option<Json>,
    ranks: &Ranks,
) -> Result<(), Error> {
    let started = Instant::now();
    let dataset = open_data(plan)?;
    dataset.notes.iter().for_each(|words| note(plan, words));
    let other_units = dataset.blocks.iter().any(|block| block.kind() != Some(VisibleKind::Bernoulli));
    if plan.format == ModelFormat::Int8 && other_units {
        let value = "int8 (where the values are no probabilities)".to_owned();
        let expected = "f32, or values from 0 to 1: --scaling min-max, or --binarisation threshold";
        return Err(Error::Flag { flag: "--format", value, expected });
    }
    let from = plan.from.as_deref().map(ModelFile::read).transpose()?;
    let start = from.as_ref().map(|file| Start::read(file, &dataset, plan)).transpose()?;
    let few = if plan.labels > 0 { Some(labelled(&dataset, plan)?) } else { None };
    let labelled = few.as_ref().unwrap_or(&dataset);
    let of_plan = || (plan.stack.hidden.clone(), plan.stack.hidden_kind);
    let (hidden, hidden_kind) = start.as_ref().map_or_else(of_plan, Start::hidden);
    let job = Job { ranks, plan, dataset: &dataset, labelled, start, hidden, hidden_kind };
    check_memory("--hidden", job.bytes())?;
    let (gpu, words) = plan.backend.choose()?;
    words.iter().for_each(|words| note(plan, words));
    let gpu = gpu.map(|gpu| gpu.among(ranks.clone()));
    let cpu = Cpu::new(plan.threads)?.among(ranks.clone());
    let mut of_run = format!("{}{}", settings.settings, identity(&dataset)?);
    if let Some(file) = &from {
        of_run += &format!("from-crc32 = {}\n", crc32(file.bytes()));
    }
    ranks.check_alike(&of_run)?;
    let Some(folder) = folder else {
        run::leave_interrupts();
        return job.train_on(gpu.as_ref(), &cpu, None).map(|_| ());
    };

    let run = begin(&job, folder, &settings, of_run, json)?;
    let (trained, epochs) = job.train_on(gpu.as_ref(), &cpu, Some(&run)).map_err(|error| run.stopped(error))?;
    // What follows is the first rank's alone.
    let (gpu, cpu) = (gpu.map(|gpu| gpu.among(Ranks::default())), cpu.among(Ranks::default()));
    run.measure();
    let mut outcome =
        Outcome::of(plan, &dataset, &trained, &settings.data_flags).map_err(|error| run.stopped(error))?;
    if !ranks.is_alone() {
        (outcome.ranks, outcome.summed_bytes) = (Some(ranks.count()), Some(ranks.summed_bytes()));
    }
    outcome.epochs = epochs;
    outcome.seconds = started.elapsed().as_secs_f64();
    if plan.report {
        note(plan, "measuring for report.html");
        let subject = Subject {
            folder: run.folder(),
            plan,
            settings: &settings,
            dataset: &dataset,
            outcome: &outcome,
            openings: &run.folder().openings()?,
            model: &ModelFile::read(&run.folder().model())?,
            parameters: Some(&trained.parameters),
            threads: plan.threads,
        };
        subject.report(gpu.as_ref(), &cpu).map_err(|error| run.stopped(error))?;
        outcome.report = Some(run.folder().report().display().to_string());
    }
    run.finish(outcome.summary()?)?;
    tell(plan, json, &outcome, || words::tables(plan, &job.hidden, &dataset, &outcome))
}

/// Begins the run, or goes on with the one that the folder holds, and says so.
fn begin(job: &Job<'_>, folder: Folder, settings: &Resolved, of_run: String, json: Option<Json>) -> Result<Run, Error> {
    let Job { plan, dataset, .. } = *job;
    if folder.overwrites() {
        note(plan, &format!("{}: overwriting the run that it holds", plan.out.display()));
    }
    let following = Following {
        config: settings.toml.clone(),
        is_revised: settings.is_revised,
        settings: of_run,
        progress: if plan.quiet { Progress::quiet() } else { Progress::new(job.cost()) },
        interval: plan.interval,
        is_followed: json == Some(Json::Events),
    };
    let opening = Opening {
        tool: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        seed: plan.seed,
        data: dataset.name.clone(),
        data_crc32: dataset.train_crc32,
        threads: plan.threads,
        ranks: job.ranks.count(),
        rates: settings.rates.clone(),
    };
    let run = Run::begin(folder, opening, following)?;
    if json.is_none() && !plan.quiet {
        run.print(&words::opening(plan, &job.hidden, dataset))?;
    }
    Ok(run)
}

/// What the run found, on stdout as it is asked for; its events have told it already.
fn tell(plan: &Plan, json: Option<Json>, outcome: &Outcome, words: impl FnOnce() -> String) -> Result<(), Error> {
    match json {
        Some(Json::Object) => super::print_json(outcome),
        None if !plan.quiet => super::print(&words()),
        Some(Json::Events) | None => Ok(()),
    }
}

/// The data of a run, seen as units of the kind that it asks for.
pub(super) fn open_data(plan: &Plan) -> Result<Dataset, Error> {
    let mut dataset = data::open(&plan.data)?;
    if let Some(kind) = plan.visible {
        if kind == VisibleKind::Softmax {
            check_group(&dataset.train.inputs)?;
        }
        dataset.blocks = blocks(kind, dataset.train.inputs.visible());
    }
    Ok(dataset)
}

/// Fails where the values of a sample are not those of one softmax group: shares that sum to 1, or all missing.
fn check_group(samples: &Samples) -> Result<(), Error> {
    const ROUNDING: f64 = 1e-3;
    let is_group = |row: &[f32]| {
        let sum: f64 = row.iter().copied().map(f64::from).sum();
        row.iter().all(|v| v.is_nan()) || row.iter().all(|&v| v >= 0.0) && (sum - 1.0).abs() <= ROUNDING
    };
    let mut first = 0;
    for piece in samples.pieces() {
        let piece = piece?;
        if let Some(row) = piece.iter().position(|row| !is_group(row)) {
            let sum: f32 = piece.row(row).iter().sum();
            let value = format!("softmax (where the values of sample {} sum to {sum})", first + row);
            let expected = "samples of which one value is 1 and all others are 0, or another kind";
            return Err(Error::Flag { flag: "--visible", value, expected });
        }
        first += piece.rows();
    }
    Ok(())
}

/// All visible units of one kind.
fn blocks(kind: VisibleKind, visible: usize) -> Vec<Block> {
    if kind == VisibleKind::Bernoulli { Vec::new() } else { vec![Block::new(kind, visible as u32)] }
}

/// What of the data a run's result depends on, one `key = value` a line.
pub(super) fn identity(dataset: &Dataset) -> Result<String, Error> {
    let Dataset { train, validation, .. } = dataset;
    let mut lines = format!("data-crc32 = {}\n", dataset.train_crc32);
    if !train.labels.is_empty() {
        lines += &format!("labels-crc32 = {}\n", crc32(bytemuck::cast_slice(&train.labels)));
    }
    if validation.inputs.rows() > 0 {
        let mut crc = flate2::Crc::new();
        for piece in validation.inputs.pieces() {
            crc.update(bytemuck::cast_slice(&piece?.values));
        }
        crc.update(bytemuck::cast_slice(&validation.labels));
        lines += &format!("validation-crc32 = {}\n", crc.sum());
    }
    Ok(lines)
}

/// The same data with so few labelled training samples, drawn by the seed.
fn labelled(dataset: &Dataset, plan: &Plan) -> Result<Dataset, Error> {
    let train = data::labelled_subset(&dataset.train, plan.labels, plan.seed)?;
    Ok(Dataset { train, ..dataset.clone() })
}

/// A model to go on from.
enum Start {
    Stack(DbnParameters),
    Net(ClassifierParameters),
}

impl Start {
    /// Fails when the model is of other inputs than the data, or has no use for what is asked.
    fn read(file: &ModelFile, dataset: &Dataset, plan: &Plan) -> Result<Self, Error> {
        let wrong = |problem| Err(Error::data(&file.path().display().to_string(), problem));
        let (found, expected) = (file.model()?.inputs(), dataset.train.inputs.visible());
        if found != expected {
            return wrong(format!("takes {found} inputs, but {} has {expected}", dataset.name));
        }
        match file.parameters()? {
            Parameters::Classifier(_) if plan.up_down.is_some() => {
                wrong("names classes; up-down fine-tuning goes on from a stack of machines".into())
            }
            Parameters::Classifier(net) => Ok(Self::Net(net)),
            Parameters::Dbn(stack) => Ok(Self::Stack(stack)),
        }
    }

    /// Units of each hidden layer, and what they are.
    fn hidden(&self) -> (Vec<usize>, HiddenKind) {
        match self {
            Self::Net(net) => (Recognition::from(net).widths(), net.hidden),
            Self::Stack(stack) => {
                let machines = stack.below.iter().map(Stage::generative).chain([&stack.top]);
                (machines.map(|rbm| rbm.hidden_bias.len()).collect(), stack.top.kinds.hidden)
            }
        }
    }
}

/// What is to be trained, on what.
struct Job<'a> {
    ranks: &'a Ranks,
    plan: &'a Plan,
    dataset: &'a Dataset,
    /// What fine-tuning sees.
    labelled: &'a Dataset,
    start: Option<Start>,
    /// Units of each hidden layer.
    hidden: Vec<usize>,
    hidden_kind: HiddenKind,
}

impl Job<'_> {
    /// Multiply-adds of the training.
    fn cost(&self) -> u64 {
        let pretraining = if self.start.is_some() { 0 } else { pretrain::cost(&self.plan.stack, self.dataset) };
        let nets = if self.plan.compare { 2 } else { 1 };
        let finetuning = self.plan.finetuning.map(|settings| finetune::cost(&settings, &self.hidden, self.labelled));
        let generative = self.plan.up_down.map(|settings| updown::cost(&settings, &self.hidden, self.dataset));
        pretraining + generative.unwrap_or(0) + nets * finetuning.unwrap_or(0)
    }

    /// Bytes that training takes, about: of each parameter its value, gradient, two moments and what else its algorithm keeps, then a
    /// checkpoint's copies; of each sample of a minibatch its states.
    fn bytes(&self) -> u64 {
        const COPIES: u64 = 8;
        const STATES: u64 = 6;
        let inputs = std::iter::once(self.dataset.train.inputs.visible()).chain(self.hidden.iter().copied());
        let widths: Vec<u64> = inputs.chain([self.dataset.classes.len()]).map(|width| width as u64).collect();
        let weights: u64 = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let chains = self.plan.stack.machines.iter().map(|settings| settings.chains().max(settings.batch_size));
        let rows = chains.max().unwrap_or(0) as u64;
        let nets = if self.plan.compare { 2 } else { 1 };
        nets * size_of::<f32>() as u64 * (COPIES * weights + STATES * rows * widths.iter().sum::<u64>())
    }

    /// Trains on the card, where there is one.
    fn train_on(&self, gpu: Option<&Gpu>, cpu: &Cpu, run: Option<&Run>) -> Result<(Trained, Vec<Epoch>), Error> {
        match gpu {
            Some(gpu) => self.train(gpu, run),
            None => self.train(cpu, run),
        }
    }

    /// Does a part of the run, which the first rank alone has, on all ranks.
    fn follow<T>(
        &self,
        run: Option<&Run>,
        work: impl FnOnce(&mut dyn Monitor) -> Result<T, Error>,
    ) -> Result<(T, Vec<Epoch>), Error> {
        let (ranks, path) = (self.ranks, &self.plan.out);
        match run {
            Some(run) => run.strand(|strand| work(&mut Together::new(ranks, path, Some(strand)))),
            None => work(&mut Together::new(ranks, path, None)).map(|result| (result, Vec::new())),
        }
    }

    /// Trains, or takes up the training.
    fn train<B: Backend>(&self, backend: &B, run: Option<&Run>) -> Result<(Trained, Vec<Epoch>), Error> {
        let pretrained = |backend: &B| self.follow(run, |monitor| self.pretrained(backend, monitor));
        let Some(settings) = self.plan.finetuning.filter(|_| self.plan.compare) else {
            let (parameters, epochs) = pretrained(backend)?;
            return Ok((Trained { parameters, random_start: None }, epochs));
        };
        let random = |backend: &B| {
            self.follow(run, |monitor| {
                let visible = self.dataset.train.inputs.visible();
                let start = Recognition::random(self.plan.seed, visible, &self.hidden, self.hidden_kind);
                let net = finetune(backend, &settings, self.plan.seed, RANDOM_START, &start, self.labelled, monitor)?;
                Ok(net.into_classifier(None))
            })
        };
        // Neither needs anything of the other.
        let (pretrained, random) = backend.join(pretrained, random);
        let ((parameters, mut epochs), (random_start, of_random)) = run::both(pretrained, random)?;
        epochs.extend(of_random);
        Ok((Trained { parameters, random_start: Some(random_start) }, epochs))
    }

    /// The net or the machines that the run is about.
    fn pretrained<B: Backend>(&self, backend: &B, monitor: &mut dyn Monitor) -> Result<Parameters, Error> {
        let plan = self.plan;
        let (recognition, machine) = match &self.start {
            Some(Start::Net(net)) => (Recognition::from(net), net.machine.clone()),
            start => {
                let mut stack = match start {
                    Some(Start::Stack(stack)) => stack.clone(),
                    _ => pretrain(backend, &plan.stack, plan.seed, self.dataset, monitor)?,
                };
                if let Some(settings) = &plan.up_down {
                    stack = up_down(backend, settings, plan.seed, &stack, self.dataset, monitor)?;
                }
                if plan.finetuning.is_none() {
                    return Ok(Parameters::Dbn(stack));
                }
                (Recognition::of(&stack)?, machine_over_inputs(&stack).cloned())
            }
        };
        let settings = plan.finetuning.unwrap_or_default();
        let net: Finetuned = finetune(backend, &settings, plan.seed, FINETUNE, &recognition, self.labelled, monitor)?;
        Ok(Parameters::Classifier(net.into_classifier(machine)))
    }
}
