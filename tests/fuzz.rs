//! The fuzz targets on the stable toolchain, without a fuzzer: over the seeds, and mutations of them that are the same in every run.
//! `cargo xtask fuzz` has a fuzzer choose the bytes.

use ebm_core::rng::{Philox, Purpose, Stream};
use ebm_tests::effort::cases;
use ebm_tests::fuzz::TARGETS;
use rand_core::Rng;
use std::fs;
use std::path::Path;

/// Mutations of a target's seeds.
const MUTATIONS: u32 = 20_000;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/fuzz/seeds").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("readable")).collect()
}

#[test]
fn every_target_has_seeds_that_it_holds_for() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name}");
        target(&[]);
        seeds.iter().for_each(|seed| target(seed));
    }
}

#[test]
fn the_format_holds_for_mutations() {
    mutate("format");
}

#[test]
fn writing_and_reading_hold_for_mutations() {
    mutate("encode_parse");
}

#[test]
fn the_wire_holds_for_mutations() {
    mutate("wire");
}

fn mutate(name: &str) {
    let (_, target) = TARGETS.into_iter().find(|(other, _)| *other == name).expect("a target");
    let seeds = seeds(name);
    for sample in 0..cases(MUTATIONS) {
        let rng = &mut Philox::new(20_260_404, Stream { sample, ..Stream::new(Purpose::Free) });
        let mut bytes = seeds[below(rng, seeds.len())].clone();
        for _ in 0..=below(rng, 4) {
            mutation(rng, &seeds, &mut bytes);
        }
        target(&bytes);
    }
}

fn below(rng: &mut Philox, limit: usize) -> usize {
    rng.next_u32() as usize % limit.max(1)
}

/// One change, of the kinds that fuzzers make.
fn mutation(rng: &mut Philox, seeds: &[Vec<u8>], bytes: &mut Vec<u8>) {
    let (from, to) = (below(rng, bytes.len()), below(rng, bytes.len()));
    let (start, end) = (from.min(to), from.max(to));
    match below(rng, 6) {
        0 if !bytes.is_empty() => bytes[from] ^= 1 << below(rng, 8),
        1 if !bytes.is_empty() => bytes[from] = [0, 1, 0x7F, 0x80, 0xFE, 0xFF][below(rng, 6)],
        2 if !bytes.is_empty() => bytes[from] = rng.next_u32() as u8,
        3 => drop(bytes.drain(start..end)),
        4 => drop(bytes.splice(start..start, bytes[start..end].to_vec())),
        _ => {
            let other = &seeds[below(rng, seeds.len())];
            bytes.truncate(start);
            bytes.extend_from_slice(&other[below(rng, other.len())..]);
        }
    }
}
