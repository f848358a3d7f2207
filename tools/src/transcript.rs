//! What a program of the firmware prints.
//!
//! A line that starts with `answer ` is the same on the device and on the host. Every other line is
//! `key: value`; where the key names a cost, the value may change with the compiler.

use crc::{CRC_32_ISO_HDLC, Crc};

const ANSWER: &str = "answer ";
const CRC32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// The lines that a program printed.
pub struct Transcript {
    answers: Vec<String>,
    facts: Vec<String>,
}

/// How two runs' answers differ.
#[derive(Debug, PartialEq)]
pub struct Disagreement {
    /// How many answers differ; one that only one run gave does.
    pub count: usize,
    /// The first that differs, counted from 1.
    pub first: usize,
    /// What the host answered there, if it did.
    pub host: Option<String>,
    /// What the device answered there, if it did.
    pub device: Option<String>,
}

impl Transcript {
    /// Takes a program's output apart.
    pub fn new(output: &str) -> Self {
        let (answers, facts) =
            output.lines().map(|line| line.trim_end().to_owned()).partition(|line| line.starts_with(ANSWER));
        Self { answers, facts }
    }

    /// How many answers there are.
    pub fn answers(&self) -> usize {
        self.answers.len()
    }

    /// The lines that are no answers.
    pub fn facts(&self) -> &[String] {
        &self.facts
    }

    /// One line that stands for all answers.
    pub fn summary(&self) -> String {
        let mut digest = CRC32.digest();
        for answer in &self.answers {
            digest.update(answer.as_bytes());
            digest.update(b"\n");
        }
        format!("answers: {}, crc32 {:#010x}", self.answers.len(), digest.finalize())
    }

    /// Compares a device's answers with the host's, one by one.
    pub fn compare_answers(host: &Self, device: &Self) -> Option<Disagreement> {
        let length = host.answers.len().max(device.answers.len());
        let differs = |index: &usize| host.answers.get(*index) != device.answers.get(*index);
        let first = (0..length).find(differs)?;
        Some(Disagreement {
            count: (first..length).filter(differs).count(),
            first: first + 1,
            host: host.answers.get(first).cloned(),
            device: device.answers.get(first).cloned(),
        })
    }
}

/// A line's key and value, where it states a cost: instructions, cycles or bytes.
pub fn cost(line: &str) -> Option<(&str, f64)> {
    let (key, value) = line.split_once(": ")?;
    let costs = ["instructions", "cycles", "bytes"];
    let is_cost = key.split('_').any(|word| costs.contains(&word));
    is_cost.then_some(())?;
    Some((key, value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_disagreement_is_named_and_all_are_counted() {
        let host = Transcript::new("a: 1\nanswer 0\nanswer 1\nanswer 2\nanswer 3\n");
        let device = Transcript::new("b: 2\nanswer 0\nanswer 9\nanswer 2\n");
        assert_eq!(Transcript::compare_answers(&host, &host), None);
        let expected =
            Disagreement { count: 2, first: 2, host: Some("answer 1".to_owned()), device: Some("answer 9".to_owned()) };
        assert_eq!(Transcript::compare_answers(&host, &device), Some(expected));
    }

    #[test]
    fn the_summary_tells_other_answers_and_another_order() {
        let summary = |text| Transcript::new(text).summary();
        assert_eq!(summary(""), "answers: 0, crc32 0x00000000");
        assert_ne!(summary("answer a\nanswer b"), summary("answer b\nanswer a"));
        assert_eq!(summary("answer a\nx: 1"), summary("x: 2\r\nanswer a\r\n"));
    }

    #[test]
    fn costs_are_told_by_their_key() {
        assert_eq!(cost("model_bytes: 12"), Some(("model_bytes", 12.0)));
        assert_eq!(cost("instructions_per_inference: 1.5"), Some(("instructions_per_inference", 1.5)));
        assert_eq!(cost("accuracy: 97"), None);
        assert_eq!(cost("megabytes: 97"), None);
    }
}
