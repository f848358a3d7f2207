//! `device`: a model on a device, evaluated there, taught there, fetched and replaced.

mod args;
mod words;

pub use args::DeviceArgs;

use super::drawing::data_of;
use crate::Error;
use crate::data::DataOptions;
use crate::device::{Client, Course, Inputs, Link, Memory, Mirror, Part, Place, check, learn, pull, push};
use crate::export::ModelFile;
use crate::report::Counter;
use args::{Action, CheckArgs, LearnArgs, LineArgs, PullArgs, PushArgs, ShownArgs};
use ebm_core::format::{NumberFormat, crc32};
use ebm_core::service::Spoken;
use ebm_core::wire::Learning;
use ebm_core::{Float, Integer, Machine, Model};
use std::path::Path;
use std::time::Duration;
use words::{CheckFigures, LearnFigures};

pub(super) fn run(args: &DeviceArgs, json: bool) -> Result<(), Error> {
    match &args.action {
        None => by_numbers(args.check.model()?, Check(&args.check, json)),
        Some(Action::Learn(learn)) => by_numbers(&learn.model, Learn(learn, json)),
        Some(Action::Pull(pull)) => fetch(pull, json),
        Some(Action::Push(push)) => replace(push, json),
    }
}

/// What is done with a model, whose file tells its numbers.
trait Job {
    fn run<N: Spoken>(self, file: &ModelFile) -> Result<(), Error>;
}

fn by_numbers(path: &Path, job: impl Job) -> Result<(), Error> {
    let file = ModelFile::read(path)?;
    let numbers = file.model()?.header().layers.first().map(|layer| layer.numbers);
    match numbers {
        Some(NumberFormat::F32) => job.run::<Float>(&file),
        _ => job.run::<Integer>(&file),
    }
}

struct Check<'a>(&'a CheckArgs, bool);

impl Job for Check<'_> {
    fn run<N: Spoken>(self, file: &ModelFile) -> Result<(), Error> {
        let Self(args, json) = self;
        let inputs = args.shown.inputs::<N>(file, &args.shown.data, Part::Measured)?;
        let mut client = connect(&args.shown.line, file)?;
        let identity = same_model(&mut client, file)?;
        let (model, mut memory) = (file.model()?, Memory::<N>::new(file)?);
        let mut mirror = Mirror::new(file, &mut memory);
        let abilities = abilities::<N>(&model);
        let mut counter = Counter::new(inputs.len(), "samples");
        let checked = check(&mut client, &mut mirror, &inputs, abilities, |done| counter.reached(done))?;
        drop(counter);
        let figures = CheckFigures::new(file, &client, &identity, &inputs, &checked);
        if json {
            super::print_json(&figures)?
        } else {
            super::print(&figures.words())?
        }
        unless_same(checked.disagreements, checked.answers)
    }
}

struct Learn<'a>(&'a LearnArgs, bool);

impl Job for Learn<'_> {
    fn run<N: Spoken>(self, file: &ModelFile) -> Result<(), Error> {
        let Self(args, json) = self;
        if !N::LEARNS {
            return Err(file.holds_integers());
        }
        let lesson = args.shown.inputs::<N>(file, &args.shown.data, Part::Train)?;
        let usual = args.shown.inputs::<N>(file, &args.shown.data, Part::Measured)?;
        let other = |spec: &String| {
            let options = DataOptions { data: spec.clone(), test: None, ..args.shown.data.clone() };
            args.shown.inputs::<N>(file, &options, Part::Measured)
        };
        let novel = args.novel.as_ref().map(other).transpose()?;
        let mut client = connect(&args.shown.line, file)?;
        let identity = same_model(&mut client, file)?;
        let mut memory = Memory::<N>::new(file)?;
        let mut mirror = Mirror::new(file, &mut memory);
        let LearnArgs { passes, rule, steps, learning_rate, weight_decay, seed, .. } = *args;
        let learning = Learning { rule: rule.into(), steps, learning_rate, momentum: 0.0, weight_decay, seed, step: 0 };
        let measured = 2 * (usual.len() + novel.as_ref().map_or(0, Inputs::len));
        let mut counter = Counter::new(measured + passes as usize * lesson.len(), "answers");
        let course = Course { passes, learning };
        let measured = (&usual, novel.as_ref());
        let learnt = learn(&mut client, &mut mirror, &lesson, measured, course, |answers| counter.reached(answers))?;
        drop(counter);
        if let Some(out) = &args.out {
            pull(&mut client)?.write(out)?;
        }
        let figures = LearnFigures::new(file, &client, &identity, (&lesson, &usual), &learnt, args.out.as_deref());
        if json {
            super::print_json(&figures)?
        } else {
            super::print(&figures.words())?
        }
        unless_same(learnt.disagreements, learnt.answers)
    }
}

fn fetch(args: &PullArgs, json: bool) -> Result<(), Error> {
    let mut client = Client::new(Link::open(args.line.place()?)?, args.line.patience());
    let mut file = pull(&mut client)?;
    // Whoever reads it next shall find a model.
    file.model()?;
    file.write(&args.out)?;
    words::transferred("pulled", &client, &file, &args.out, json)
}

fn replace(args: &PushArgs, json: bool) -> Result<(), Error> {
    let file = ModelFile::read(&args.model)?;
    file.model()?;
    let mut client = Client::new(Link::open(args.line.place()?)?, args.line.patience());
    let mut counter = Counter::new(file.bytes().len(), "bytes");
    push(&mut client, &file, |sent| counter.reached(sent))?;
    drop(counter);
    same_model(&mut client, &file)?;
    words::transferred("pushed", &client, &file, &args.model, json)
}

fn connect(line: &LineArgs, file: &ModelFile) -> Result<Client, Error> {
    let place = line.place_for(Some(file.path()))?;
    Ok(Client::new(Link::open(place)?, line.patience()))
}

/// Who the device is. Fails unless it runs this very model.
fn same_model(client: &mut Client, file: &ModelFile) -> Result<crate::device::Identity, Error> {
    let identity = client.hello()?;
    let (expected, found) = (crc32(file.bytes()), identity.model_crc);
    if expected == found {
        return Ok(identity);
    }
    let shapes: Vec<String> =
        identity.layers.iter().map(|layer| format!("{}×{}", layer.visible, layer.hidden)).collect();
    Err(Error::Device {
        place: client.place().to_string(),
        problem: format!(
            "it runs another model than {}: {} bytes with CRC-32 {found:08x}, layers {}; the file's CRC-32 is {expected:08x}",
            file.path().display(),
            identity.model_len,
            shapes.join(", ")
        ),
        help: "`device push` puts the file in its place, `device pull` fetches the device's",
    })
}

/// Has the model classes, and a machine over its inputs?
fn abilities<N: Spoken>(model: &Model<'_>) -> (bool, bool) {
    let classes = model.header().layers.last().map_or(0, |layer| layer.classes());
    (classes > 0, model.machine::<N>().is_ok_and(|machine| machine.visible() > 0))
}

fn unless_same(disagreements: usize, answers: usize) -> Result<(), Error> {
    if disagreements == 0 { Ok(()) } else { Err(Error::Disagreement { disagreements, answers }) }
}

impl ShownArgs {
    /// The samples of `data`, or of what the model was trained on where its flags are not given.
    fn inputs<N: Spoken>(&self, file: &ModelFile, data: &DataOptions, part: Part) -> Result<Inputs, Error> {
        let limit = usize::try_from(self.samples).unwrap_or(usize::MAX);
        Inputs::open::<N>(file, &data_of(file, data)?, part, limit)
    }
}

impl LineArgs {
    /// Where the device is, for what needs no model there.
    fn place(&self) -> Result<Place, Error> {
        self.place_for(None)
    }

    fn place_for(&self, model: Option<&Path>) -> Result<Place, Error> {
        match (&self.port, &self.tcp, &self.qemu, model) {
            (Some(port), ..) => Ok(Place::Port(port.clone(), self.baud)),
            (None, Some(address), ..) => Ok(Place::Tcp(address.clone())),
            (None, None, Some(board), Some(model)) => Ok(Place::Qemu(board.clone(), model.to_owned())),
            _ => Err(Error::Flag {
                flag: "--port",
                value: String::new(),
                expected: "a device: --port PATH or --tcp HOST:PORT",
            }),
        }
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}
