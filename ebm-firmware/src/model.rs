//! What lies in flash beside the program: the model that `EBM_MODEL` named at build time, and the test digits.
//!
//! The build script has checked the file and turned its shapes into constants and its number format into [`Numbers`].

use ebm_core::Aligned;

include!(concat!(env!("OUT_DIR"), "/model.rs"));

// On the host the sections have no meaning, and some object formats spell them in another way.
#[cfg_attr(target_os = "none", unsafe(link_section = ".ebm_model"))]
static MODEL: Aligned<[u8; LENGTH]> = Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/model.ebm")));

/// Two slots for models, this one in the first.
#[cfg_attr(target_os = "none", unsafe(link_section = ".ebm_slots"))]
static SLOTS: Aligned<[u8; 2 * SLOT]> = Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/slots.bin")));

#[cfg_attr(target_os = "none", unsafe(link_section = ".ebm_test_data"))]
static TEST_LEVELS: [u8; TEST_BYTES] = *include_bytes!(concat!(env!("OUT_DIR"), "/digits.levels"));

#[cfg_attr(target_os = "none", unsafe(link_section = ".ebm_test_data"))]
static TEST_LABELS: [u8; TEST_BYTES / INPUTS] = *include_bytes!(concat!(env!("OUT_DIR"), "/digits.labels"));

const TEST_BYTES: usize = include_bytes!(concat!(env!("OUT_DIR"), "/digits.levels")).len();

/// Are there any test digits?
pub const HAS_TEST_DIGITS: bool = TEST_BYTES > 0;

/// The model file.
pub fn bytes() -> &'static [u8] {
    &MODEL.0
}

/// The slots as they are flashed. On a device they change: its flash has them as they are.
pub fn slots() -> &'static Aligned<[u8; 2 * SLOT]> {
    &SLOTS
}

/// The test digits: pixel levels and label of each.
pub fn test_digits() -> impl Iterator<Item = (&'static [u8; INPUTS], u8)> {
    pixels()
}

/// The test digits, of `N` pixels whatever the model takes.
pub fn pixels<const N: usize>() -> impl Iterator<Item = (&'static [u8; N], u8)> {
    TEST_LEVELS.as_chunks().0.iter().zip(TEST_LABELS)
}
