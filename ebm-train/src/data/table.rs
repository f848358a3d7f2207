//! [`Table`]: samples as a file has them, before anything is made of them.

use super::{ImageShape, Samples};
use ebm_core::{Block, VisibleKind};
use serde::Serialize;
use std::collections::HashMap;

/// A value of every row, or a group of values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Channel {
    /// The column's name.
    pub name: String,
    /// What the column can hold, where it is categorical; none where it holds numbers.
    pub categories: Vec<String>,
}

impl Channel {
    /// Visible units that it takes.
    pub fn units(&self) -> usize {
        self.categories.len().max(1)
    }
}

/// Samples of one part, with raw values. Samples that were cut from a stream repeat the channels.
pub(super) struct Table {
    pub rows: Samples,
    /// Class of each sample; empty where there are no labels.
    pub labels: Vec<u16>,
    pub classes: Vec<String>,
    /// Number of the recording that each sample is of; empty where there are none.
    pub groups: Vec<u32>,
    /// Columns of one step; none where the values have no names.
    pub channels: Vec<Channel>,
    pub image: Option<ImageShape>,
    /// The level that means 1, where the values are bytes.
    pub max_level: Option<u16>,
    /// Where the first missing value stands in a file of text.
    pub missing: Option<String>,
    /// What the reader did that a user should know.
    pub notes: Vec<String>,
}

impl Table {
    /// Units of one step: what a scaling has numbers for.
    pub fn units(&self) -> usize {
        match self.channels.iter().map(Channel::units).sum() {
            0 => self.rows.visible(),
            units => units,
        }
    }

    /// The name of a unit of one step, in words.
    pub fn unit_name(&self, unit: usize) -> String {
        if self.channels.is_empty() { format!("value {unit}") } else { format!("column `{}`", self.column_name(unit)) }
    }

    /// The column that a unit of one step is of, a category's unit with the category; empty where there are no columns.
    pub fn column_name(&self, unit: usize) -> String {
        let mut names = self.channels.iter().flat_map(|channel| {
            let categories = channel.categories.iter().map(|category| format!("{}={category}", channel.name));
            let number = channel.categories.is_empty().then(|| channel.name.clone());
            number.into_iter().chain(categories)
        });
        names.nth(unit).unwrap_or_default()
    }

    /// Which units of one step belong to a categorical column.
    pub fn is_categorical(&self) -> Vec<bool> {
        let mut of_columns: Vec<bool> = self
            .channels
            .iter()
            .flat_map(|channel| std::iter::repeat_n(!channel.categories.is_empty(), channel.units()))
            .collect();
        of_columns.resize(self.units(), false);
        of_columns
    }

    /// The visible units' blocks, given the kind of each number's unit of one step; none when all are Bernoulli.
    pub fn blocks(&self, kind: impl Fn(usize) -> VisibleKind) -> Vec<Block> {
        let mut step: Vec<(VisibleKind, usize)> = Vec::new();
        let mut unit = 0;
        if self.channels.is_empty() {
            step.extend((0..self.units()).map(|unit| (kind(unit), 1)));
        }
        for channel in &self.channels {
            let is_number = channel.categories.is_empty();
            step.push((if is_number { kind(unit) } else { VisibleKind::Softmax }, channel.units()));
            unit += channel.units();
        }
        if step.iter().all(|(kind, _)| *kind == VisibleKind::Bernoulli) {
            return Vec::new();
        }
        let steps = self.rows.visible() / self.units().max(1);
        let mut runs: Vec<(VisibleKind, usize)> = Vec::new();
        for _ in 0..steps {
            for &(kind, units) in &step {
                match runs.last_mut() {
                    Some((last, count)) if *last == kind && kind != VisibleKind::Softmax => *count += units,
                    _ => runs.push((kind, units)),
                }
            }
        }
        runs.into_iter().map(|(kind, units)| Block::new(kind, units as u32)).collect()
    }
}

/// Numbers of names in the order that they are first met.
#[derive(Default)]
pub(super) struct Names {
    pub names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Names {
    /// These names, and no further ones are expected.
    pub fn known(names: &[String]) -> Self {
        let numbers = names.iter().cloned().zip(0..).collect();
        Self { names: names.to_vec(), numbers }
    }

    pub fn find(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.find(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// Sorts the names: by value where all are integers, else by letters. Returns the new number of each old one.
    pub fn sort(&mut self) -> Vec<u32> {
        let integers: Option<Vec<i64>> = self.names.iter().map(|name| name.parse().ok()).collect();
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        match integers {
            Some(integers) => order.sort_by_key(|&old| integers[old]),
            None => order.sort_by_key(|&old| self.names[old].as_str()),
        }
        let mut new_of_old = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            new_of_old[old] = new as u32;
        }
        *self = Self::known(&order.iter().map(|&old| self.names[old].clone()).collect::<Vec<_>>());
        new_of_old
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Batch;

    #[test]
    fn blocks_repeat_with_the_steps_of_a_window() {
        let number = |name: &str| Channel { name: name.into(), categories: Vec::new() };
        let colour = Channel { name: "colour".into(), categories: vec!["red".into(), "blue".into()] };
        let table = |channels: Vec<Channel>, visible| Table {
            rows: Batch { values: vec![0.0; visible], visible }.into(),
            labels: Vec::new(),
            classes: Vec::new(),
            groups: Vec::new(),
            channels,
            image: None,
            max_level: None,
            missing: None,
            notes: Vec::new(),
        };
        use VisibleKind::{Bernoulli, Gaussian, Softmax};
        let kinds = |table: &Table, kind: VisibleKind| -> Vec<_> {
            table.blocks(|_| kind).iter().map(|block| (block.kind().expect("a kind"), block.units())).collect()
        };
        let mixed = table(vec![number("x"), number("y"), colour, number("z")], 10);
        let one_colour = [(Gaussian, 2), (Softmax, 2), (Gaussian, 3), (Softmax, 2), (Gaussian, 1)];
        assert_eq!(kinds(&mixed, Gaussian), one_colour);
        assert_eq!((mixed.units(), mixed.unit_name(3)), (5, "column `colour=blue`".to_owned()));
        assert_eq!(mixed.is_categorical(), [false, false, true, true, false]);
        let plain = table(Vec::new(), 6);
        assert_eq!((kinds(&plain, Bernoulli), kinds(&plain, Gaussian)), (vec![], vec![(Gaussian, 6)]));
    }

    #[test]
    fn names_sort_by_value_where_they_are_numbers() {
        let sorted = |names: &[&str]| {
            let mut numbered = Names::default();
            names.iter().for_each(|name| {
                numbered.number(name);
            });
            let renumbered = numbered.sort();
            (numbered.names, renumbered)
        };
        assert_eq!(sorted(&["10", "9", "9", "-1"]), (vec!["-1".into(), "9".into(), "10".into()], vec![2, 1, 0]));
        assert_eq!(sorted(&["b", "10", "a"]), (vec!["10".into(), "a".into(), "b".into()], vec![2, 0, 1]));
    }
}
