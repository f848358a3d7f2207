//! Runs the integer kernels over every storage and over shapes, alignments and inputs that try their corners, and prints digests.
//!
//! On the host the portable kernels answer, on the board those that suit it: `cargo xtask qemu` holds one to the other.

use ebm_core::kernel::integer::{self, Down, ONE, Rescale, Storage, Up, Weights};
use ebm_core::rng::philox4x32_10;
use embedded_io::Write;

use super::{AppError, NO_DIGEST, digest};
use crate::board::Board;

/// Inputs and outputs: around words of 4, 8 and 32 weights, blocks of 4 and tiles of 16 outputs, 257 rows in a lane, 1,024 marks.
const SHAPES: [(usize, usize); 14] = [
    (1, 1),
    (3, 2),
    (4, 4),
    (5, 5),
    (7, 3),
    (8, 4),
    (31, 6),
    (33, 17),
    (64, 16),
    (65, 19),
    (100, 40),
    (257, 16),
    (515, 8),
    (1030, 4),
];
const VISIBLE: usize = 1030;
const HIDDEN: usize = 40;
/// Words that hold the weights of every shape in every storage.
const WORDS: usize = 1100;

static VISIBLE_BIAS: [i32; VISIBLE] = [-700; VISIBLE];
static HIDDEN_BIAS: [i32; HIDDEN] = [12_345; HIDDEN];
static RESCALE: [Rescale; HIDDEN] = [Rescale { multiplier: 20_000, pre: 7, post: 10 }; HIDDEN];
static STEPS: [u16; HIDDEN] = [40_001; HIDDEN];

/// What the weights' words, and what the inputs are.
#[derive(Clone, Copy)]
enum Fill {
    /// This everywhere.
    All(u32),
    /// Any bits; of inputs, any byte.
    Random,
    /// Of inputs: mostly off, else on, now and then between.
    Sparse,
}

const FILLS: [(Fill, Fill); 7] = [
    (Fill::Random, Fill::Random),
    (Fill::Random, Fill::Sparse),
    (Fill::Random, Fill::All(ONE as u32)),
    (Fill::All(0x8080_8080), Fill::All(255)),
    (Fill::All(0x7F7F_7F7F), Fill::All(255)),
    (Fill::All(u32::MAX), Fill::All(255)),
    (Fill::All(0), Fill::All(ONE as u32)),
];

impl Fill {
    fn word(self, draws: &mut Draws) -> u32 {
        match self {
            Self::All(word) => word,
            Self::Random | Self::Sparse => draws.next(),
        }
    }

    fn byte(self, draws: &mut Draws) -> u8 {
        match self {
            Self::All(byte) => byte as u8,
            Self::Random => draws.next() as u8,
            Self::Sparse => match draws.next() {
                word if word % 32 == 0 => (word >> 24) as u8,
                word if word % 5 == 0 => ONE,
                _ => 0,
            },
        }
    }
}

/// Bits that look random.
struct Draws {
    seed: u32,
    drawn: u32,
}

impl Draws {
    fn next(&mut self) -> u32 {
        self.drawn += 1;
        philox4x32_10([self.drawn, 0, 0, 0], [self.seed, 0])[0]
    }
}

/// Prints a digest of all answers for each storage and shape.
pub fn parity<B: Board>(board: &mut B) -> Result<(), AppError<B>> {
    writeln!(board.console(), "app: parity")?;
    let mut words = [0; WORDS];
    let (mut inputs, mut states) = ([0; VISIBLE + 3], [0; HIDDEN]);
    let (mut fields, mut visible_probs) = ([0; HIDDEN], [0; VISIBLE]);
    for storage in Storage::ALL {
        for (visible, hidden) in SHAPES {
            let mut sum = NO_DIGEST;
            for (n, (weights, input)) in FILLS.into_iter().enumerate() {
                let mut draws = Draws { seed: n as u32, drawn: 0 };
                words.fill_with(|| weights.word(&mut draws));
                inputs.fill_with(|| input.byte(&mut draws));
                states.fill_with(|| input.byte(&mut draws));
                // Inputs may begin anywhere.
                let inputs = &inputs[n % 4..][..visible];
                let (states, fields) = (&mut states[..hidden], &mut fields[..hidden]);
                let length = storage.words(visible, hidden);
                let weights = Weights::packed(storage, &words[..length], visible, hidden);
                let up = Up { weights, bias: &HIDDEN_BIAS[..hidden], rescale: &RESCALE[..hidden] };
                let visible_bias = &VISIBLE_BIAS[..visible];
                let down = Down { weights, visible_bias, steps: &STEPS[..hidden], shift: 14 };
                integer::hidden_field(&up, inputs, fields);
                integer::visible_probs(down, states, &mut visible_probs[..visible]);
                integer::hidden_probs(&up, inputs, states);
                let energy = integer::free_energy(&up, visible_bias, inputs);
                let answers = fields.iter().flat_map(|field| field.to_le_bytes()).chain(energy.to_le_bytes());
                sum =
                    digest(sum, answers.chain(states.iter().copied()).chain(visible_probs[..visible].iter().copied()));
            }
            writeln!(board.console(), "answer {storage:?} {visible} x {hidden}: {sum:08x}")?;
        }
    }
    Ok(())
}
