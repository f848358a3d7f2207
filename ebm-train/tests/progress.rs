//! What a run tells of its progress: all of its work, minibatch by minibatch, also where it is taken up or stops early; and what a user sees of it.

#[allow(dead_code, reason = "runs are cut here, but compared elsewhere")]
mod cut;

use cut::Cut;
use ebm_core::HiddenKind;
use ebm_train::Error;
use ebm_train::backend::Cpu;
use ebm_train::data::{Dataset, digits};
use ebm_train::train::finetune::{self, Backpropagation, Recognition, finetune};
use ebm_train::train::pretrain::{self, Stack, pretrain};
use ebm_train::train::rbm::RbmSettings;
use ebm_train::train::snapshot::Snapshot;
use ebm_train::train::updown::{self, UpDown, up_down};
use ebm_train::train::{Epoch, Monitor};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Adds up what it is told.
#[derive(Default)]
struct Told {
    cut: Cut,
    advanced: u64,
    skipped: u64,
    /// The sum of both when each stage began, and at each of its minibatches.
    at: BTreeMap<String, Vec<u64>>,
}

impl Told {
    fn note(&mut self, stage: &str) {
        self.at.entry(stage.to_owned()).or_default().push(self.advanced + self.skipped);
    }
}

impl Monitor for Told {
    fn begin(&mut self, stage: &str) -> Result<Option<Snapshot>, Error> {
        self.note(stage);
        self.cut.begin(stage)
    }

    fn advance(&mut self, multiply_adds: u64) {
        self.advanced += multiply_adds;
    }

    fn skip(&mut self, multiply_adds: u64) {
        self.skipped += multiply_adds;
    }

    fn batch(&mut self, stage: &str, snapshot: &mut dyn FnMut() -> Result<Snapshot, Error>) -> Result<(), Error> {
        self.note(stage);
        self.cut.batch(stage, snapshot)
    }

    fn epoch(&mut self, epoch: &Epoch) -> Result<(), Error> {
        self.cut.epoch(epoch)
    }

    fn end(&mut self, stage: &str, snapshot: Snapshot) -> Result<(), Error> {
        self.cut.end(stage, snapshot)
    }
}

const HIDDEN: [usize; 2] = [64, 48];
/// Minibatches that divide neither the samples nor the work: of a size that each is told, and of one that some are told together.
const BATCH_SIZES: [usize; 2] = [97, 13];

fn stack(batch_size: usize) -> Stack {
    let machine = RbmSettings { epochs: 2, batch_size, ..RbmSettings::default() };
    Stack { hidden: HIDDEN.to_vec(), machines: vec![machine], ..Stack::default() }
}

fn generating(batch_size: usize) -> UpDown {
    UpDown { epochs: 2, batch_size, ..UpDown::default() }
}

fn classifying(batch_size: usize) -> Backpropagation {
    Backpropagation { epochs: 3, batch_size, ..Backpropagation::default() }
}

fn classify(settings: &Backpropagation, dataset: &Dataset, told: &mut Told) -> Result<(), Error> {
    let start = Recognition::random(1, dataset.train.inputs.visible(), &HIDDEN, HiddenKind::Bernoulli);
    finetune(&Cpu::new(1)?, settings, 1, "finetune", &start, dataset, told).map(|_| ())
}

/// Stages of every kind, one after another.
fn learn(batch_size: usize, dataset: &Dataset, told: &mut Told) -> Result<(), Error> {
    let backend = Cpu::new(1)?;
    let pretrained = pretrain(&backend, &stack(batch_size), 1, dataset, told)?;
    up_down(&backend, &generating(batch_size), 1, &pretrained, dataset, told)?;
    classify(&classifying(batch_size), dataset, told)
}

#[test]
fn all_work_is_told_a_few_minibatches_at_a_time() -> Result<(), Error> {
    let dataset = digits::load()?;
    for batch_size in BATCH_SIZES {
        let cost = pretrain::cost(&stack(batch_size), &dataset)
            + updown::cost(&generating(batch_size), &HIDDEN, &dataset)
            + finetune::cost(&classifying(batch_size), &HIDDEN, &dataset);
        let mut whole = Told::default();
        learn(batch_size, &dataset, &mut whole)?;
        assert_eq!((whole.advanced, whole.skipped), (cost, 0));
        assert_eq!(whole.at.len(), 4, "{:?}", whole.at.keys());
        let mut together = 0;
        for (stage, at) in &whole.at {
            let all = at[at.len() - 1] - at[0];
            let steps: Vec<u64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
            // Most of the work is told in steps that no epoch's end makes.
            let small: Vec<u64> = steps.iter().copied().filter(|&step| 0 < step && step < all / 50).collect();
            assert!(small.iter().sum::<u64>() > all / 2, "{stage}: {steps:?}");
            together += steps.iter().filter(|&&step| step == 0).count();
        }
        assert_eq!(together > 0, batch_size == BATCH_SIZES[1], "{together} minibatches told with others");

        // Cut in every stage, in the midst of an epoch and at its end.
        let batches = dataset.train.inputs.rows().div_ceil(batch_size);
        for cut in [5, batches, 3 * batches + 1, 5 * batches + 7, 6 * batches, 9 * batches - 2] {
            let mut first = Told { cut: Cut { batches_left: Some(cut), ..Cut::default() }, ..Told::default() };
            let error = learn(batch_size, &dataset, &mut first).expect_err("it is cut");
            assert!(matches!(error, Error::Interrupted { .. }), "{error}");
            let mut rest = Told { cut: Cut { left: first.cut.left, ..Cut::default() }, ..Told::default() };
            learn(batch_size, &dataset, &mut rest)?;
            assert_eq!(rest.skipped, first.advanced, "taken up after {cut} minibatches");
            assert_eq!(rest.advanced + rest.skipped, cost, "taken up after {cut} minibatches");
        }
    }
    Ok(())
}

#[test]
fn what_early_stopping_spares_is_skipped() -> Result<(), Error> {
    let mut dataset = digits::load()?;
    dataset.validation = std::mem::take(&mut dataset.test);
    let settings = Backpropagation { epochs: 1000, patience: 1, learning_rate: 0.5, ..classifying(BATCH_SIZES[0]) };
    let mut told = Told::default();
    classify(&settings, &dataset, &mut told)?;
    let cost = finetune::cost(&settings, &HIDDEN, &dataset);
    let epochs = told.cut.epochs.len() as u64;
    assert!(epochs < 1000, "it never stopped");
    assert_eq!((told.advanced, told.advanced + told.skipped), (cost / 1000 * epochs, cost));
    Ok(())
}

/// Runs that would go on for hours say within seconds how far they are, on a stderr that is no terminal.
#[test]
fn long_sampling_says_how_far_it_is() {
    const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/digits-f32.ebm");
    const LONGEST_WAIT: Duration = Duration::from_secs(120);
    let folder = tempfile::TempDir::new().expect("a folder");
    let out = folder.path().join("s.npz");
    let begun = [&["sample", DIGITS][..], &["inpaint", DIGITS, "--unknown", "lower"]].map(|command| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ebm-train"))
            .args(command)
            .args(["--steps", "100000000", "--threads", "1", "--json", "--arrays"])
            .arg(&out)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stderr = child.stderr.take().expect("a pipe");
        let (sender, line) = mpsc::channel();
        std::thread::spawn(move || sender.send(BufReader::new(stderr).lines().next()));
        (command[0], child, line)
    });
    for (command, mut child, line) in begun {
        let line = line.recv_timeout(LONGEST_WAIT);
        child.kill().expect("it has not ended");
        child.wait().expect("its end");
        let line = line.expect("a line in time").expect("a line").expect("UTF-8");
        assert!(line.starts_with("  0 %  ") && line.ends_with(" left"), "{command}: {line}");
    }
    assert!(!out.exists());
}

/// Where stderr is no terminal, training says every few seconds how far it is and what its figures are, without control characters.
#[test]
fn training_says_how_far_it_is_on_plain_lines() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_ebm-train"))
        .args(["train", "--hidden", "64", "--epochs", "100000", "--json", "--out"])
        .arg(folder.path().join("a"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stderr = child.stderr.take().expect("a pipe");
    let line = BufReader::new(stderr).lines().next();
    child.kill().expect("it has not ended");
    child.wait().expect("its end");
    let line = line.expect("a line").expect("UTF-8");
    let words = ["  0 %  pretrain-1 epoch ", " of 100000: loss 0.", " (test 0.", "), free-energy gap ", " nats"];
    assert!(words.iter().all(|word| line.contains(word)) && !line.contains(char::is_control), "{line}");
}
