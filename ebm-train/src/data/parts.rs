//! Which samples are learnt from, which validate, and which test.

use super::{DataOptions, Size};
use crate::Error;
use crate::train::order::permutation;
use ebm_core::rng::{Philox, Purpose, Stream};
use std::collections::HashMap;

/// Rows of a table, each part ascending.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parts {
    pub train: Vec<u32>,
    pub validation: Vec<u32>,
    pub test: Vec<u32>,
}

/// What of the split a stream of draws is for: its phase.
const SPLIT: u16 = 0;
const LIMIT: u16 = 1;

/// Divides `rows` samples with these `labels` and `groups`, empty where there are none. Samples of a group stay together; a part then has
/// the least number of whole groups, in the order drawn, that reaches its size. Fails when nothing is left to learn from.
pub(super) fn divide(rows: usize, labels: &[u16], groups: &[u32], options: &DataOptions) -> Result<Parts, Error> {
    let too_much = |flag: &'static str, size: Size| Error::Flag {
        flag,
        value: size.to_string(),
        expected: "a size that leaves samples to learn from",
    };
    if options.stratified && labels.is_empty() {
        return Err(Error::Flag { flag: "--stratified", value: String::new(), expected: "data with labels" });
    }
    let sizes = [options.test_size.of(rows), options.validation.of(rows)];
    if sizes[0] >= rows {
        return Err(too_much("--test-size", options.test_size));
    }
    if sizes[0].saturating_add(sizes[1]) >= rows {
        return Err(too_much("--validation", options.validation));
    }
    let mut part_of = vec![2u8; rows];
    if sizes != [0, 0] {
        let units = units(rows, groups);
        let strata = strata(units.iter().map(|unit| unit[0]), labels, options.stratified);
        let counts: Vec<usize> =
            strata.iter().map(|of| of.iter().map(|&unit| units[unit as usize].len()).sum()).collect();
        let quotas = sizes.map(|size| apportioned(size, &counts));
        for (number, stratum) in strata.iter().enumerate() {
            let mut order = permuted(options.data_seed, SPLIT, number, stratum).into_iter();
            for (part, quota) in quotas.iter().enumerate() {
                let mut taken = 0;
                while taken < quota[number] {
                    let Some(unit) = order.next() else { break };
                    for &row in &units[unit as usize] {
                        part_of[row as usize] = part as u8;
                    }
                    taken += units[unit as usize].len();
                }
            }
        }
    }
    let rows_of = |part| (0..rows as u32).filter(|&row| part_of[row as usize] == part).collect::<Vec<u32>>();
    let mut parts = Parts { train: rows_of(2), validation: rows_of(1), test: rows_of(0) };
    if parts.train.is_empty() {
        let flag = if sizes[1] > 0 { ("--validation", options.validation) } else { ("--test-size", options.test_size) };
        return Err(too_much(flag.0, flag.1));
    }
    if let Some(limit) = options.limit {
        limit_to(&mut parts.train, limit, labels, options)?;
    }
    Ok(parts)
}

/// Keeps `limit` of the rows, every class in its share where asked.
fn limit_to(rows: &mut Vec<u32>, limit: usize, labels: &[u16], options: &DataOptions) -> Result<(), Error> {
    if limit == 0 {
        return Err(Error::Flag { flag: "--limit", value: "0".into(), expected: "at least 1 sample" });
    }
    if limit >= rows.len() {
        return Ok(());
    }
    let strata = strata(rows.iter().copied(), labels, options.stratified);
    let counts: Vec<usize> = strata.iter().map(Vec::len).collect();
    let mut kept = Vec::with_capacity(limit);
    for (number, quota) in apportioned(limit, &counts).into_iter().enumerate() {
        let order = permuted(options.data_seed, LIMIT, number, &strata[number]);
        kept.extend(order.into_iter().take(quota).map(|place| rows[place as usize]));
    }
    kept.sort_unstable();
    *rows = kept;
    Ok(())
}

/// Rows that must not be parted: those of a group, or each by itself.
fn units(rows: usize, groups: &[u32]) -> Vec<Vec<u32>> {
    if groups.is_empty() {
        return (0..rows as u32).map(|row| vec![row]).collect();
    }
    let mut units: Vec<Vec<u32>> = Vec::new();
    let mut number_of = HashMap::new();
    for (row, group) in (0u32..).zip(groups) {
        let number = *number_of.entry(group).or_insert(units.len());
        if number == units.len() {
            units.push(Vec::new());
        }
        units[number].push(row);
    }
    units
}

/// Places of the units, given by their first rows, class by class, or all together.
fn strata(first_rows: impl Iterator<Item = u32>, labels: &[u16], stratified: bool) -> Vec<Vec<u32>> {
    let mut strata: Vec<Vec<u32>> = vec![Vec::new()];
    for (place, row) in (0u32..).zip(first_rows) {
        let stratum = if stratified { usize::from(labels[row as usize]) } else { 0 };
        if stratum >= strata.len() {
            strata.resize_with(stratum + 1, Vec::new);
        }
        strata[stratum].push(place);
    }
    strata
}

/// `size` divided in proportion to `counts`, by the largest remainders.
fn apportioned(size: usize, counts: &[usize]) -> Vec<usize> {
    let all = counts.iter().sum::<usize>().max(1) as u128;
    let exact = |count: usize| size as u128 * count as u128;
    let mut shares: Vec<usize> = counts.iter().map(|&count| (exact(count) / all) as usize).collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&place| std::cmp::Reverse(exact(counts[place]) % all));
    let left = size - shares.iter().sum::<usize>();
    order.into_iter().take(left).for_each(|place| shares[place] += 1);
    shares
}

/// `places` in an order that the seed decides.
fn permuted(seed: u64, phase: u16, stratum: usize, places: &[u32]) -> Vec<u32> {
    let stream = Stream { phase, step: stratum as u32, ..Stream::new(Purpose::Split) };
    permutation(&mut Philox::new(seed, stream), places.len()).into_iter().map(|place| places[place as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(validation: Size, test_size: Size, stratified: bool) -> DataOptions {
        DataOptions { validation, test_size, stratified, ..DataOptions::default() }
    }

    fn is_a_division(parts: &Parts, rows: usize) -> bool {
        let mut all = [&parts.train[..], &parts.validation, &parts.test].concat();
        all.sort_unstable();
        [&parts.train, &parts.validation, &parts.test].iter().all(|part| part.is_sorted())
            && all.into_iter().eq(0..rows as u32)
    }

    #[test]
    fn parts_have_their_sizes_and_are_drawn_by_the_seed() {
        let asked = options(Size::Count(100), Size::Share(0.25), false);
        let parts = divide(1000, &[], &[], &asked).expect("a division");
        assert!(is_a_division(&parts, 1000));
        assert_eq!((parts.validation.len(), parts.test.len()), (100, 250));
        // Drawn from everywhere, not from an end.
        assert!(parts.test.iter().filter(|&&row| row < 500).count().abs_diff(125) < 40);
        assert_eq!(divide(1000, &[], &[], &asked).expect("a division"), parts);
        assert_ne!(divide(1000, &[], &[], &DataOptions { data_seed: 2, ..asked }).expect("a division"), parts);
    }

    #[test]
    fn classes_keep_their_shares_when_asked() {
        let labels: Vec<u16> = (0..1000).map(|row| if row < 100 { 7 } else { row % 3 }).collect();
        let parts = divide(1000, &labels, &[], &options(Size::Share(0.1), Size::Count(50), true)).expect("a division");
        assert!(is_a_division(&parts, 1000));
        let count = |rows: &[u32], label| rows.iter().filter(|&&row| labels[row as usize] == label).count();
        assert_eq!((parts.validation.len(), parts.test.len()), (100, 50));
        assert_eq!((count(&parts.validation, 7), count(&parts.test, 7)), (10, 5));
        assert!(divide(9, &[], &[], &options(Size::Count(1), Size::Count(1), true)).is_err());
    }

    #[test]
    fn samples_of_a_group_stay_together() {
        let groups: Vec<u32> = (0..300).map(|row| row / 9 % 20).collect();
        let parts = divide(300, &[], &groups, &options(Size::Share(0.2), Size::Share(0.2), false)).expect("a division");
        assert!(is_a_division(&parts, 300) && parts.validation.len() >= 60 && parts.test.len() >= 60);
        for (a, b) in [(&parts.train, &parts.validation), (&parts.train, &parts.test), (&parts.validation, &parts.test)]
        {
            let groups_of = |rows: &[u32]| rows.iter().map(|&row| groups[row as usize]).collect::<Vec<_>>();
            let of_b = groups_of(b);
            assert!(groups_of(a).iter().all(|group| !of_b.contains(group)));
        }
    }

    #[test]
    fn a_limit_keeps_training_samples_only() {
        let labels: Vec<u16> = (0..1000).map(|row| row % 10).collect();
        let asked = DataOptions { limit: Some(100), ..options(Size::Count(200), Size::default(), true) };
        let parts = divide(1000, &labels, &[], &asked).expect("a division");
        assert_eq!((parts.train.len(), parts.validation.len(), parts.test.len()), (100, 200, 0));
        assert!(parts.train.is_sorted());
        for class in 0..10 {
            assert_eq!(parts.train.iter().filter(|&&row| labels[row as usize] == class).count(), 10);
        }
    }

    #[test]
    fn something_is_left_to_learn_from() {
        for (validation, test_size, flag) in [
            (Size::Count(0), Size::Count(10), "--test-size"),
            (Size::Count(5), Size::Count(5), "--validation"),
            (Size::Count(usize::MAX), Size::Count(5), "--validation"),
        ] {
            match divide(10, &[], &[], &options(validation, test_size, false)) {
                Err(Error::Flag { flag: named, .. }) => assert_eq!(named, flag),
                other => panic!("{other:?}"),
            }
        }
        // One group cannot be parted.
        assert!(divide(10, &[], &[4; 10], &options(Size::Count(1), Size::Count(0), false)).is_err());
    }
}
