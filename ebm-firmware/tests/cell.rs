//! A static is lent once, however many ask for it.

use ebm_firmware::board::StaticCell;
use std::sync::Barrier;
use std::thread;

#[test]
fn the_second_to_take_gets_nothing() {
    static CELL: StaticCell<[u32; 2]> = StaticCell::new([1, 2]);
    let taken = CELL.take().expect("nobody has taken it");
    taken[0] = 3;
    assert_eq!(*taken, [3, 2]);
    assert!(CELL.take().is_none());
}

#[test]
fn of_those_who_ask_at_once_one_at_most_gets_it() {
    const ROUNDS: usize = 200;
    const THREADS: usize = 4;
    static CELLS: [StaticCell<u32>; ROUNDS] = [const { StaticCell::new(0) }; ROUNDS];
    for cell in &CELLS {
        let barrier = Barrier::new(THREADS);
        let ask = || {
            barrier.wait();
            cell.take().is_some()
        };
        let got = thread::scope(|scope| {
            let asking: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|one| one.join().expect("it does not panic")).filter(|&got| got).count()
        });
        assert!(got <= 1, "{got}");
        assert!(cell.take().is_none());
    }
}
