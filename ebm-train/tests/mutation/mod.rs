//! Files and streams that were changed at random, the same in every run, and a reader that is held to time and memory while it reads them.

use allocation_counter::measure;
use ebm_core::rng::{Philox, Purpose, Stream};
use rand_core::Rng;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Longest time that one input may take on a busy machine: a reader that needs more hangs.
const LONGEST: Duration = Duration::from_secs(20);
/// Numbers that a length or a count must not be believed to be.
const HUGE: [&str; 8] =
    ["18446744073709551616", "18446744073709551615", "4294967295", "99999999999", "-1", "1e999", "NaN", "0"];

/// What is read, and how much of it.
pub struct Kind<'a> {
    /// What it is called in the figures.
    pub name: &'a str,
    /// Seed of the changes.
    pub seed: u64,
    /// How many inputs are read.
    pub inputs: u32,
    /// The most bytes that reading one may have allocated at a time: so many, and so many times those of the input.
    pub most_bytes: (u64, u64),
    /// Valid inputs, of which each input is one, changed.
    pub originals: Vec<Vec<u8>>,
}

/// Reads changed inputs; `read` says whether one was accepted, or a part of it. Prints how many were.
///
/// # Panics
/// When reading does, takes too much memory, or accepts or refuses all; ends the process when reading does not end.
pub fn hold(kind: &Kind<'_>, mut read: impl FnMut(&[u8]) -> bool) {
    let started = Instant::now();
    let name = kind.name;
    kind.originals.iter().for_each(|original| assert!(read(original), "{name}: an unchanged one is refused"));
    let at = watched(name.to_owned(), started);
    let (mut accepted, mut most_bytes, mut longest) = (0u32, 0, Duration::ZERO);
    for sample in 0..kind.inputs {
        let mut rng = Philox::new(kind.seed, Stream { sample, ..Stream::new(Purpose::Free) });
        let original = below(&mut rng, kind.originals.len());
        let mut bytes = kind.originals[original].clone();
        for _ in 0..=below(&mut rng, 4) {
            change(&mut rng, &kind.originals, &mut bytes);
        }
        at.store(u64::from(sample) << 32 | millis(started), Ordering::Relaxed);
        let begun = Instant::now();
        let taken = measure(|| accepted += u32::from(read(&bytes)));
        longest = longest.max(begun.elapsed());
        most_bytes = most_bytes.max(taken.bytes_max);
        let (fixed, times) = kind.most_bytes;
        let allowed = fixed + times * bytes.len() as u64;
        assert!(taken.bytes_max <= allowed, "{name} {sample}: {} bytes for {}", taken.bytes_max, bytes.len());
    }
    at.store(u64::MAX, Ordering::Relaxed);
    let refused = kind.inputs - accepted;
    assert!(accepted > 0 && refused > kind.inputs / 100, "{name}: {accepted} accepted, {refused} refused");
    println!(
        "{name}: {} inputs, {accepted} accepted, {refused} refused; at most {} kB and {:.0} ms for one; {:.1} s",
        kind.inputs,
        most_bytes / 1000,
        longest.as_secs_f64() * 1e3,
        started.elapsed().as_secs_f64()
    );
}

fn millis(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64 & 0xFFFF_FFFF
}

/// Where the reader is, an input's number and when it began on it; ends the process when it stays there.
fn watched(name: String, started: Instant) -> Arc<AtomicU64> {
    let at = Arc::new(AtomicU64::new(millis(started)));
    let seen = Arc::clone(&at);
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(200));
            let at = seen.load(Ordering::Relaxed);
            if at == u64::MAX {
                return;
            }
            if millis(started).saturating_sub(at & 0xFFFF_FFFF) > LONGEST.as_millis() as u64 {
                eprintln!("{name} {}: hangs", at >> 32);
                process::exit(1);
            }
        }
    });
    at
}

fn below(rng: &mut Philox, limit: usize) -> usize {
    rng.next_u32() as usize % limit.max(1)
}

/// One change.
fn change(rng: &mut Philox, originals: &[Vec<u8>], bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    // Half of all changes hit the first bytes, which say what the rest is.
    let range = if rng.next_u32().is_multiple_of(2) { bytes.len().min(160) } else { bytes.len() };
    let at = below(rng, range);
    let end = (at + 1 + below(rng, 16)).min(bytes.len());
    match below(rng, 9) {
        0 => bytes[at] ^= 1 << below(rng, 8),
        1 => bytes[at] = rng.next_u32() as u8,
        2 => drop(bytes.drain(at..end)),
        3 => bytes.truncate(at),
        // A block twice, of any length.
        4 => {
            let end = at + below(rng, bytes.len() - at);
            let block = bytes[at..end].to_vec();
            drop(bytes.splice(at..at, block));
        }
        5 => bytes[at] = b",;\n\"'(-0.=[]\t\xff\0eE"[below(rng, 17)],
        // The end of another.
        6 => {
            let other = &originals[below(rng, originals.len())];
            bytes.truncate(at);
            bytes.extend_from_slice(&other[below(rng, other.len())..]);
        }
        // A number as bytes, of one to eight of them, that is as large or small as can be.
        7 => {
            let end = (at + (1 << below(rng, 4))).min(bytes.len());
            bytes[at..end].fill([0xFF, 0x7F, 0x80, 0][below(rng, 4)]);
        }
        // A number as text.
        _ => {
            let Some(first) = bytes[at..].iter().position(u8::is_ascii_digit).map(|found| at + found) else { return };
            let digits = bytes[first..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            drop(bytes.splice(first..first + digits, HUGE[below(rng, HUGE.len())].bytes()));
        }
    }
}
