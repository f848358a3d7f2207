//! [`Finding`]: what the figures of a stage show, by rules with stated thresholds.

use crate::train::compare::FINETUNE;
use crate::train::{Epoch, finetune, rbm, updown};
use serde::{Deserialize, Serialize};

/// Figures of single epochs are noisy: what a rule goes by holds for so many in a row.
const STEADY: usize = 5;
/// A gap of free energies that widens by this share of their standard deviation over the training set is no noise of the samples.
const WIDE_GAP: f64 = 0.15;
/// Hidden units that tell nothing are worth a word from this share of all.
const IDLE_SHARE: f64 = 0.1;
/// A reconstruction error this many times the least of the last [`RECENT`] epochs has jumped.
const JUMP: f64 = 1.25;
/// Epochs that a jump is looked for in.
const RECENT: usize = 10;
/// Steps that change weights by more than this share of their size are too long: Hinton 2010, section 7, has about 1e-3.
const LONG_STEP: f64 = 0.1;
/// Those that change them by less lead nowhere,
const SHORT_STEP: f64 = 1e-4;
/// unless the loss has fallen by this share since the first epoch.
const LEARNT: f64 = 0.01;
/// A loss over unseen samples this many times its least has risen.
const RISEN: f64 = 1.1;
/// Epochs that the least is looked for in.
const LOOKED_AT: usize = 1000;
/// A classifier that is rid of less than this share of the errors, and of the loss, of one that never looks has learnt nothing.
const RID_OF: f64 = 0.05;

/// What the figures of a stage show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// Free energies of unseen samples rise above those of the training set (Hinton 2010, section 6).
    FreeEnergyGap {
        /// Mean gap of the stage's first epochs, in nats.
        first_nats: f64,
        /// Mean gap of its last ones, in nats.
        last_nats: f64,
        /// The unseen samples: `validation` or `test`.
        unseen: String,
    },
    /// Hidden units that are hardly ever on, or hardly ever off.
    IdleUnits {
        /// Hardly ever on.
        dead: usize,
        /// Hardly ever off.
        saturated: usize,
        /// All hidden units.
        hidden: usize,
    },
    /// The reconstruction error jumped.
    LossJumped {
        /// The least of the epochs before.
        least: f64,
        /// The last.
        last: f64,
    },
    /// Each step changes the weights by much of their size.
    LongSteps {
        /// `Σ|Δw| / Σ|w|`.
        weight_step: f64,
    },
    /// Steps change hardly anything, and the loss stands still.
    ShortSteps {
        /// `Σ|Δw| / Σ|w|`.
        weight_step: f64,
        /// Loss over the training set after the first epoch.
        first: f64,
        /// After the last.
        last: f64,
    },
    /// Loss over unseen samples rises while that over the training set falls.
    UnseenLossRose {
        /// The least loss over unseen samples.
        least: f64,
        /// Epoch of the least.
        least_epoch: usize,
        /// The last.
        last: f64,
        /// The unseen samples: `validation` or `test`.
        unseen: String,
    },
    /// A classifier that has learnt nothing.
    Chance {
        /// Share of the training set classified rightly.
        accuracy: f64,
        /// Share that the same answer to every sample reaches.
        chance: f64,
    },
}

impl Finding {
    /// What a stage's epochs show at their end, from the first epoch on.
    pub fn all(epochs: &[Epoch]) -> Vec<Self> {
        let rules = [free_energy_gap, idle_units, loss_jumped, long_steps, short_steps, unseen_loss_rose, chance];
        rules.into_iter().filter_map(|rule| rule(epochs)).collect()
    }

    /// What was seen in this stage and what to try.
    pub(super) fn sentence(&self, stage: &str) -> String {
        let rate = match stage {
            FINETUNE => finetune::DIVERGED,
            updown::STAGE => updown::DIVERGED,
            _ => rbm::DIVERGED,
        };
        let seen = match self {
            Self::FreeEnergyGap { first_nats, last_nats, unseen } => format!(
                "the free energy of {unseen} samples has come to lie {last_nats:.2} nats above that of training samples ({first_nats:.2} at first), \
                 so these are being learnt by heart"
            ),
            Self::IdleUnits { dead, saturated, hidden } => format!(
                "of {hidden} hidden units, {dead} are hardly ever on and {saturated} hardly ever off, and tell nothing of what is seen"
            ),
            Self::LossJumped { least, last } => {
                format!("the reconstruction error has jumped from {least:.4} to {last:.4}")
            }
            Self::LongSteps { weight_step } => format!(
                "every step changes the weights by about {:.0} % of their size, where 0.1 % is usual",
                100.0 * weight_step
            ),
            Self::ShortSteps { weight_step, first, last } => format!(
                "every step changes the weights by no more than {:.4} % of their size, and the loss stands still ({first:.4} at first, {last:.4})",
                100.0 * weight_step
            ),
            Self::UnseenLossRose { least, least_epoch, last, unseen } => format!(
                "the loss over {unseen} samples has risen from {least:.4} (epoch {least_epoch}) to {last:.4} while that over training samples fell"
            ),
            Self::Chance { accuracy, chance } => format!(
                "{:.1} % of the training samples are classified rightly; the same answer to every sample reaches {:.1} %",
                100.0 * accuracy,
                100.0 * chance
            ),
        };
        let advice = match self {
            Self::UnseenLossRose { .. } if stage == FINETUNE => {
                "--validation 10% with --patience 5, which keep the best epoch, --dropout 0.2, or fewer --finetune-epochs".to_owned()
            }
            Self::FreeEnergyGap { .. } | Self::UnseenLossRose { .. } => {
                "--weight-decay 0.001, fewer --hidden, fewer --epochs, or more data".to_owned()
            }
            Self::IdleUnits { .. } => {
                format!("a lower {rate}, fewer --hidden, or --sparsity-target 0.1 with --sparsity-cost 0.1")
            }
            Self::LossJumped { .. } | Self::LongSteps { .. } => format!("a third or a tenth of the {rate}"),
            Self::ShortSteps { .. } => format!("ten times the {rate}"),
            Self::Chance { .. } => {
                format!("a tenth of the {rate} where the loss jumps, ten times where it hardly moves, or more epochs")
            }
        };
        format!("{seen}. Try {advice}")
    }
}

/// The last so many; `None` where there are fewer.
fn last(epochs: &[Epoch], count: usize) -> Option<&[Epoch]> {
    epochs.len().checked_sub(count).map(|first| &epochs[first..])
}

/// The mean of a figure that every one of these epochs has.
fn mean(epochs: &[Epoch], figure: impl Fn(&Epoch) -> Option<f64>) -> Option<f64> {
    epochs.iter().map(figure).sum::<Option<f64>>().map(|sum| sum / epochs.len() as f64)
}

fn free_energy_gap(epochs: &[Epoch]) -> Option<Finding> {
    let late = last(epochs, STEADY).filter(|_| epochs.len() >= 2 * STEADY)?;
    let first_nats = mean(&epochs[..STEADY], Epoch::free_energy_gap_nats)?;
    let last_nats = mean(late, Epoch::free_energy_gap_nats)?;
    let deviation = mean(late, |epoch| epoch.train_free_energy_deviation_nats)?;
    let (_, unseen) = epochs.last()?.unseen_free_energy_nats()?;
    let is_wide = last_nats > 0.0 && last_nats - first_nats > WIDE_GAP * deviation;
    is_wide.then(|| Finding::FreeEnergyGap { first_nats, last_nats, unseen: unseen.to_owned() })
}

fn idle_units(epochs: &[Epoch]) -> Option<Finding> {
    let idle = |epoch: &Epoch| Some((epoch.dead_units?, epoch.saturated_units?, epoch.hidden_units?));
    let is_many = |epoch: &Epoch| {
        idle(epoch).is_some_and(|(dead, saturated, hidden)| (dead + saturated) as f64 >= IDLE_SHARE * hidden as f64)
    };
    // After one epoch, units may yet find something.
    let (dead, saturated, hidden) = last(epochs, 2).filter(|late| late.iter().all(is_many))?.last().and_then(idle)?;
    (hidden > 0).then_some(Finding::IdleUnits { dead, saturated, hidden })
}

/// Not of classifiers, whose loss may be small, and then jumps by little.
fn loss_jumped(epochs: &[Epoch]) -> Option<Finding> {
    let recent = &epochs[epochs.len().saturating_sub(RECENT)..];
    let (before, late) = recent.split_at_checked(recent.len().checked_sub(2)?)?;
    let least = before.iter().map(|epoch| epoch.train_loss).min_by(f64::total_cmp)?;
    let is_high = |epoch: &Epoch| epoch.train_accuracy.is_none() && epoch.train_loss > JUMP * least;
    let last = late.last()?.train_loss;
    late.iter().all(is_high).then_some(Finding::LossJumped { least, last })
}

fn long_steps(epochs: &[Epoch]) -> Option<Finding> {
    let late = last(epochs, STEADY)?;
    let is_long = |epoch: &Epoch| epoch.weight_step.is_some_and(|step| step > LONG_STEP);
    let weight_step = mean(late, |epoch| epoch.weight_step)?;
    late.iter().all(is_long).then_some(Finding::LongSteps { weight_step })
}

fn short_steps(epochs: &[Epoch]) -> Option<Finding> {
    let late = last(epochs, STEADY)?;
    let is_short = |epoch: &Epoch| epoch.weight_step.is_some_and(|step| step < SHORT_STEP);
    let (first, last) = (epochs.first()?.train_loss, late.last()?.train_loss);
    let weight_step = late.iter().filter_map(|epoch| epoch.weight_step).max_by(f64::total_cmp)?;
    let stands_still = last > (1.0 - LEARNT) * first;
    (stands_still && late.iter().all(is_short)).then_some(Finding::ShortSteps { weight_step, first, last })
}

fn unseen_loss_rose(epochs: &[Epoch]) -> Option<Finding> {
    let looked_at = &epochs[epochs.len().saturating_sub(LOOKED_AT)..];
    let late = last(looked_at, STEADY)?;
    let unseen = |epoch: &Epoch| epoch.unseen_loss().map(|(loss, _)| loss);
    let least = looked_at.iter().filter(|epoch| unseen(epoch).is_some());
    let least = least.min_by(|a, b| unseen(a).unwrap_or(0.0).total_cmp(&unseen(b).unwrap_or(0.0)))?;
    let has_risen = |epoch: &Epoch| {
        unseen(epoch).zip(unseen(least)).is_some_and(|(loss, least)| loss > RISEN * least)
            && epoch.train_loss < least.train_loss
    };
    let (last, of) = late.last()?.unseen_loss()?;
    late.iter().all(has_risen).then(|| Finding::UnseenLossRose {
        least: unseen(least).unwrap_or(last),
        least_epoch: least.epoch,
        last,
        unseen: of.to_owned(),
    })
}

fn chance(epochs: &[Epoch]) -> Option<Finding> {
    let late = last(epochs, STEADY)?;
    let both = |epoch: &Epoch| epoch.train_accuracy.zip(epoch.chance_accuracy);
    // What is left of the errors, or of the loss.
    let is_left = |found: f64, chance: f64| found > (1.0 - RID_OF) * chance;
    let is_chance = |epoch: &Epoch| {
        let (accuracy, loss) = (both(epoch), epoch.chance_loss.unwrap_or(0.0));
        accuracy.is_some_and(|(accuracy, chance)| accuracy < 1.0 && is_left(1.0 - accuracy, 1.0 - chance))
            && is_left(epoch.train_loss, loss)
    };
    let (accuracy, chance) = both(late.last()?)?;
    late.iter().all(is_chance).then_some(Finding::Chance { accuracy, chance })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many epochs, each as `figures` has it from its number.
    fn epochs(count: usize, figures: impl Fn(usize) -> Epoch) -> Vec<Epoch> {
        (1..=count).map(|epoch| Epoch { epoch, ..figures(epoch) }).collect()
    }

    /// What a rule finds just this side of its threshold, and just the other.
    fn beside(rule: fn(&[Epoch]) -> Option<Finding>, count: usize, figures: impl Fn(f64, usize) -> Epoch) {
        let found = [-1e-6, 1e-6].map(|past| rule(&epochs(count, |epoch| figures(past, epoch))).is_some());
        assert_eq!(found, [false, true]);
        let fewer = rule(&epochs(count - 1, |epoch| figures(1e-6, epoch)));
        assert_eq!(fewer, None, "an epoch too early");
    }

    #[test]
    fn each_rule_has_the_threshold_that_is_written_down() {
        // The last five of ten lie 0.15 · 2 nats above the first five.
        beside(free_energy_gap, 10, |past, epoch| Epoch {
            train_free_energy_nats: Some(-10.0),
            test_free_energy_nats: Some(-9.5 + if epoch > 5 { 0.3 + past } else { 0.0 }),
            train_free_energy_deviation_nats: Some(2.0),
            ..Epoch::default()
        });
        beside(loss_jumped, 3, |past, epoch| Epoch {
            train_loss: if epoch > 1 { 1.25 + past } else { 1.0 },
            ..Epoch::default()
        });
        beside(long_steps, 5, |past, _| Epoch { weight_step: Some(0.1 + past), ..Epoch::default() });
        beside(short_steps, 5, |past, epoch| Epoch {
            weight_step: Some(1e-4 - 1e-3 * past),
            train_loss: if epoch > 1 { 0.995 } else { 1.0 },
            ..Epoch::default()
        });
        // The least is that of the first epoch.
        beside(unseen_loss_rose, 6, |past, epoch| Epoch {
            train_loss: 1.0 / epoch as f64,
            validation_loss: Some(if epoch > 1 { 1.1 + past } else { 1.0 }),
            ..Epoch::default()
        });
        // Wrong on 0.95 of the tenth that is of the rarer class.
        beside(chance, 5, |past, _| Epoch {
            train_loss: 0.4,
            train_accuracy: Some(1.0 - 0.095 - past),
            chance_accuracy: Some(0.9),
            chance_loss: Some(0.325),
            ..Epoch::default()
        });
    }

    #[test]
    fn a_tenth_of_idle_units_is_many() {
        let with = |dead, count| {
            let units = |_| Epoch {
                dead_units: Some(dead),
                saturated_units: Some(1),
                hidden_units: Some(100),
                ..Epoch::default()
            };
            idle_units(&epochs(count, units))
        };
        assert_eq!([with(8, 2), with(9, 1)], [None, None]);
        assert_eq!(with(9, 2), Some(Finding::IdleUnits { dead: 9, saturated: 1, hidden: 100 }));
    }

    #[test]
    fn a_gap_that_is_none_and_a_loss_that_falls_everywhere_are_well() {
        // Unseen samples are the more probable ones.
        let below = |epoch: usize| Epoch {
            train_free_energy_nats: Some(-10.0),
            test_free_energy_nats: Some(-20.0 + epoch as f64),
            train_free_energy_deviation_nats: Some(1.0),
            ..Epoch::default()
        };
        assert_eq!(free_energy_gap(&epochs(10, below)), None);
        let falling = |epoch: usize| Epoch {
            train_loss: 1.0 / epoch as f64,
            test_loss: Some(1.5 / epoch as f64),
            train_accuracy: Some(1.0),
            chance_accuracy: Some(1.0),
            weight_step: Some(1e-3),
            ..Epoch::default()
        };
        assert_eq!(Finding::all(&epochs(20, falling)), []);
        // Where one class is rare, a classifier tells apart by probabilities before it does by answers.
        let surer = |_| Epoch {
            train_loss: 0.25,
            train_accuracy: Some(0.9),
            chance_accuracy: Some(0.9),
            chance_loss: Some(0.325),
            ..Epoch::default()
        };
        assert_eq!(chance(&epochs(5, surer)), None);
    }
}
