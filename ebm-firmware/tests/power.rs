//! A model is replaced, and power or line are cut at every byte on the way: a whole model answers afterwards.

mod device;

use device::{Device, question, replacement, responses};
use ebm_core::Integer;
use ebm_core::format::crc32;
use ebm_core::wire::{Answer, Request};
use ebm_tests::tiny::{INT8_FIXTURE, STORED_FIXTURES};

/// Bytes of a piece.
const PIECE: usize = 32;

fn replacing() -> (Device, Vec<u8>, &'static [u8]) {
    let new = STORED_FIXTURES[0].1;
    (Device::with(INT8_FIXTURE), replacement(new, PIECE).concat(), new)
}

/// The bytes of flash that a replacement changes.
fn changes(device: &Device, requests: &[u8]) -> usize {
    let mut device = device.clone();
    let before = device.power;
    device.converse::<Integer>(requests);
    before - device.power
}

#[test]
fn when_the_power_goes_at_any_byte_that_is_written_or_erased_a_whole_model_answers() {
    let (device, requests, new) = replacing();
    let (old_answers, total) = (device.who_answers::<Integer>(), changes(&device, &requests));
    assert!(total > device::SLOT, "erasing and writing: {total} bytes");
    for power in 0..=total {
        let mut device = device.with_power(power);
        device.converse::<Integer>(&requests);
        let answers = device.who_answers::<Integer>();
        let is_new = answers.0 == crc32(new);
        assert!(is_new || answers == old_answers, "power for {power} bytes: {answers:?}");
        // The record's last bytes are those of erased flash: it is whole twelve bytes before the last is written.
        assert_eq!(is_new, power + 12 >= total, "power for {power} of {total} bytes");
    }
}

#[test]
fn after_a_cut_the_same_device_takes_the_model_again() {
    let (device, requests, new) = replacing();
    for power in (0..changes(&device, &requests)).step_by(97) {
        let mut device = device.with_power(power);
        device.converse::<Integer>(&requests);
        device.power = usize::MAX;
        device.converse::<Integer>(&requests);
        assert_eq!(device.who_answers::<Integer>().0, crc32(new), "power for {power} bytes at first");
    }
}

#[test]
fn when_the_line_is_cut_at_any_byte_the_old_model_answers_until_the_new_one_is_whole() {
    let (device, requests, new) = replacing();
    let old = crc32(INT8_FIXTURE);
    for cut in 0..=requests.len() {
        let mut device = device.clone();
        let afterwards = [vec![0], question(7), device::frame(8, &Request::Hello)].concat();
        let input = [&requests[..cut], &afterwards].concat();
        let (mut answered, mut who) = (false, 0);
        responses(&device.converse::<Integer>(&input), |tag, outcome| match (tag, outcome) {
            (7, Ok(Answer::FreeEnergy(_))) => answered = true,
            (8, Ok(Answer::Hello(hello))) => who = hello.model.crc,
            _ => {}
        });
        // The zero after the cut ends the last frame, whose own zero may be missing.
        let expected = if cut + 1 >= requests.len() { crc32(new) } else { old };
        assert!(answered && who == expected, "cut after {cut} of {} bytes", requests.len());
        assert_eq!(device.who_answers::<Integer>().0, expected, "and after a start");
    }
}

#[test]
fn models_replace_one_another_for_ever() {
    let mut device = Device::with(INT8_FIXTURE);
    for turn in 0..10 {
        let (_, model) = STORED_FIXTURES[turn % 3];
        device.converse::<Integer>(&replacement(model, PIECE).concat());
        assert_eq!(device.who_answers::<Integer>().0, crc32(model), "turn {turn}");
    }
}
