//! Static memory that a program takes for good: [`StaticCell`].

use core::cell::UnsafeCell;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// A value in a static, which one caller gets: so the linker counts what a program works in, and a value of zeros takes no flash.
pub struct StaticCell<T> {
    /// A local of the caller who came last.
    last: AtomicPtr<u8>,
    is_closed: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value goes to one caller, who may be of another thread.
unsafe impl<T: Send> Sync for StaticCell<T> {}

impl<T> StaticCell<T> {
    /// A cell that nobody has taken from.
    pub const fn new(value: T) -> Self {
        Self { last: AtomicPtr::new(ptr::null_mut()), is_closed: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// The value; `None` when it was taken before. Of callers who come at the same time, one gets it or none.
    ///
    /// Moir & Anderson's splitter (1995, "Wait-free algorithms for fast, long-lived renaming"): a Cortex-M0 has no atomic operations but loads and
    /// stores, and no more is needed here.
    #[expect(clippy::mut_from_ref, reason = "it is given out once")]
    pub fn take(&'static self) -> Option<&'static mut T> {
        // Tells callers apart: of those who are here at the same time, an interrupt and what it interrupts among them, each has its own.
        let mut local = 0;
        let me = &raw mut local;
        self.last.store(me, Ordering::SeqCst);
        if self.is_closed.load(Ordering::SeqCst) {
            return None;
        }
        self.is_closed.store(true, Ordering::SeqCst);
        let is_mine = self.last.load(Ordering::SeqCst) == me;
        // SAFETY: of all who found it open, and so had all come before one of them closed it, only who came last finds itself here.
        is_mine.then(|| unsafe { &mut *self.value.get() })
    }
}
