//! `count OPERATION TIMES`: does one of the hottest operations of training so many times on one thread, for an emulator that counts instructions.

use ebm_core::Beta;
use ebm_core::rng::{Purpose, Stream};
use ebm_train::Error;
use ebm_train::backend::{Backend, Cpu, Direction, Draws, Link, Step};
use ebm_train::parameters::UnitKinds;
use std::process::ExitCode;

/// Samples of a minibatch, visible and hidden units.
const SHAPE: [usize; 3] = [64, 784, 128];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let [_, operation, times] = &words[..] else { return usage() };
    let Ok(times) = times.parse() else { return usage() };
    match count(operation, times) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => usage(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: count up|sample|gibbs|adam TIMES");
    ExitCode::from(2)
}

/// False where no operation has that name.
fn count(operation: &str, times: u32) -> Result<bool, Error> {
    let [rows, visible, hidden] = SHAPE;
    let backend = Cpu::new(1)?;
    let filled = |rows: usize, columns: usize| {
        let values: Vec<f32> = (0..rows * columns).map(|index| (index % 17) as f32 / 40.0 - 0.2).collect();
        backend.upload(rows, columns, &values)
    };
    let mut weights = filled(hidden, visible);
    let (visible_bias, hidden_bias, inputs) = (filled(1, visible), filled(1, hidden), filled(rows, visible));
    let samples: Vec<u32> = (0..rows as u32).collect();
    match operation {
        "up" => {
            let mut out = backend.zeros(rows, hidden);
            for _ in 0..times {
                backend.affine(Direction::Up, &weights, Some(&hidden_bias), Link::Sigmoid, &inputs, &mut out);
            }
        }
        "sample" => {
            let mut states = backend.zeros(rows, visible);
            for step in 0..times {
                backend.copy(&inputs, &mut states);
                let stream = Stream { step, ..Stream::new(Purpose::Visible) };
                let draws = Draws { seed: 1, stream, samples: &samples };
                backend.sample_visible(draws, &UnitKinds::default(), Beta::ONE, &visible_bias, &mut states);
            }
        }
        "gibbs" => {
            let (mut rounded, [mut v, mut h]) = Default::default();
            let ones: Vec<f32> = (0..rows * visible).map(|index| f32::from(u8::from(index % 7 == 0))).collect();
            backend.pack(&backend.upload(rows, visible, &ones), &mut v);
            for step in 0..times {
                backend.round(&weights, &mut rounded);
                for (purpose, direction, bias) in
                    [(Purpose::Hidden, Direction::Up, &hidden_bias), (Purpose::Visible, Direction::Down, &visible_bias)]
                {
                    let draws = Draws { seed: 1, stream: Stream { step, ..Stream::new(purpose) }, samples: &samples };
                    let (from, to) = if direction == Direction::Up { (&v, &mut h) } else { (&h, &mut v) };
                    backend.sample_states(draws, direction, &rounded, bias, Beta::ONE, from, to);
                }
            }
        }
        "adam" => {
            let gradient = filled(hidden, visible);
            let mut moments = [backend.zeros(hidden, visible), backend.zeros(hidden, visible)];
            for taken in 0..times {
                backend.step(Step::Adam { learning_rate: 1e-3, taken }, &gradient, &mut moments, &mut weights);
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}
