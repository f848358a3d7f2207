//! The digits that come with the program: UCI optdigits, 8 × 8 pixels of 0 to 16 (`data/digits/README.md`).

use super::{Dataset, idx};
use crate::Error;

/// What the data set is called.
pub const NAME: &str = "digits";
/// The pixel value that means 1.
const MAX_LEVEL: u16 = 16;

/// Loads the 3,823 training and 1,797 test digits; the writers of the two differ.
pub fn load() -> Result<Dataset, Error> {
    let train = idx::read(
        ("digits/train-images-idx3-ubyte.gz", include_bytes!("../../data/digits/train-images-idx3-ubyte.gz")),
        ("digits/train-labels-idx1-ubyte.gz", include_bytes!("../../data/digits/train-labels-idx1-ubyte.gz")),
    )?;
    let test = idx::read(
        ("digits/test-images-idx3-ubyte.gz", include_bytes!("../../data/digits/test-images-idx3-ubyte.gz")),
        ("digits/test-labels-idx1-ubyte.gz", include_bytes!("../../data/digits/test-labels-idx1-ubyte.gz")),
    )?;
    let classes = (0..10).map(|digit| digit.to_string()).collect();
    Dataset::from_levels(NAME, classes, MAX_LEVEL, &train, &test)
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
            assert!(
                split
                    .inputs
                    .memory()
                    .expect("digits are in memory")
                    .values
                    .iter()
                    .all(|&v| (0.0..=1.0).contains(&v) && (v * 16.0).fract() == 0.0)
            );
            assert_eq!(split.inputs.visible(), 64);
        }
    }
}
