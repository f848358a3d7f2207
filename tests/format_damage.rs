//! Damaged files: every truncation, every flipped bit, and noise. Each is a typed error, none a panic, none a model.

use ebm_core::Model;
use ebm_core::format::{FormatError, VERSION};
use ebm_tests::effort::cases;
use ebm_tests::exercise::exercise;
use ebm_tests::file::{self, Aligned};
use ebm_tests::tiny;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

#[test]
fn every_truncation_is_refused() {
    for file in tiny::files_of_every_version() {
        let whole = file.as_slice();
        for found in 0..whole.len() {
            let error = Model::parse(&whole[..found]).err();
            let needed = if found < 32 { 32 } else { whole.len() };
            assert_eq!(error, Some(FormatError::Truncated { needed, found }));
        }
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    for file in tiny::files_of_every_version() {
        let expected = file.as_slice().len();
        for more in [1, 15, 16, 4096] {
            let mut bytes = file.as_slice().to_vec();
            bytes.resize(expected + more, 0);
            let error = Model::parse(Aligned::new(&bytes).as_slice()).err();
            assert_eq!(error, Some(FormatError::TrailingBytes { expected, found: expected + more }));
        }
    }
}

fn version(file: &Aligned) -> u16 {
    u16::from_le_bytes([file.as_slice()[4], file.as_slice()[5]])
}

/// Parts of a file, by what a flipped bit in them must lead to.
enum Region {
    Magic,
    Version,
    HeaderLength,
    PayloadLength,
    /// Everything else that the header's checksum covers, and that checksum.
    Covered,
    Payload,
}

impl Region {
    fn of(byte: usize, payload_start: usize) -> Self {
        match byte {
            0..4 => Self::Magic,
            4..6 => Self::Version,
            8..12 => Self::HeaderLength,
            12..16 => Self::PayloadLength,
            _ if byte < payload_start => Self::Covered,
            _ => Self::Payload,
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    for mut file in tiny::files_of_every_version() {
        let payload_start = file.as_slice().len() - file::payload_len(file.as_slice());
        for bit in 0..file.as_slice().len() * 8 {
            file.as_mut_slice()[bit / 8] ^= 1 << (bit % 8);
            let error = Model::parse(file.as_slice()).err();
            let region = Region::of(bit / 8, payload_start);
            let as_expected = match (region, error) {
                (Region::Magic, Some(FormatError::Magic)) => true,
                (Region::Version, Some(FormatError::Version { found })) => !(1..=VERSION).contains(&found),
                // Another version that is known is not what the checksum covered.
                (Region::Version, Some(FormatError::HeaderCrc)) => (1..=VERSION).contains(&version(&file)),
                // A wrong length is too long for a header, reaches past the file, falls short of it, or rounds up to
                // the same file and is then not what the checksum covered.
                (Region::HeaderLength, Some(FormatError::HeaderLength { found })) => found > 4096,
                (Region::HeaderLength | Region::PayloadLength, Some(FormatError::Truncated { needed, found })) => {
                    needed > found
                }
                (
                    Region::HeaderLength | Region::PayloadLength,
                    Some(FormatError::TrailingBytes { expected, found }),
                ) => expected < found,
                (Region::HeaderLength | Region::Covered, Some(FormatError::HeaderCrc)) => true,
                (Region::Payload, Some(FormatError::PayloadCrc)) => true,
                _ => false,
            };
            assert!(as_expected, "bit {} of byte {}: {error:?}", bit % 8, bit / 8);
            file.as_mut_slice()[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(Model::parse(file.as_slice()).is_ok(), "every bit is back in its place");
    }
}

/// Every byte set to every value, its checksums made right again: what is read then is a model, and can be used like
/// one.
#[test]
fn every_byte_changed_with_repaired_checksums_is_a_model_or_an_error() {
    let mut models = 0;
    for file in tiny::files_of_every_version() {
        for at in 0..file.as_slice().len() {
            for value in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
                let mut changed = file.clone();
                changed.as_mut_slice()[at] = value;
                file::repair(changed.as_mut_slice());
                models += usize::from(exercise(changed.as_slice()));
            }
        }
    }
    assert!(models > 0, "changed weights are still a model");
}

/// The same cases in every run; nothing is written beside the tests.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: cases(4000),
        rng_seed: RngSeed::Fixed(20_260_401),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn noise_is_never_a_model(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Model::parse(Aligned::new(&bytes).as_slice()).is_err());
    }

    #[test]
    fn noise_with_right_lengths_and_checksums_never_panics(
        version in 1..=VERSION,
        header in proptest::collection::vec(any::<u8>(), 0..60),
        payload in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        exercise(file::assemble(version, &header, &payload).as_slice());
    }

    #[test]
    fn mutations_with_repaired_checksums_never_panic(
        which in 0..tiny::files_of_every_version().len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = tiny::files_of_every_version()[which].as_slice().to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        file::repair(&mut bytes);
        exercise(Aligned::new(&bytes).as_slice());
    }
}
