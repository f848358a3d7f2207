//! A sensor's rows, cut into windows that never hold rows of two recordings.

use super::MixedWindows;
use std::collections::HashMap;

/// Rows of recordings as they come, whose windows go on when they are full. Rows of several recordings can come in turn.
pub(super) struct Windows {
    size: usize,
    hop: usize,
    mixed: MixedWindows,
    recordings: HashMap<u32, Recording>,
    rows: u64,
    used: u64,
    dropped: u64,
}

#[derive(Default)]
struct Recording {
    /// Rows of the window that is not yet full.
    values: Vec<f32>,
    labels: Vec<u16>,
    /// Rows to leave out ahead of the next window.
    skip: usize,
    /// Rows of the present window that were part of the one before.
    old: usize,
}

impl Windows {
    /// Windows of `size` rows, of which one starts every `hop` rows; both at least 1.
    pub fn new(size: usize, hop: usize, mixed: MixedWindows) -> Self {
        Self { size, hop, mixed, recordings: HashMap::new(), rows: 0, used: 0, dropped: 0 }
    }

    /// Takes the next row of recording `group`; where it completes a window, gives that window's values and label to `take`.
    pub fn push<E>(
        &mut self,
        group: u32,
        row: &[f32],
        label: Option<u16>,
        take: impl FnOnce(&[f32], Option<u16>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.rows += 1;
        let recording = self.recordings.entry(group).or_default();
        if recording.skip > 0 {
            recording.skip -= 1;
            return Ok(());
        }
        recording.values.extend_from_slice(row);
        recording.labels.extend(label);
        if recording.values.len() < self.size * row.len() {
            return Ok(());
        }
        self.used += (self.size - recording.old) as u64;
        let is_mixed = recording.labels.windows(2).any(|pair| pair[0] != pair[1]);
        let taken = if is_mixed && self.mixed == MixedWindows::Drop {
            self.dropped += 1;
            Ok(())
        } else {
            take(&recording.values, majority(&recording.labels))
        };
        let gone = self.hop.min(self.size);
        recording.values.drain(..gone * row.len());
        recording.labels.drain(..gone.min(recording.labels.len()));
        recording.old = self.size - gone;
        recording.skip = self.hop - gone;
        taken
    }

    /// What a user should know about the rows that are in no window.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.used < self.rows {
            let (left, rows) = (self.rows - self.used, self.rows);
            notes
                .push(format!("{left} of {rows} rows are in no window: between windows, or at the end of a recording"));
        }
        if self.dropped > 0 {
            notes.push(format!("{} windows of several labels were dropped", self.dropped));
        }
        notes
    }
}

/// The label that is there most often; of several, the one that comes first.
fn majority(labels: &[u16]) -> Option<u16> {
    let mut counts = HashMap::new();
    labels.iter().for_each(|label| *counts.entry(label).or_insert(0usize) += 1);
    let most = counts.values().max().copied();
    labels.iter().find(|label| counts.get(label).copied() == most).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of a stream whose rows are their number, with groups and labels.
    fn cut(windows: &mut Windows, rows: &[(u32, u16)]) -> Vec<(Vec<f32>, u16)> {
        let mut cut = Vec::new();
        for (number, &(group, label)) in rows.iter().enumerate() {
            let taken: Result<(), ()> = windows.push(group, &[number as f32], Some(label), |values, label| {
                cut.push((values.to_vec(), label.expect("labels")));
                Ok(())
            });
            taken.expect("nothing fails");
        }
        cut
    }

    #[test]
    fn windows_overlap_touch_or_leave_gaps_as_the_hop_says() {
        let rows = [(0, 0); 9];
        let starts = |size, hop| -> Vec<f32> {
            let windows = cut(&mut Windows::new(size, hop, MixedWindows::Majority), &rows);
            assert!(windows.iter().all(|(values, _)| values.len() == size && values.is_sorted()));
            windows.iter().map(|(values, _)| values[0]).collect()
        };
        assert_eq!(starts(4, 2), [0.0, 2.0, 4.0]);
        assert_eq!(starts(4, 4), [0.0, 4.0]);
        assert_eq!(starts(2, 5), [0.0, 5.0]);
        assert_eq!(starts(1, 1).len(), 9);
        assert!(starts(10, 1).is_empty());
    }

    #[test]
    fn no_window_holds_rows_of_two_recordings() {
        let rows = [(7, 0), (8, 1), (7, 0), (8, 1), (8, 1), (7, 0), (7, 0)];
        let windows = cut(&mut Windows::new(2, 2, MixedWindows::Majority), &rows);
        let expected = [(vec![0.0, 2.0], 0), (vec![1.0, 3.0], 1), (vec![5.0, 6.0], 0)];
        assert_eq!(windows, expected);
    }

    #[test]
    fn mixed_windows_take_the_commonest_label_or_go() {
        let rows: Vec<_> = [3, 3, 5, 5, 5, 3, 9, 3].map(|label| (0, label)).into();
        let labels = |mixed| {
            let mut windows = Windows::new(4, 4, mixed);
            let labels: Vec<u16> = cut(&mut windows, &rows).into_iter().map(|(_, label)| label).collect();
            (labels, windows.notes())
        };
        assert_eq!(labels(MixedWindows::Majority), (vec![3, 3], vec![]));
        let (labels, notes) = labels(MixedWindows::Drop);
        assert!(labels.is_empty() && notes[0].starts_with("2 windows"), "{notes:?}");
    }

    #[test]
    fn rows_in_no_window_are_counted() {
        let mut windows = Windows::new(4, 2, MixedWindows::Majority);
        cut(&mut windows, &[(0, 0); 9]);
        assert!(windows.notes()[0].starts_with("1 of 9 rows"), "{:?}", windows.notes());
    }
}
