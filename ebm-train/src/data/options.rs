//! [`DataOptions`]: which data and what is made of them, as flags and as keys of a configuration.

use super::amount::{Bytes, Size};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The specs that `--data` takes, for help and errors.
pub const SPECS: &str =
    "digits, mnist:DIR, idx:IMAGES[,LABELS], csv:FILE, npy:FILE[,LABELS] or npz:FILE[,ARRAY[,LABELS]]";

/// Which data, and how samples are made of them. Every command that reads data takes the same flags; the default is the embedded digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
#[command(next_help_heading = DataOptions::HEADING)]
pub struct DataOptions {
    /// The data set, one of [`SPECS`].
    #[arg(
        long,
        value_name = "SPEC",
        default_value = "digits",
        help = "Data set: digits (embedded), mnist:DIR (the four files, Fashion-MNIST's too), idx:IMAGES[,LABELS], csv:FILE, \
                npy:FILE[,LABELS], npz:FILE[,ARRAY[,LABELS]]; every file also gzipped"
    )]
    pub data: String,
    /// Test data, read with the training data's scaling and classes
    #[arg(long, value_name = "SPEC")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// Share (0.1 or 10%) or number of the samples that are split off as validation data
    #[arg(long, value_name = "SIZE", default_value_t)]
    pub validation: Size,
    /// Share or number of the samples that are split off as test data, where the data have no test part
    #[arg(long, value_name = "SIZE", default_value_t)]
    pub test_size: Size,
    /// Split off, and limit, so that every class keeps its share
    #[arg(long)]
    pub stratified: bool,
    /// Seed of the split, of --limit and of --binarisation sampled-once
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub data_seed: u64,
    /// Keep so many training samples, drawn by --data-seed
    #[arg(long, value_name = "COUNT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// CSV: the column of the labels, by name or by number from 1 (-1 is the last)
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// CSV: whether the first line names the columns; auto: when none of its cells is a number
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub header: Header,
    /// CSV: the columns that are inputs, in this order; by default all that no other flag names
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// CSV: columns that are left out, such as a time
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// CSV: columns that hold one of several categories and become a softmax group each; COLUMN=a|b|c says which, else those of the data
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub categorical: Vec<String>,
    /// CSV: cut the rows, a sensor's stream, into windows of so many rows
    #[arg(long, value_name = "ROWS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// CSV: rows from the start of a window to the next one's; by default the window's own length
    #[arg(long, value_name = "ROWS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop: Option<usize>,
    /// CSV: the column that tells recordings apart; no window holds rows of two, and a split keeps a recording's samples together
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// CSV: what a window with several labels becomes
    #[arg(long, value_name = "WHAT", default_value = "majority")]
    pub mixed_windows: MixedWindows,
    /// How raw numbers become values, fitted on the training part. auto: levels for bytes, none for numbers from 0 to 1, else standard
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub scaling: ScalingChoice,
    /// The level that means 1 with --scaling levels; by default 255 for bytes (16 for the digits), else the largest of the training part
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u16).range(1..))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_level: Option<u16>,
    /// What becomes of values between 0 and 1
    #[arg(long, value_name = "HOW", default_value = "none")]
    pub binarisation: BinarisationChoice,
    /// The value, after scaling, above which --binarisation threshold gives 1
    #[arg(long, value_name = "VALUE", default_value_t = 0.5)]
    pub threshold: f32,
    /// Memory for samples, such as 512M; what takes more lies in an unnamed file in $TMPDIR. By default a quarter of what is free
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
}

impl DataOptions {
    /// What the flags stand under in help.
    pub const HEADING: &str = "Data";
    /// What `--data` is by default where there is a model: the digits, unless it was trained on others.
    pub const OF_THE_MODEL: &str = "that of the model";
}

impl Default for DataOptions {
    fn default() -> Self {
        Self {
            data: super::digits::NAME.to_owned(),
            test: None,
            validation: Size::default(),
            test_size: Size::default(),
            stratified: false,
            data_seed: 1,
            limit: None,
            label: None,
            header: Header::Auto,
            columns: Vec::new(),
            ignore: Vec::new(),
            categorical: Vec::new(),
            window: None,
            hop: None,
            group: None,
            mixed_windows: MixedWindows::Majority,
            scaling: ScalingChoice::Auto,
            max_level: None,
            binarisation: BinarisationChoice::None,
            threshold: 0.5,
            memory: None,
        }
    }
}

/// Whether a CSV's first line names its columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Header {
    /// It does when none of its cells is a number.
    #[default]
    Auto,
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// What a window whose rows have several labels becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum MixedWindows {
    /// A sample of the label that most of its rows have; of labels with as many rows, the one that comes first in the window.
    #[default]
    Majority,
    /// No sample.
    Drop,
}

/// How raw numbers become values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ScalingChoice {
    /// Levels for bytes, none for numbers from 0 to 1, else standard.
    #[default]
    Auto,
    /// The numbers are the values.
    None,
    /// Integer levels, divided by the level that means 1.
    Levels,
    /// Every channel to `[0, 1]` by its least and greatest training value.
    MinMax,
    /// Every channel to mean 0 and variance 1 over the training part.
    Standard,
}

/// What becomes of values between 0 and 1: [`super::Binarisation`] as a flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum BinarisationChoice {
    /// Nothing: they stand as probabilities.
    #[default]
    None,
    /// 1 above --threshold, else 0.
    Threshold,
    /// Drawn once, by --data-seed.
    SampledOnce,
    /// Drawn anew each time a sample is learnt from.
    SampledEachTime,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        data: DataOptions,
    }

    #[test]
    fn flags_and_keys_have_the_same_defaults() {
        let flags = Line::parse_from(["x"]).data;
        assert_eq!(flags, DataOptions::default());
        assert_eq!(toml::from_str::<DataOptions>("").expect("no key is needed"), flags);
    }

    #[test]
    fn keys_say_what_flags_say() {
        let flags = Line::parse_from([
            "x",
            "--data",
            "csv:a.csv",
            "--label",
            "-1",
            "--window",
            "20",
            "--hop",
            "10",
            "--group",
            "recording",
            "--ignore",
            "t,u",
            "--validation",
            "10%",
            "--test-size",
            "200",
            "--scaling",
            "min-max",
            "--memory",
            "64M",
            "--binarisation",
            "sampled-once",
            "--header",
            "no",
            "--mixed-windows",
            "drop",
            "--limit",
            "9",
        ]);
        let text = toml::to_string(&flags.data).expect("options are TOML");
        assert_eq!(toml::from_str::<DataOptions>(&text).expect("and back"), flags.data, "{text}");
        let numbers = "validation = 0.1\ntest-size = 200\nmemory = 1024\n";
        let options: DataOptions = toml::from_str(numbers).expect("numbers are sizes too");
        assert_eq!((options.validation, options.test_size), (Size::Share(0.1), Size::Count(200)));
        assert!(toml::from_str::<DataOptions>("windows = 3").is_err());
    }
}
