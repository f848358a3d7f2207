//! The digits that come with the program: UCI optdigits, 8 × 8 pixels of 0 to 16 (`data/digits/README.md`).

use super::{DataOptions, Dataset};
use crate::Error;

/// What the data set is called.
pub const NAME: &str = "digits";
/// The pixel value that means 1.
pub(super) const MAX_LEVEL: u16 = 16;
/// The digits.
pub(super) const CLASSES: u16 = 10;

/// A file's name, for errors, and its bytes.
type File = (&'static str, &'static [u8]);

macro_rules! embedded {
    ($name:literal) => {
        (concat!("digits/", $name), include_bytes!(concat!("../../data/digits/", $name)))
    };
}

/// The idx files of images and labels: of the 3,823 training digits, or of the 1,797 test digits by other writers.
pub(super) fn files(is_test: bool) -> [File; 2] {
    if is_test {
        [embedded!("test-images-idx3-ubyte.gz"), embedded!("test-labels-idx1-ubyte.gz")]
    } else {
        [embedded!("train-images-idx3-ubyte.gz"), embedded!("train-labels-idx1-ubyte.gz")]
    }
}

/// The digits: 3,823 training and 1,797 test samples of 64 values from 0 to 1, ten classes. Fails only where the program was built of damaged files.
pub fn load() -> Result<Dataset, Error> {
    super::open(&DataOptions::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Split;

    fn counts(split: &Split) -> [usize; 10] {
        let mut counts = [0; 10];
        for &label in &split.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }

    #[test]
    fn are_what_uci_states() {
        let digits = load().expect("the embedded digits load");
        assert_eq!((digits.train.inputs.rows(), digits.test.inputs.rows()), (3823, 1797));
        assert_eq!(counts(&digits.train), [376, 389, 380, 389, 387, 376, 377, 387, 380, 382]);
        assert_eq!(counts(&digits.test), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        for split in [&digits.train, &digits.test] {
            let values = &split.inputs.memory().expect("digits are in memory").values;
            assert!(values.iter().all(|&v| (0.0..=1.0).contains(&v) && (v * 16.0).fract() == 0.0));
            assert_eq!(split.inputs.visible(), 64);
        }
    }
}
