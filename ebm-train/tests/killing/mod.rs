//! The program, killed with SIGKILL at a chosen moment, and what it was doing then.

use super::program::program;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a file is called until it is whole.
pub const PARTIAL: &str = ".ebm-partial-";
/// Between two looks at a folder.
const GLANCE: Duration = Duration::from_micros(50);
/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// When the process is killed, counted from its start.
pub enum Moment<'a> {
    /// After so long.
    After(Duration),
    /// After so long, as soon as a file is being written in one of these folders.
    Writing(Duration, &'a [PathBuf]),
}

/// Starts the program and kills it. Where it ended by itself before, how long it took.
pub fn kill(line: &str, folder: &Path, moment: &Moment<'_>) -> Result<(), Duration> {
    let mut command = program(line);
    let started = Instant::now();
    let mut child =
        command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let (after, watched) = match *moment {
        Moment::After(after) => (after, None),
        Moment::Writing(after, folders) => (after, Some(folders)),
    };
    sleep(after.saturating_sub(started.elapsed()));
    if let Some(folders) = watched {
        // The file is there for a millisecond or more, while the disk takes it.
        while !folders.iter().any(|folder| partial(folder).is_some()) && is_alive(&mut child) {
            assert!(started.elapsed() < PATIENCE, "{line}: neither writes nor ends");
            sleep(GLANCE);
        }
    }
    child.kill().expect("a process of ours");
    let status = child.wait().expect("it ends");
    assert!(status.signal() == Some(9) || status.success(), "{line}: {status}");
    if status.signal() == Some(9) { Ok(()) } else { Err(started.elapsed()) }
}

fn is_alive(child: &mut Child) -> bool {
    child.try_wait().expect("a process of ours").is_none()
}

/// The file that a killed process left half written in a folder.
pub fn partial(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    files.into_iter().find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PARTIAL)))
}

/// How often something was seen, by name.
#[derive(Default)]
pub struct Tally(BTreeMap<String, u32>);

impl Tally {
    pub fn count(&mut self, name: &str) {
        *self.0.entry(name.to_owned()).or_default() += 1;
    }

    /// Of all whose names begin so.
    pub fn of_those(&self, start: &str) -> u32 {
        self.0.iter().filter(|(name, _)| name.starts_with(start)).map(|(_, count)| count).sum()
    }

    pub fn total(&self) -> u32 {
        self.0.values().sum()
    }

    /// One line a name.
    pub fn print(&self, title: &str, since: Instant) {
        println!("{title}: {} in {:.1} s", self.total(), since.elapsed().as_secs_f64());
        self.0.iter().for_each(|(name, count)| println!("  {count:4} {name}"));
    }
}
