//! [`Unknown`]: which values of a sample are hidden.

use crate::Error;
use crate::data::{Dataset, ImageShape};
use std::fmt;
use std::str::FromStr;

/// What is hidden of every sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Unknown {
    /// Nothing that the data have.
    Missing,
    /// The rows from the middle down; of an odd number, the middle one too.
    Lower,
    /// The rows above the middle.
    Upper,
    /// The columns left of the middle.
    Left,
    /// The columns from the middle on.
    Right,
    /// Columns of a table.
    Channels(Vec<String>),
    /// Values by number.
    Values(Vec<[usize; 2]>),
}

impl FromStr for Unknown {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let range = |text: &str| -> Option<[usize; 2]> {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            Some([first.parse().ok()?, last.parse().ok()?]).filter(|[first, last]| first <= last)
        };
        match (text, text.split_once(':')) {
            ("missing", _) => Ok(Self::Missing),
            ("lower", _) => Ok(Self::Lower),
            ("upper", _) => Ok(Self::Upper),
            ("left", _) => Ok(Self::Left),
            ("right", _) => Ok(Self::Right),
            (_, Some(("channel", names))) => Ok(Self::Channels(names.split(',').map(str::to_owned).collect())),
            (_, Some(("values", ranges))) => {
                let ranges: Option<_> = ranges.split(',').map(range).collect();
                ranges.map(Self::Values).ok_or_else(|| "numbers from 0 are expected, such as values:0-9,12".into())
            }
            _ => Err("missing, lower, upper, left, right, channel:NAME or values:0-9,12 is expected".into()),
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => out.write_str("missing"),
            Self::Lower => out.write_str("lower"),
            Self::Upper => out.write_str("upper"),
            Self::Left => out.write_str("left"),
            Self::Right => out.write_str("right"),
            Self::Channels(names) => write!(out, "channel:{}", names.join(",")),
            Self::Values(ranges) => {
                let ranges: Vec<String> = ranges.iter().map(|[first, last]| format!("{first}-{last}")).collect();
                write!(out, "values:{}", ranges.join(","))
            }
        }
    }
}

impl Unknown {
    /// What is hidden, in words that follow "blue is".
    pub(in crate::cli) fn words(&self) -> String {
        match self {
            Self::Missing => "what is missing".to_owned(),
            Self::Channels(names) => format!("channel {}", names.join(", ")),
            Self::Values(_) => self.to_string(),
            half => format!("the {half} half"),
        }
    }

    /// A mark for every value that is hidden. Fails when the samples have no such values.
    pub(in crate::cli) fn values(
        &self,
        image: ImageShape,
        dataset: &Dataset,
        visible: usize,
    ) -> Result<Vec<bool>, Error> {
        let wrong = |expected| Error::Flag { flag: "--unknown", value: self.to_string(), expected };
        let halves = |hidden: &dyn Fn(usize, usize) -> bool, size: usize| {
            let mask = (0..visible).map(|i| hidden(i % image.width, i / image.width)).collect();
            if size > 1 {
                Ok(mask)
            } else {
                Err(wrong("samples that are pictures (--shape says of what width and height)"))
            }
        };
        match self {
            Self::Missing => Ok(vec![false; visible]),
            Self::Lower => halves(&|_, y| y >= image.height / 2, image.height),
            Self::Upper => halves(&|_, y| y < image.height / 2, image.height),
            Self::Left => halves(&|x, _| x < image.width / 2, image.width),
            Self::Right => halves(&|x, _| x >= image.width / 2, image.width),
            Self::Channels(names) => {
                let channels = &dataset.channels;
                if let Some(name) = names.iter().find(|name| channels.iter().all(|channel| channel.name != **name)) {
                    let known: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
                    let problem =
                        format!("--unknown {self}: there is no channel `{name}`; there are: {}", known.join(", "));
                    return Err(Error::data(&dataset.name, problem));
                }
                let step = channels.iter().flat_map(|channel| vec![names.contains(&channel.name); channel.units()]);
                let step: Vec<bool> = step.collect();
                Ok(step.into_iter().cycle().take(visible).collect())
            }
            Self::Values(ranges) => {
                if ranges.iter().any(|[_, last]| *last >= visible) {
                    return Err(wrong("numbers below that of the model's inputs"));
                }
                Ok((0..visible).map(|i| ranges.iter().any(|[first, last]| (*first..=*last).contains(&i))).collect())
            }
        }
    }
}
