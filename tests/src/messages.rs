//! Every message of the wire, made of given pieces.

use ebm_core::format::FormatError;
use ebm_core::wire::{
    Answer, Arithmetic, Bits, Energy, FrameError, Hello, Learning, ModelFault, ModelInfo, Novelty, Refusal, Request,
    Response, Rule, Score, Scores, Shape, Start, Values, Want, Words,
};
use ebm_core::{ModelError, ShapeError};

/// What messages are made of. f32 that are compared must not be NaN.
#[derive(Clone, Debug)]
pub struct Pieces {
    /// Values, scores, rates.
    pub floats: Vec<f32>,
    /// Scores, energies.
    pub integers: Vec<i32>,
    /// Values, pieces of a model.
    pub bytes: Vec<u8>,
    /// Values, masks: eight a byte.
    pub packed: Vec<u8>,
    /// Names.
    pub text: String,
    /// Lengths, offsets, checksums, counts.
    pub numbers: [u32; 4],
    /// Seeds.
    pub seed: u64,
    /// Layers of a model: at most eight.
    pub layers: usize,
    /// Whatever may be left out is there.
    pub whole: bool,
}

impl Pieces {
    /// Small pieces, of which none is zero or the same as another.
    pub fn small() -> Self {
        Self {
            floats: vec![0.5, -1.25, 3.0e-8],
            integers: vec![-4096, 77, i32::MIN],
            bytes: vec![0, 128, 0, 255, 7],
            packed: vec![0b1010_0110, 0b11],
            text: "no\nyes".to_owned(),
            numbers: [5, 300, 70_000, u32::MAX],
            seed: 0x0123_4567_89AB_CDEF,
            layers: 3,
            whole: true,
        }
    }

    /// The longest that a model of `visible` units and `classes`, with `text` bytes of names, gives rise to.
    pub fn longest(visible: usize, classes: usize, text: usize, byte: u8) -> Self {
        Self {
            floats: vec![f32::from_le_bytes([byte; 4]); visible],
            integers: vec![i32::MIN; classes],
            bytes: vec![byte; visible],
            packed: vec![byte; visible.div_ceil(8)],
            text: "~".repeat(text),
            numbers: [u32::MAX; 4],
            seed: u64::MAX,
            layers: 8,
            whole: true,
        }
    }

    fn bits(&self) -> Bits<'_> {
        // The last byte is not full, where there is one.
        let count = (8 * self.packed.len()).saturating_sub(3);
        Bits::new(count as u32, &self.packed).expect("as many bytes as the bits need")
    }

    fn float(&self) -> f32 {
        self.floats.first().copied().unwrap_or(0.25)
    }

    fn integer(&self) -> i32 {
        self.integers.first().copied().unwrap_or(-1)
    }

    /// Values in every way of sending them.
    pub fn values(&self) -> [Values<'_>; 6] {
        let floats = Words::new(self.floats.as_slice());
        [
            Values::F32(floats),
            Values::Integer(&self.bytes),
            Values::Bits(self.bits()),
            Values::Levels(&self.bytes),
            Values::Readings(floats),
            Values::Counts(Words::new(self.integers.as_slice())),
        ]
    }

    /// Every request.
    pub fn requests(&self) -> Vec<Request<'_>> {
        let [a, b, c, d] = self.numbers;
        let (seed, bytes) = (self.seed, self.bytes.as_slice());
        let beta = c as u16;
        let learning = |rule| Learning {
            rule,
            steps: a,
            learning_rate: self.float(),
            momentum: 0.5,
            weight_decay: -self.float(),
            seed,
            step: b,
        };
        let mut requests = vec![
            Request::Hello,
            Request::Sample { start: Start::Noise, steps: a, beta: 256, seed, want: Want::State },
            Request::Sample { start: Start::Last, steps: b, beta, seed, want: Want::Probabilities },
            Request::ReadModel { offset: a, len: d },
            Request::BeginModel { len: c, crc: d },
            Request::WriteModel { offset: c, bytes },
            Request::CommitModel,
        ];
        for input in self.values() {
            requests.extend([
                Request::Infer { input, free_energy: self.whole },
                Request::FreeEnergy { input },
                Request::Sample { start: Start::Values(input), steps: d, beta, seed, want: Want::State },
                Request::Inpaint { input, known: self.bits(), steps: c, beta, seed, want: Want::Probabilities },
                Request::Learn { input, learning: learning(Rule::Cd) },
                Request::Learn { input, learning: learning(Rule::Pcd) },
            ]);
        }
        requests
    }

    fn energies(&self) -> [Energy; 2] {
        [Score::F32(self.float()), Score::Integer(self.integer())].map(|free_energy| {
            let novelty = self.whole.then_some(Novelty { is_novel: true, margin: free_energy });
            Energy { free_energy, novelty }
        })
    }

    fn answers(&self) -> Vec<Answer<'_>> {
        let [a, b, c, d] = self.numbers;
        let (text, bytes) = (self.text.as_str(), self.bytes.as_slice());
        let hello = |arithmetic| {
            let model = ModelInfo {
                len: a,
                crc: d,
                arithmetic,
                inputs: c,
                classes: a,
                layers: (0..self.layers).map(|_| Shape { visible: b, hidden: c }).collect(),
                threshold: self.whole.then(|| self.integer()),
                labels: text,
            };
            Answer::Hello(Hello { firmware: "", board: "", clock_hz: b, buffer_len: c, slot_len: d, model })
        };
        let mut answers = vec![
            hello(Arithmetic::F32),
            hello(Arithmetic::Integer),
            Answer::Learned { updates: a },
            Answer::ModelBytes { offset: b, bytes },
            Answer::Receiving { offset: c },
            Answer::Replaced { crc: d },
        ];
        let scores: [Scores<'_>; 2] = [self.floats.as_slice().into(), self.integers.as_slice().into()];
        for (scores, energy) in scores.into_iter().zip(self.energies()) {
            answers.push(Answer::Inferred { class: a, scores, energy: self.whole.then_some(energy) });
            answers.push(Answer::FreeEnergy(energy));
        }
        answers.extend(self.values().map(|values| Answer::Visible { values }));
        answers
    }

    fn refusals(&self) -> Vec<Refusal<'_>> {
        let [a, b, c, d] = self.numbers;
        let what = self.text.get(..self.text.floor_char_boundary(ebm_core::wire::MAX_WHAT_LEN)).unwrap_or_default();
        let frame = [
            FrameError::TooLong { limit: a },
            FrameError::Framing,
            FrameError::TooShort { found: b },
            FrameError::Crc,
            FrameError::Version { expected: 1, found: self.seed as u8 },
            FrameError::Direction,
            FrameError::Message,
        ];
        let model = [
            ModelFault::NotAModel,
            ModelFault::Version { found: c as u16 },
            ModelFault::Length,
            ModelFault::Damaged,
            ModelFault::Header,
            ModelFault::Layers,
            ModelFault::Parameters,
            ModelFault::Misaligned,
        ];
        let mut refusals = vec![
            Refusal::Shape { what, expected: a, found: d },
            Refusal::TooLarge { what, limit: b, found: c },
            Refusal::Unsupported { what },
            Refusal::NotANumber,
            Refusal::Sequence { expected: c, found: d },
            Refusal::Storage,
            Refusal::Diverged,
            ModelError::Shape(ShapeError { what: "inputs", expected: a as usize, found: b as usize }).into(),
            FormatError::Truncated { needed: c as usize, found: d as usize }.into(),
        ];
        refusals.extend(frame.map(Refusal::from));
        refusals.extend(model.map(Refusal::Model));
        refusals
    }

    /// Every response.
    pub fn responses(&self) -> Vec<Response<'_>> {
        let ticks = self.numbers[3];
        let answers = self.answers().into_iter().map(Ok);
        let outcomes = answers.chain(self.refusals().into_iter().map(Err));
        outcomes.map(|outcome| Response { ticks, outcome }).collect()
    }
}
