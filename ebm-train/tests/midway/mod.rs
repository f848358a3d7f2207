//! The program, halted in the middle of a file that it reads.

use super::program::{program, text};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process of the program.
pub struct Running {
    child: Child,
    line: String,
}

impl Running {
    /// Starts the program.
    pub fn start(line: &str, folder: &Path) -> Self {
        let mut command = program(line);
        command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: command.spawn().expect("the program starts"), line: line.to_owned() }
    }

    /// Starts the program and halts it while it reads this file, some of which it has read and some not.
    pub fn halted_in(file: &Path, line: &str, folder: &Path) -> Self {
        let length = fs::metadata(file).expect("the file").len();
        let is_midway = |place: Option<u64>| place.is_some_and(|place| 0 < place && place < length);
        for _ in 0..100 {
            let mut running = Self::start(line, folder);
            while running.is_alive() {
                if is_midway(running.place_in(file)) {
                    running.halt();
                    if is_midway(running.place_in(file)) {
                        return running;
                    }
                    running.wake();
                }
            }
            running.child.wait().expect("it ends");
        }
        panic!("{line}: never seen reading {}", file.display());
    }

    /// Waits until `holds`.
    pub fn until(&mut self, mut holds: impl FnMut(&Self) -> bool) {
        let started = Instant::now();
        while !holds(self) {
            assert!(self.is_alive() && started.elapsed() < PATIENCE, "{}: ended, or does not begin", self.line);
            sleep(Duration::from_millis(1));
        }
    }

    /// How far it has read the file, where it has it open.
    pub fn place_in(&self, file: &Path) -> Option<u64> {
        let of_process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let mut open = fs::read_dir(of_process.join("fd")).ok()?.flatten();
        let entry = open.find(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == file))?;
        let text = fs::read_to_string(of_process.join("fdinfo").join(entry.file_name())).ok()?;
        text.lines().next()?.strip_prefix("pos:")?.trim().parse().ok()
    }

    pub fn halt(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn wake(&self) {
        self.signal("-CONT");
    }

    /// Lets it go on to its end.
    pub fn go_on(self) -> Output {
        self.wake();
        self.child.wait_with_output().expect("it ends")
    }

    fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a process of ours").is_none()
    }

    fn signal(&self, name: &str) {
        // One that has ended by now takes no signal.
        let _ = Command::new("kill").args([name, &self.child.id().to_string()]).output().expect("kill is there");
    }
}

/// Asserts that it failed with these words.
pub fn refused(output: &Output, words: &[&str]) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "no `{word}` in: {stderr}");
    }
}
