//! Running other programs.

use std::env;
use std::ffi::OsStr;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A command in the workspace's root, without what the `cargo run` around this program has set for it,
/// and with the tools that `cargo xtask setup` has unpacked.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    if let Ok(path) = env::join_paths(path()) {
        command.env("PATH", path);
    }
    for (name, _) in env::vars_os() {
        let set_by_cargo = name.to_str().is_some_and(|name| {
            name == "CARGO"
                || name == "OUT_DIR"
                || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
        });
        if set_by_cargo {
            command.env_remove(name);
        }
    }
    command
}

/// The command as one would type it.
pub fn show(command: &Command) -> String {
    let set = command.get_envs().filter(|(name, _)| *name != "PATH");
    let variables = set.filter_map(|(name, value)| {
        let value = quote(&value?.to_string_lossy());
        Some(format!("{}={value}", name.to_string_lossy()))
    });
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    variables.chain(words.map(|word| quote(&word.to_string_lossy()))).collect::<Vec<_>>().join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+:,./@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Runs the command with its output shown; an error unless it succeeds.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", show(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", show(command));
    }
    Ok(())
}

/// What the command prints on stdout; an error unless it succeeds.
pub fn stdout(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{}`", show(command)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", show(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed something that is not UTF-8", show(command)))
}

/// The first line that the command prints, or `None` where it cannot be run or fails.
pub fn probe(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}

/// How a command ended that had a time limit.
pub struct Ended {
    /// What it printed on stdout, whole lines or not.
    pub stdout: String,
    /// `None` where it was stopped at the limit.
    pub status: Option<ExitStatus>,
}

/// Runs the command with no input until it ends or `limit` is over.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<Ended> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", show(command)))?;
    let mut pipe = child.stdout.take().context("no pipe to read from")?;
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).map(|_| bytes)
    });
    let deadline = Instant::now() + limit;
    let mut status = child.try_wait()?;
    while status.is_none() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
        status = child.try_wait()?;
    }
    if status.is_none() {
        child.kill()?;
        child.wait()?;
    }
    let bytes = match reader.join() {
        Ok(bytes) => bytes?,
        Err(_) => bail!("reading from `{}` failed", show(command)),
    };
    Ok(Ended { stdout: String::from_utf8_lossy(&bytes).into_owned(), status })
}

/// The folders where programs are looked for: the tools that were unpacked come last.
pub fn path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.push(workspace::tools().join("usr/bin"));
    folders
}

/// Where a program is.
pub fn find(program: &str) -> Option<PathBuf> {
    let candidates = path().into_iter().map(|folder| folder.join(program));
    candidates.into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_typed() {
        let mut command = Command::new("cargo");
        command.args(["test", "-p", "a b"]).env("FLAGS", "-D it's");
        command.env("PATH", "/long");
        assert_eq!(show(&command), r"FLAGS='-D it'\''s' cargo test -p 'a b'");
    }

    #[cfg(unix)]
    #[test]
    fn a_hang_is_ended_and_its_output_kept() -> Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", "echo here; exec sleep 60"]);
        let ended = run_within(&mut command, Duration::from_millis(500))?;
        assert_eq!(ended.stdout, "here\n");
        assert!(ended.status.is_none());
        Ok(())
    }
}
