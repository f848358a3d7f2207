//! [`Team`]: threads that wait for work awake.
//!
//! A minibatch is some twenty operations of tens of microseconds. Threads of a general pool fall asleep between them, and waking one takes as
//! long as the work; so these spin for a while first, and sleep only while a run reads or writes.
//! One of the four places of `unsafe` in this crate: `cpu/mod.rs` names them.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a thread without work stays awake.
const AWAKE: Duration = Duration::from_micros(200);
/// Looks between two at the clock.
const LOOKS: usize = 64;

/// The lowest bits of the state: how many threads are inside the job.
const INSIDE: u64 = 0xFFFF;
/// A thread may enter the job.
const OPEN: u64 = 1 << 16;
/// A bit above: the number of the job.
const JOB: u64 = 1 << 17;

/// The thread that has the team and some others.
pub(super) struct Team {
    shared: Arc<Shared>,
    others: Vec<JoinHandle<()>>,
    /// Held while a job runs: who finds it taken works alone.
    busy: Mutex<()>,
}

struct Shared {
    /// Number of the job, whether it is open, and how many are inside.
    state: AtomicU64,
    /// What the job is; written only while the state is closed and nobody inside.
    work: UnsafeCell<Option<Work>>,
    asleep: AtomicUsize,
    panicked: AtomicBool,
    dismissed: AtomicBool,
}

#[derive(Clone, Copy)]
struct Work(*const (dyn Fn() + Sync));

// SAFETY: the work is `Sync`, and `Team::run` lets it live until nobody is inside.
unsafe impl Send for Work {}
// SAFETY: `work` is written by the one thread that holds `busy`, while the state keeps every other out.
unsafe impl Sync for Shared {}

impl Team {
    /// A team of `threads`, the caller's among them; 0 means one a processor. Fails when the system refuses threads.
    pub(super) fn new(threads: usize) -> io::Result<Self> {
        let threads = if threads == 0 { thread::available_parallelism()?.get() } else { threads };
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            work: UnsafeCell::new(None),
            asleep: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            dismissed: AtomicBool::new(false),
        });
        let mut team = Self { shared, others: Vec::new(), busy: Mutex::new(()) };
        for _ in 1..threads.min(INSIDE as usize) {
            let shared = Arc::clone(&team.shared);
            team.others.push(thread::Builder::new().name("ebm-cpu".to_owned()).spawn(move || shared.serve())?);
        }
        Ok(team)
    }

    /// Number of threads.
    pub(super) fn threads(&self) -> usize {
        self.others.len() + 1
    }

    /// Calls `work` on this thread and on every other that comes before this one is through with it: calls share what there is to do.
    /// A panic in one comes out here. From within such a call, or while another thread has the team, `work` is called on this thread alone.
    pub(super) fn run(&self, work: &(dyn Fn() + Sync)) {
        let _busy = match self.busy.try_lock() {
            Ok(busy) => busy,
            // A panic that came out of here left the team as it was.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return work(),
        };
        // SAFETY: only the lifetime is forgotten, and nobody looks at the work after this function: it ends when nobody is inside.
        let work_of_others =
            Work(unsafe { std::mem::transmute::<*const (dyn Fn() + Sync + '_), *const (dyn Fn() + Sync)>(work) });
        let shared = &*self.shared;
        // SAFETY: the last job was closed and left by all, and `busy` keeps other callers away.
        unsafe { *shared.work.get() = Some(work_of_others) };
        shared.state.fetch_add(JOB | OPEN, Ordering::SeqCst);
        if shared.asleep.load(Ordering::SeqCst) > 0 {
            self.others.iter().for_each(|other| other.thread().unpark());
        }
        let result = catch_unwind(AssertUnwindSafe(work));
        shared.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut looks = 0;
        while shared.state.load(Ordering::Acquire) & INSIDE > 0 {
            looks += 1;
            // Where there are more threads than processors, the one that is waited for needs this one's.
            if looks % LOOKS == 0 { thread::yield_now() } else { std::hint::spin_loop() }
        }
        if let Err(panic) = result {
            resume_unwind(panic);
        }
        assert!(!shared.panicked.swap(false, Ordering::AcqRel), "a thread of the team panicked");
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.dismissed.store(true, Ordering::SeqCst);
        for other in self.others.drain(..) {
            other.thread().unpark();
            // It catches what panics in it.
            let _ = other.join();
        }
    }
}

impl Shared {
    /// What every thread but the caller's does.
    fn serve(&self) {
        let mut last = 0;
        while let Some(state) = self.next(last) {
            last = state / JOB;
            if self.state.compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                // Another came or the job was closed in the meantime: look again.
                last -= 1;
                continue;
            }
            // SAFETY: this thread is inside an open job, so its work was written before and lives until it has left.
            let work = unsafe { (*self.work.get()).map(|Work(work)| &*work) };
            if let Some(work) = work
                && catch_unwind(AssertUnwindSafe(work)).is_err()
            {
                self.panicked.store(true, Ordering::Release);
            }
            self.state.fetch_sub(1, Ordering::Release);
        }
    }

    /// The state when a job later than `last` is open; `None` when the team is dismissed.
    fn next(&self, last: u64) -> Option<u64> {
        let is_new = |state: u64| state & OPEN != 0 && state / JOB != last;
        loop {
            let start = Instant::now();
            while start.elapsed() < AWAKE {
                for _ in 0..LOOKS {
                    let state = self.state.load(Ordering::Acquire);
                    if is_new(state) {
                        return Some(state);
                    }
                    std::hint::spin_loop();
                }
            }
            self.asleep.fetch_add(1, Ordering::SeqCst);
            // A job that was opened before this count was seen wakes nobody: look once more.
            if !is_new(self.state.load(Ordering::SeqCst)) && !self.dismissed.load(Ordering::SeqCst) {
                thread::park();
            }
            self.asleep.fetch_sub(1, Ordering::SeqCst);
            if self.dismissed.load(Ordering::SeqCst) {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Team;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Counts what `run` gets done of `tasks`, each taken once.
    fn done(team: &Team, tasks: usize) -> usize {
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        team.run(&|| {
            while next.fetch_add(1, Ordering::Relaxed) < tasks {
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
        done.into_inner()
    }

    #[test]
    fn a_team_does_all_there_is_to_do_however_often_and_from_wherever_it_is_asked() {
        let team = Team::new(4).expect("threads");
        for round in 0..20_000 {
            assert_eq!(done(&team, round % 13), round % 13);
        }
        std::thread::sleep(super::AWAKE * 10);
        assert_eq!(done(&team, 1000), 1000, "woken");
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..2000).for_each(|_| assert_eq!(done(&team, 5), 5)));
            }
        });
        let inner = AtomicUsize::new(0);
        team.run(&|| {
            inner.fetch_add(done(&team, 7), Ordering::Relaxed);
        });
        assert_eq!(inner.into_inner() % 7, 0, "a call within a call works alone");
    }

    #[test]
    fn a_panic_comes_out_where_the_work_was_given_and_leaves_the_team_whole() {
        let team = Team::new(3).expect("threads");
        for _ in 0..100 {
            let next = AtomicUsize::new(0);
            let work = || assert!(next.fetch_add(1, Ordering::SeqCst) != 0, "the first call panics");
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| team.run(&work))).is_err());
            assert_eq!(done(&team, 50), 50);
        }
    }
}
