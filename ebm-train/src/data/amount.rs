//! [`Size`] of a part and [`Bytes`] of memory, as a flag or a key gives them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// How much of a data set: so many samples, or a share of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// So many samples.
    Count(usize),
    /// A share, from 0 to below 1.
    Share(f64),
}

impl Default for Size {
    fn default() -> Self {
        Self::Count(0)
    }
}

impl Size {
    /// How many of `all` samples: a share is rounded to the nearest.
    pub fn of(self, all: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Share(share) => (share * all as f64).round() as usize,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            // A share without a point would read as a count.
            Self::Share(share) => write!(f, "{share:?}"),
        }
    }
}

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a number of samples, a share from 0.0 to below 1, or a percentage below 100%";
        if let Ok(count) = text.parse() {
            return Ok(Self::Count(count));
        }
        let share = match text.strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
            None => text.parse(),
        };
        share.ok().filter(|share| (0.0..1.0).contains(share)).map(Self::Share).ok_or(EXPECTED)
    }
}

/// An amount of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

/// Suffixes and what they multiply by, the greatest first.
const UNITS: [(&str, u64); 4] = [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)];

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().find(|(_, unit)| self.0 >= *unit && self.0.is_multiple_of(*unit)) {
            Some((suffix, unit)) => write!(f, "{}{suffix}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Bytes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_suffix("IB").or(text.strip_suffix('B')).unwrap_or(&text);
        let unit = UNITS.iter().find_map(|&(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)));
        let (digits, unit) = unit.unwrap_or((text, 1));
        let bytes = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
        bytes.map(Self).ok_or("a number of bytes, such as 1073741824, 512M or 2G")
    }
}

/// A key of a configuration can be a number or a text; a text says the same as the flag.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Integer(u64),
    Number(f64),
    Text(String),
}

/// Reads and writes the type as its flag does.
macro_rules! as_its_flag {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = match Value::deserialize(deserializer)? {
                    Value::Integer(count) => count.to_string(),
                    Value::Number(share) => format!("{share:?}"),
                    Value::Text(text) => text,
                };
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_its_flag!(Size);
as_its_flag!(Bytes);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_counts_and_shares() {
        for (text, size) in [("0", Size::Count(0)), ("12", Size::Count(12)), ("0.25", Size::Share(0.25))] {
            assert_eq!(text.parse(), Ok(size));
            assert_eq!(size.to_string().parse(), Ok(size));
        }
        assert_eq!("10%".parse(), Ok(Size::Share(0.1)));
        assert_eq!("0.0".parse(), Ok(Size::Share(0.0)));
        for text in ["", "-1", "1.0", "1.5", "100%", "NaN", "ten", "inf%"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        assert_eq!((Size::Share(0.1).of(15), Size::Count(3).of(2)), (2, 3));
    }

    #[test]
    fn bytes_have_units() {
        for (text, bytes) in [("17", 17), ("512M", 512 << 20), ("2GiB", 2 << 30), ("3 k", 0), ("1kb", 1 << 10)] {
            assert_eq!(text.parse().ok(), (bytes > 0).then_some(Bytes(bytes)), "{text}");
        }
        for bytes in [0, 1, 1023, 1024, 3 << 30, u64::MAX] {
            assert_eq!(Bytes(bytes).to_string().parse(), Ok(Bytes(bytes)));
        }
        assert!("99999999999999999999".parse::<Bytes>().is_err() && "99999999999T".parse::<Bytes>().is_err());
    }
}
