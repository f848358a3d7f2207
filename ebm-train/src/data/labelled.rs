//! [`labelled_subset`]: a few labelled samples, to learn the classes from when all the others have no labels.

use super::{Batch, Split};
use crate::Error;
use ebm_core::rng::{Philox, Purpose, Stream};
use rand_core::Rng;

/// `count` labelled samples of `split`, drawn by `seed` in the order of the split: as many of each class as of any other, up to one, where every
/// class has enough.
///
/// Fails when the split has fewer labelled samples or they cannot be read.
pub fn labelled_subset(split: &Split, count: usize, seed: u64) -> Result<Split, Error> {
    if count == 0 || count > split.labels.len() {
        let value = count.to_string();
        return Err(Error::Flag { flag: "--labels", value, expected: "from 1 to the number of labelled samples" });
    }
    let classes = split.labels.iter().max().map_or(0, |&label| usize::from(label) + 1);
    let mut of_class = vec![Vec::new(); classes];
    for (row, &label) in (0u32..).zip(&split.labels) {
        of_class[usize::from(label)].push(row);
    }
    for (class, rows) in (0u32..).zip(&mut of_class) {
        let mut rng = Philox::new(seed, Stream { sample: class, ..Stream::new(Purpose::Labelled) });
        for last in (1..rows.len()).rev() {
            rows.swap(last, below(last + 1, rng.next_u32()));
        }
    }
    // Round by round one sample a class; which classes come first decides who has one more.
    let mut order: Vec<usize> = (0..classes).collect();
    let mut rng = Philox::new(seed, Stream { step: 1, ..Stream::new(Purpose::Labelled) });
    for last in (1..classes).rev() {
        order.swap(last, below(last + 1, rng.next_u32()));
    }
    let rounds = of_class.iter().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..rounds).flat_map(|round| order.iter().map(move |&class| (round, class)));
    let mut rows: Vec<u32> =
        in_turn.filter_map(|(round, class)| of_class[class].get(round).copied()).take(count).collect();
    rows.sort_unstable();
    let mut inputs = Batch::default();
    split.inputs.gather(&rows, &mut inputs)?;
    let labels = rows.iter().map(|&row| split.labels[row as usize]).collect();
    Ok(Split { inputs: inputs.into(), labels })
}

/// A number below `count` from a draw: none is favoured by more than `count / 2^32`.
fn below(count: usize, draw: u32) -> usize {
    ((u64::from(draw) * count as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split() -> Split {
        let labels: Vec<u16> = (0..200).map(|row| [0, 1, 1, 2, 2, 2, 3][row % 7]).collect();
        let values = (0..200u16).map(f32::from).collect();
        Split { inputs: Batch { values, visible: 1 }.into(), labels }
    }

    #[test]
    fn every_class_has_its_share_and_the_seed_decides_which() {
        let split = split();
        for count in [1, 4, 10, 37] {
            let subset = labelled_subset(&split, count, 3).expect("there are so many");
            assert_eq!((subset.labels.len(), subset.inputs.rows()), (count, count));
            let of = |class| subset.labels.iter().filter(|&&label| label == class).count();
            assert!((0..4).all(|class| of(class).abs_diff(count / 4) <= 1), "{:?}", subset.labels);
            let rows = subset.inputs.memory().expect("in memory").values.clone();
            assert!(rows.iter().zip(&subset.labels).all(|(&row, &label)| split.labels[row as usize] == label));
            assert!(rows.windows(2).all(|pair| pair[0] < pair[1]), "each once, in order");
            assert_eq!(subset, labelled_subset(&split, count, 3).expect("the same"));
        }
        assert_ne!(labelled_subset(&split, 40, 3).expect("a subset"), labelled_subset(&split, 40, 4).expect("another"));
    }

    #[test]
    fn a_class_with_too_few_gives_all_it_has() {
        let split = split();
        let all = labelled_subset(&split, 200, 1).expect("all of them");
        assert_eq!(all, split);
        assert!(labelled_subset(&split, 201, 1).is_err() && labelled_subset(&split, 0, 1).is_err());
    }
}
