//! The model that a program carries in flash.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ebm_core::Model as Parsed;
use ebm_core::format::NumberFormat;

use crate::workspace;

/// The model that a program carries in flash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// The one that the firmware takes by itself.
    Default,
    /// A file, by its absolute path.
    File(PathBuf),
}

impl Model {
    /// The model that the command line asks for. Fails where the file is no model, before anything is built with it.
    pub fn find(file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else {
            return Ok(Self::Default);
        };
        let named = || format!("--model {}", file.display());
        let path = file.canonicalize().with_context(named)?;
        if !path.is_file() {
            bail!("{}: not a file", named());
        }
        read(&path, |_| ()).with_context(named)?;
        Ok(Self::File(path))
    }

    /// Are its numbers f32?
    pub fn is_f32(&self) -> Result<bool> {
        let first = |model: &Parsed<'_>| model.header().layers.first().map(|layer| layer.numbers);
        Ok(read(&self.path(), first)? == Some(NumberFormat::F32))
    }

    /// Bytes that it takes in flash.
    pub fn bytes(&self) -> Result<u64> {
        let path = self.path();
        Ok(fs::metadata(&path).with_context(|| path.display().to_string())?.len())
    }

    /// What tells the output of a program with this model from that with another.
    pub fn suffix(&self) -> String {
        match self {
            Self::Default => String::new(),
            Self::File(path) => {
                path.file_stem().map_or_else(String::new, |stem| format!("-{}", stem.to_string_lossy()))
            }
        }
    }

    /// Is it a user's own, of which nobody knows beforehand what it answers?
    pub fn is_own(&self) -> bool {
        match self {
            Self::Default => false,
            Self::File(path) => !path.starts_with(fixtures()),
        }
    }

    /// What names it on the command line of `cargo xtask qemu`.
    pub fn argument(&self) -> String {
        match self {
            Self::Default => String::new(),
            Self::File(path) => format!(" --model {}", path.display()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Default => fixtures().join("digits-int8.ebm"),
            Self::File(path) => path.clone(),
        }
    }
}

/// The folder of the models that everybody has.
pub fn fixtures() -> PathBuf {
    workspace::root().join("tests/fixtures")
}

/// Reads something of a model file.
fn read<R>(path: &Path, what: impl FnOnce(&Parsed<'_>) -> R) -> Result<R> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    // Words of 16 bytes, because a model is borrowed from where it lies.
    let mut words = vec![0u128; bytes.len().div_ceil(size_of::<u128>())];
    let aligned = &mut bytemuck::cast_slice_mut(&mut words)[..bytes.len()];
    aligned.copy_from_slice(&bytes);
    Ok(what(&Parsed::parse(aligned)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_model_is_of_integers() -> Result<()> {
        assert!(!Model::Default.is_f32()?);
        assert!(Model::File(fixtures().join("digits-f32.ebm")).is_f32()?);
        Ok(())
    }

    #[test]
    fn a_file_that_is_no_model_is_refused_with_its_name() {
        let manifest = workspace::root().join("Cargo.toml");
        let error = Model::find(Some(&manifest)).err().map(|error| format!("{error:#}"));
        assert!(error.is_some_and(|error| error.contains("Cargo.toml")));
    }
}
