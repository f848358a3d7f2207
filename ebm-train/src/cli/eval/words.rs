//! The figures for people: what each number means and what is good.

use super::figures::{ClassificationFigures, Figures, Likelihood, NoveltyFigures};

/// One line: a figure and what it means.
fn line(text: &mut String, name: &str, value: &str, meaning: &str) {
    text.push_str(format!("  {name:<25}{value:>14}  {meaning}").trim_end());
    text.push('\n');
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn nats(nats: f64) -> String {
    format!("{nats:.4} nats")
}

pub(super) fn describe(figures: &Figures) -> String {
    let Figures { model, data, part, samples, .. } = figures;
    let mut text = format!("{model} on {samples} samples ({part}) of {data}\n");
    text += &format!("  inputs: {}\n", figures.inputs);
    if figures.samples_with_missing_values > 0 {
        text += &format!("  left out for missing values: {} samples\n", figures.samples_with_missing_values);
    }
    if let Some(classification) = &figures.classification {
        classes(&mut text, classification);
    }
    generative(&mut text, figures);
    text
}

fn classes(text: &mut String, figures: &ClassificationFigures) {
    let ClassificationFigures { accuracy, cross_entropy, double_softmax_cross_entropy, brier_score, .. } = figures;
    let chance = (figures.classes.len() as f64).ln();
    text.push_str("\nAs a classifier\n");
    line(text, "accuracy", &percent(*accuracy), "share of the samples given their class");
    line(text, "cross-entropy", &nats(*cross_entropy), &format!("0 is best, guessing has {chance:.2}"));
    line(text, "softmax taken twice", &nats(*double_softmax_cross_entropy), "for comparison with figures published so");
    line(text, "Brier score", &format!("{brier_score:.4}"), "squared error of the probabilities: 0 is best, 2 worst");
    let error = figures.calibration.expected_error;
    line(text, "calibration error", &percent(error), "how far the probabilities are from how often they are right");
    text.push_str("\n  answers given with       are right    of so many\n");
    for bin in figures.calibration.bins.iter().filter(|bin| bin.samples > 0) {
        let range = format!("{:.0} to {:.0} %", 100.0 * bin.from, 100.0 * bin.to);
        text.push_str(&format!("  {range:<24}{:>10}{:>14}\n", percent(bin.accuracy), bin.samples));
    }
    confusion(text, figures);
}

/// Rows are classes, columns answers.
fn confusion(text: &mut String, figures: &ClassificationFigures) {
    const WIDEST: usize = 24;
    let share = |share: Option<f64>| share.map_or("-".to_owned(), percent);
    let name = |name: &str| name.chars().take(12).collect::<String>();
    text.push_str("\n  class           samples    recall  precision");
    let table = figures.classes.len() <= WIDEST;
    if table {
        text.push_str("   answers: ");
        figures
            .classes
            .iter()
            .for_each(|row| text.push_str(&format!("{:>6}", row.class.chars().take(5).collect::<String>())));
    }
    text.push('\n');
    for (row, counts) in figures.classes.iter().zip(&figures.confusion) {
        let (recall, precision) = (share(row.recall), share(row.precision));
        text.push_str(&format!("  {:<14}{:>9}{recall:>10}{precision:>11}", name(&row.class), row.samples));
        if table {
            text.push_str("            ");
            counts.iter().for_each(|&count| {
                let count = if count == 0 { ".".to_owned() } else { count.to_string() };
                text.push_str(&format!("{count:>6}"));
            });
        }
        text.push('\n');
    }
}

fn generative(text: &mut String, figures: &Figures) {
    let Figures { free_energy_mean_nats, free_energy_train_mean_nats, reconstruction_error, .. } = figures;
    if free_energy_mean_nats.is_none() && reconstruction_error.is_none() {
        return;
    }
    text.push_str("\nAs a model of the inputs\n");
    if let Some(mean) = free_energy_mean_nats {
        line(
            text,
            "free energy, mean",
            &format!("{mean:.2} nats"),
            "low where the model expects data; no scale of its own",
        );
    }
    if let Some((train, gap)) = free_energy_train_mean_nats.zip(figures.free_energy_gap_nats) {
        line(text, "  training data", &format!("{train:.2} nats"), "the same over what is learnt from");
        line(
            text,
            "  gap",
            &format!("{gap:+.2} nats"),
            "growing while a model trains, it says that samples are learnt by heart",
        );
    }
    if let Some(error) = reconstruction_error {
        line(
            text,
            "reconstruction error",
            &format!("{error:.5}"),
            "mean squared, per input: 0 is best; says little of the distribution",
        );
    }
    if let Some(pseudo) = figures.pseudo_log_likelihood_nats {
        line(
            text,
            "pseudo-log-likelihood",
            &format!("{pseudo:.2} nats"),
            "each input guessed from all others: higher is better",
        );
    }
    if let Some(why) = figures.no_pseudo_log_likelihood {
        line(text, "pseudo-log-likelihood", "none", why);
    }
    for (name, likelihood) in [
        ("log-likelihood", &figures.log_likelihood_nats),
        ("log-likelihood, at least", &figures.log_likelihood_bound_nats),
    ] {
        if let Some(likelihood) = likelihood {
            self::likelihood(text, name, likelihood);
        }
    }
    if let Some(of) = figures.likelihood_of {
        text.push_str(&format!("  likelihoods are of {of}\n"));
    }
    if let Some(share) = figures.novel_share {
        line(text, "counted as novel", &percent(share), "share above the model's threshold");
    }
    if let Some(novelty) = &figures.novelty {
        self::novelty(text, novelty, figures.novelty_auc);
    }
}

fn likelihood(text: &mut String, name: &str, likelihood: &Likelihood) {
    match likelihood {
        Likelihood::Exact { exact, .. } => {
            line(text, name, &format!("{exact:.2} nats"), "a sample, exactly: higher is better");
        }
        Likelihood::Annealed(annealed) => {
            let end = |end: Option<f64>| end.map_or("unbounded".to_owned(), |nats| format!("{nats:.2}"));
            let (ais, reverse) = (annealed.ais, annealed.reverse_ais);
            line(text, name, &format!("{ais:.2} nats"), "a sample, by AIS: higher is better; too high by expectation");
            let range = format!("  3 standard errors: {} to {}", end(annealed.ais_low), end(annealed.ais_high));
            text.push_str(&format!("  {range}\n"));
            line(
                text,
                "  and from below",
                &format!("{reverse:.2} nats"),
                "by reverse AIS: too low by expectation, if its chains had mixed",
            );
            let range =
                format!("  3 standard errors: {} to {}", end(annealed.reverse_ais_low), end(annealed.reverse_ais_high));
            text.push_str(&format!("  {range}\n"));
            text.push_str(&format!(
                "    {} chains, {} temperatures, {} steps of burn-in; as good as {:.0} and {:.0} independent chains.\n    \
                 More --temperatures bring the two together, more --burn-in makes the second surer.\n",
                annealed.chains,
                annealed.temperatures,
                annealed.burn_in,
                annealed.ais_effective_chains,
                annealed.reverse_ais_effective_chains
            ));
        }
    }
}

fn novelty(text: &mut String, figures: &NoveltyFigures, auc: Option<f64>) {
    let NoveltyFigures { novel, novel_samples, true_positive_rate, false_positive_rate, threshold_nats, .. } = figures;
    text.push_str(&format!("\nAgainst {novel_samples} samples of {novel}, which should be novel\n"));
    if let Some(auc) = auc {
        line(
            text,
            "area under the ROC",
            &format!("{auc:.4}"),
            "1 tells novel from usual without error, 0.5 not at all",
        );
    }
    if let Some(((found, alarms), threshold)) = true_positive_rate.zip(*false_positive_rate).zip(*threshold_nats) {
        line(text, "found", &percent(found), &format!("share of the novel above the threshold, {threshold:.2} nats"));
        line(text, "false alarms", &percent(alarms), "share of the usual above it");
    }
}
