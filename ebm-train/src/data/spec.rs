//! [`Spec`]: where samples lie, as `--data` and `--test` say it.

use super::{SPECS, digits};
use crate::Error;
use std::path::{Path, PathBuf};

/// Where samples lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spec {
    /// In the program.
    Digits,
    /// In the four files of MNIST, or of a set that has its form.
    Mnist {
        /// The folder that they lie in.
        folder: PathBuf,
    },
    /// In idx files.
    Idx {
        /// The inputs.
        images: PathBuf,
        /// One label a sample.
        labels: Option<PathBuf>,
    },
    /// In a table of text.
    Csv {
        /// The file.
        file: PathBuf,
    },
    /// In arrays of NumPy.
    Npy {
        /// The inputs.
        file: PathBuf,
        /// One label a sample.
        labels: Option<PathBuf>,
    },
    /// In an archive of NumPy's arrays.
    Npz {
        /// The archive.
        file: PathBuf,
        /// Name of the array of inputs; by default one of the usual.
        inputs: Option<String>,
        /// Name of the array of labels, likewise.
        labels: Option<String>,
    },
}

impl Spec {
    /// What `text`, given as `flag`, means. Fails as a usage error that lists what can be given.
    pub fn parse(flag: &'static str, text: &str) -> Result<Self, Error> {
        let wrong = || Error::Flag { flag, value: text.to_owned(), expected: SPECS };
        if text == digits::NAME {
            return Ok(Self::Digits);
        }
        let (kind, rest) = text.split_once(':').filter(|(_, rest)| !rest.is_empty()).ok_or_else(wrong)?;
        let mut parts = rest.split(',').map(str::to_owned);
        let first: PathBuf = parts.next().unwrap_or_default().into();
        let (second, third, more) = (parts.next(), parts.next(), parts.next());
        let most = match kind {
            "idx" | "npy" => 2,
            "npz" => 3,
            _ => 1,
        };
        let given = 1 + [&second, &third, &more].into_iter().flatten().count();
        match kind {
            // The path of a single file can hold commas.
            "mnist" => Ok(Self::Mnist { folder: rest.into() }),
            "csv" => Ok(Self::Csv { file: rest.into() }),
            "idx" if given <= most => Ok(Self::Idx { images: first, labels: second.map(PathBuf::from) }),
            "npy" if given <= most => Ok(Self::Npy { file: first, labels: second.map(PathBuf::from) }),
            "npz" if given <= most => Ok(Self::Npz { file: first, inputs: second, labels: third }),
            _ => Err(wrong()),
        }
    }

    /// A short name, without folders: what a model's provenance holds.
    pub fn name(&self) -> String {
        let (kind, path) = match self {
            Self::Digits => return digits::NAME.to_owned(),
            Self::Mnist { folder } => ("mnist", folder),
            Self::Idx { images, .. } => ("idx", images),
            Self::Csv { file } => ("csv", file),
            Self::Npy { file, .. } => ("npy", file),
            Self::Npz { file, .. } => ("npz", file),
        };
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        // A model's header has little room.
        format!("{kind}:{}", name.chars().take(LONGEST_NAME).collect::<String>())
    }

    /// Is it a table of text, which has flags of its own?
    pub(super) fn is_csv(&self) -> bool {
        matches!(self, Self::Csv { .. })
    }
}

/// Characters of a file's name that a provenance keeps.
const LONGEST_NAME: usize = 64;

/// The files of one part of MNIST: images and labels. `parts` are the beginnings of their names. Fails when the folder has none of the
/// usual names.
pub(super) fn mnist_files(folder: &Path, parts: &[&str]) -> Result<(PathBuf, PathBuf), Error> {
    let find = |what: &str, dimensions: u8| {
        let names = parts.iter().flat_map(|part| {
            ['-', '.'].into_iter().flat_map(move |dot| {
                ["", ".gz"].into_iter().map(move |end| format!("{part}-{what}{dot}idx{dimensions}-ubyte{end}"))
            })
        });
        names.map(|name| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| {
            let (folder, part) = (folder.display().to_string(), parts[0]);
            let problem = if Path::new(&folder).is_dir() { "has no file" } else { "is no folder with a file" };
            Error::data(
                &folder,
                format!("{problem} {part}-{what}-idx{dimensions}-ubyte or {part}-{what}-idx{dimensions}-ubyte.gz"),
            )
        })
    };
    Ok((find("images", 3)?, find("labels", 1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_what_help_says() {
        let parse = |text| Spec::parse("--data", text).expect(text);
        assert_eq!(parse("digits"), Spec::Digits);
        assert_eq!(parse("mnist:a/b,c"), Spec::Mnist { folder: "a/b,c".into() });
        assert_eq!(parse("idx:i,l"), Spec::Idx { images: "i".into(), labels: Some("l".into()) });
        assert_eq!(parse("csv:C:\\x.csv"), Spec::Csv { file: "C:\\x.csv".into() });
        assert_eq!(parse("npy:x"), Spec::Npy { file: "x".into(), labels: None });
        let npz = Spec::Npz { file: "x".into(), inputs: Some("a".into()), labels: Some("b".into()) };
        assert_eq!(parse("npz:x,a,b"), npz);
        for text in ["", "letters", "csv", "csv:", "idx:a,b,c", "npz:a,b,c,d", "xls:a"] {
            let error = Spec::parse("--test", text).expect_err(text);
            assert!(matches!(error, Error::Flag { flag: "--test", .. }), "{error}");
        }
        assert_eq!(parse("csv:some/folder/train.csv").name(), "csv:train.csv");
    }
}
