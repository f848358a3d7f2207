//! The wire: every message comes through; noise, halves and damage are errors, and the next good frame is read.

use ebm_core::wire::{
    self, Answer, Deframer, Energy, Frame, FrameError, Novelty, Refusal, Request, Response, Score, Values,
};
use ebm_core::{Integer, Model, ModelError, ShapeError};
use ebm_tests::dump::dump;
use ebm_tests::effort::cases;
use ebm_tests::frame::{self, REQUEST, RESPONSE};
use ebm_tests::messages::Pieces;
use ebm_tests::tiny;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const SPECIFICATION: &str = include_str!("../ebm-core/WIRE.md");

/// Room for everything here.
const ROOM: usize = 8192;

/// A frame as it was read, and its message written out.
#[derive(Clone, Debug, PartialEq)]
struct Read {
    tag: u16,
    message: String,
}

impl Read {
    fn new(tag: u16, message: &impl std::fmt::Debug) -> Self {
        Self { tag, message: format!("{message:?}") }
    }

    fn of(frame: &Frame<'_>) -> Result<Self, FrameError> {
        match frame.request() {
            Ok(request) => Ok(Self::new(frame.tag(), &request)),
            Err(FrameError::Direction) => Ok(Self::new(frame.tag(), &frame.response()?)),
            Err(error) => Err(error),
        }
    }
}

/// Everything that a deframer of `room` bytes makes of these pieces of a stream.
fn read_within(room: usize, stream: &[&[u8]]) -> Vec<Result<Read, FrameError>> {
    let mut buffer = vec![0; room];
    let mut deframer = Deframer::new(&mut buffer);
    let mut found = Vec::new();
    for mut bytes in stream.iter().copied() {
        while let Some(frame) = deframer.feed(&mut bytes) {
            found.push(frame.and_then(|frame| Read::of(&frame)));
        }
        assert!(bytes.is_empty());
    }
    found
}

fn read(stream: &[&[u8]]) -> Vec<Result<Read, FrameError>> {
    read_within(ROOM, stream)
}

/// A message's frame, and what is to be read from it.
fn framed_request(tag: u16, request: &Request<'_>) -> (Vec<u8>, Read) {
    let mut out = vec![0xAA; ROOM];
    let frame = wire::encode_request(tag, request, &mut out).expect("room enough");
    (frame.to_vec(), Read::new(tag, request))
}

fn framed_response(tag: u16, response: &Response<'_>) -> (Vec<u8>, Read) {
    let mut out = vec![0xAA; ROOM];
    let frame = wire::encode_response(tag, response, &mut out).expect("room enough");
    (frame.to_vec(), Read::new(tag, response))
}

/// Every message of these pieces in a frame.
fn frames(pieces: &Pieces) -> Vec<(Vec<u8>, Read)> {
    let requests = pieces.requests().iter().zip(1..).map(|(request, tag)| framed_request(tag, request)).collect();
    let requests: Vec<_> = requests;
    let responses = pieces.responses();
    let responses = responses.iter().zip(1000..).map(|(response, tag)| framed_response(tag, response));
    requests.into_iter().chain(responses).collect()
}

/// A frame that must come through whatever was sent before it.
fn good() -> (Vec<u8>, Read) {
    framed_request(4711, &Request::Infer { input: Values::Integer(&[128, 0, 1]), free_energy: true })
}

#[test]
fn every_truncation_is_an_error_and_the_next_frame_is_read() {
    let (next, expected) = good();
    for (frame, whole) in frames(&Pieces::small()) {
        for cut in 0..frame.len() {
            let found = read(&[&frame[..cut], &next]);
            let (last, before) = found.split_last().expect("the good frame at least");
            assert_eq!(last, &Ok(expected.clone()));
            match cut {
                // The zero alone, or nothing.
                0 | 1 => assert_eq!(before, []),
                // The next frame's zero ends this one too.
                _ if cut == frame.len() - 1 => assert_eq!(before, [Ok(whole.clone())]),
                _ => assert!(matches!(before, [Err(error)] if *error != FrameError::Message), "{cut}: {before:?}"),
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error_and_the_next_frame_is_read() {
    let (next, expected) = good();
    for (mut frame, _) in frames(&Pieces::small()) {
        for bit in 0..frame.len() * 8 {
            frame[bit / 8] ^= 1 << (bit % 8);
            let found = read(&[&frame, &next]);
            let (last, before) = found.split_last().expect("the good frame at least");
            assert_eq!(last, &Ok(expected.clone()));
            assert!(!before.is_empty() && before.iter().all(Result::is_err), "bit {bit}: {before:?}");
            frame[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn a_frame_is_read_however_it_is_cut_into_pieces() {
    for (frame, expected) in frames(&Pieces::small()) {
        for cut in 0..=frame.len() {
            let (first, rest) = frame.split_at(cut);
            assert_eq!(read(&[first, rest]), [Ok(expected.clone())]);
        }
        let bytes: Vec<&[u8]> = frame.chunks(1).collect();
        assert_eq!(read(&bytes), [Ok(expected)]);
    }
}

#[test]
fn bytes_one_by_one() {
    let (frame, expected) = good();
    let mut buffer = [0; 64];
    let mut deframer = Deframer::new(&mut buffer);
    let (last, before) = frame.split_last().expect("a frame");
    for &byte in before {
        assert_eq!(deframer.push(byte), None);
    }
    let frame = deframer.push(*last).expect("a frame at its end").expect("a good one");
    assert_eq!(Read::of(&frame), Ok(expected));
}

#[test]
fn nothing_but_zeros_is_silence() {
    assert_eq!(read(&[&[0; 1000]]), []);
}

/// What frames and buffers are stated to need, they need at most; and not much less.
#[test]
fn the_longest_messages_fit_the_stated_lengths() {
    // Bytes that may be stated too many: varints that could have been longer, and COBS where there are zeros.
    const SLACK: usize = 24;
    let least = |message: usize| wire::frame_len(message) - message / 254 - SLACK;
    for (visible, classes, text) in [(0, 0, 0), (1, 2, 3), (64, 10, 60), (254, 3, 127), (784, 10, 100), (1500, 200, 9)]
    {
        for byte in [0x00, 0x01, 0x7F] {
            let pieces = Pieces::longest(visible, classes.max(visible), text, byte);
            let small = Pieces { bytes: vec![byte; visible.min(16)], ..pieces.clone() };
            let message = wire::request_len(visible, wire::LONG_VALUE);
            let requests = small.requests();
            let lengths = requests.iter().map(|request| fits(message, |out| wire::encode_request(7, request, out)));
            let longest = lengths.max().expect("requests");
            assert!(longest > least(message), "{longest} for {visible}");

            let message = wire::response_len(visible, wire::LONG_VALUE, classes.max(visible), text);
            let responses = small.responses();
            let lengths = responses.iter().map(|response| fits(message, |out| wire::encode_response(7, response, out)));
            let longest = lengths.max().expect("responses");
            assert!(longest > least(message), "{longest} for {visible}");
        }
    }
}

/// The length of a frame whose message may have `message` bytes; it is read in a buffer of just the stated length.
fn fits(message: usize, encode: impl Fn(&mut [u8]) -> Result<&[u8], wire::BufferError>) -> usize {
    let mut out = vec![0; wire::frame_len(message)];
    let frame = encode(&mut out).expect("the stated length is enough").to_vec();
    for short in [0, 1, frame.len() / 2, frame.len() - 1] {
        assert_eq!(encode(&mut out[..short]), Err(wire::BufferError { found: short }));
    }
    let found = read_within(wire::body_len(message), &[&frame]);
    assert!(matches!(found.as_slice(), [Ok(_)]), "{found:?}");
    frame.len()
}

#[test]
fn pieces_of_a_model_fill_a_peers_buffer() {
    let model = vec![0x55; 3000];
    for buffer_len in [64, 100, 512, 2048] {
        let bytes = &model[..wire::model_bytes_in(buffer_len)];
        assert!(bytes.len() + 26 > buffer_len);
        let answer = Answer::ModelBytes { offset: u32::MAX, bytes };
        let (response, expected) = framed_response(1, &Response { ticks: u32::MAX, outcome: Ok(answer) });
        assert_eq!(read_within(buffer_len, &[&response]), [Ok(expected)]);
        let (request, expected) = framed_request(1, &Request::WriteModel { offset: u32::MAX, bytes });
        assert_eq!(read_within(buffer_len, &[&request]), [Ok(expected)]);
    }
    assert_eq!(wire::model_bytes_in(3), 0);
}

#[test]
fn oversized_frames_are_one_error_and_the_next_is_read() {
    let (next, expected) = good();
    for room in 15..64 {
        let long = vec![0x55; 200];
        let (frame, _) = framed_request(1, &Request::WriteModel { offset: 0, bytes: &long });
        let found = read_within(room, &[&frame, &next, &frame, &frame, &next]);
        let too_long = Err(FrameError::TooLong { limit: room as u32 });
        let read = Ok(expected.clone());
        assert_eq!(found, [too_long.clone(), read.clone(), too_long.clone(), too_long, read]);
    }
    // A buffer too small for any frame is no reason to panic.
    for room in 0..15 {
        assert!(read_within(room, &[&next, &next]).iter().all(Result::is_err));
    }
}

#[test]
fn other_versions_are_refused_whatever_they_say() {
    let (next, expected) = good();
    for version in (0..=u8::MAX).filter(|&version| version != wire::VERSION) {
        for message in [&b""[..], b"\0", b"something of another time", &[0xFF; 300]] {
            let frame = frame::assembled(version, REQUEST, 5, message);
            let refused = Err(FrameError::Version { expected: wire::VERSION, found: version });
            assert_eq!(read(&[&frame, &next]), [refused, Ok(expected.clone())]);
        }
    }
}

#[test]
fn frames_with_right_checksums_that_hold_no_message() {
    let verdict = |frame: &[u8]| match read(&[frame]).as_slice() {
        [Err(error)] => *error,
        other => panic!("{other:?}"),
    };
    let of = |kind, message: &[u8]| verdict(&frame::assembled(wire::VERSION, kind, 0, message));
    // Nothing, an unknown variant, a varint that does not end, bytes left over, text that is not UTF-8.
    for message in [&[][..], &[10], &[0x80], &[0xFF; 12], &[0, 0], &[9, 9]] {
        assert_eq!(of(REQUEST, message), FrameError::Message);
    }
    // Values: seven bytes are no f32, three bits do not take two bytes, nor five bits none.
    for input in [&[0, 7, 1, 2, 3, 4, 5, 6, 7][..], &[2, 3, 2, 0, 0], &[2, 5, 0]] {
        assert_eq!(of(REQUEST, &[&[2], input].concat()), FrameError::Message);
    }
    // A bool that is none, an option that is none.
    assert_eq!(of(REQUEST, &[1, 1, 1, 64, 2]), FrameError::Message);
    assert_eq!(of(RESPONSE, &[0, 0, 1, 0, 0, 0, 2]), FrameError::Message);
    // A text that is not UTF-8, and more layers than a model has.
    assert_eq!(of(RESPONSE, &[0, 1, 3, 1, 0xFF]), FrameError::Message);
    let hello = |layers: u8| [&[0; 13][..], &[layers], &vec![1; 2 * usize::from(layers)], &[0, 0]].concat();
    assert_eq!(of(RESPONSE, &hello(9)), FrameError::Message);
    assert!(read(&[&frame::assembled(wire::VERSION, RESPONSE, 0, &hello(8))])[0].is_ok());
    // A direction that is none.
    assert_eq!(of(2, &[0]), FrameError::Direction);

    for found in 0..8 {
        let frame = frame::of_body(&vec![1; found as usize]);
        assert_eq!(verdict(&frame), FrameError::TooShort { found });
    }
    assert_eq!(verdict(&frame::of_body(&[1; 8])), FrameError::Crc);
    // COBS that points past the end.
    assert_eq!(verdict(&[0, 9, 1, 1, 0]), FrameError::Framing);
}

#[test]
fn an_echo_is_told_from_an_answer() {
    let mut out = [0; 64];
    let mut buffer = [0; 64];
    let mut deframer = Deframer::new(&mut buffer);
    let mut request = wire::encode_request(3, &Request::Hello, &mut out).expect("room");
    let echo = deframer.feed(&mut request).expect("a frame").expect("a good one");
    assert_eq!(echo.response(), Err(FrameError::Direction));
    assert_eq!((echo.request(), echo.tag()), (Ok(Request::Hello), 3));
}

#[test]
fn lengths_of_this_machine_become_those_of_the_wire() {
    let error = ShapeError { what: "inputs", expected: 784, found: usize::MAX };
    assert_eq!(Refusal::from(error), Refusal::Shape { what: "inputs", expected: 784, found: u32::MAX });
    let long = "a name of more bytes than a message has room for, and not all of them ASCII: …";
    match Refusal::from(ShapeError { what: long, expected: 0, found: 0 }) {
        Refusal::Shape { what, .. } => assert_eq!(what, &long[..wire::MAX_WHAT_LEN]),
        other => panic!("{other:?}"),
    }
    let missing = ModelError::Layer { layer: 0, expected: long };
    assert_eq!(Refusal::from(missing), Refusal::Unsupported { what: &long[..wire::MAX_WHAT_LEN] });
}

#[test]
fn bits_are_eight_a_byte_the_lowest_first() {
    let bits = [true, false, false, true, true, false, false, false, false, true, true];
    let mut bytes = [0; 3];
    let packed = wire::Bits::pack(&bits, &mut bytes).expect("room");
    assert_eq!(packed.iter().collect::<Vec<_>>(), bits);
    assert_eq!(bytes, [0b0001_1001, 0b110, 0]);
    assert!(wire::Bits::pack(&[true; 25], &mut bytes).is_err());
    assert!(wire::Bits::new(9, &bytes).is_err());
    assert!(wire::Bits::new(u32::MAX, &bytes).is_err());
}

#[test]
fn words_are_read_where_they_lie() {
    let floats = [0.5f32, f32::MIN_POSITIVE, -3.0];
    let words = wire::F32s::new(&floats);
    let mut copy = [0.0; 3];
    assert_eq!(words.copy_to(&mut copy), Ok(()));
    assert_eq!(copy, floats);
    let refused = ShapeError { what: "values", expected: 2, found: 3 };
    assert_eq!(words.copy_to(&mut copy[..2]), Err(refused));
}

/// The frames of `WIRE.md`: a conversation with a device that runs the int8 model of `FORMAT.md`.
#[test]
fn the_specification_shows_what_is_sent() {
    let input = [128, 0, 128];
    let infer = Request::Infer { input: Values::Integer(&input), free_energy: true };
    assert_eq!(dump(SPECIFICATION, "hello"), framed_request(1, &Request::Hello).0);
    assert_eq!(dump(SPECIFICATION, "infer"), framed_request(258, &infer).0);

    let [_, file] = tiny::files();
    let model = Model::parse(file.as_slice()).expect("a model");
    let (mut work, mut scores) = ([0; 4], [0; 2]);
    let class = model.classify::<Integer>(&input, &mut work, &mut scores).expect("an answer") as u32;
    let free_energy = model.free_energy::<Integer>(&input).expect("an answer");
    let threshold = model.header().novelty.expect("a threshold").threshold;
    let is_novel = model.is_novel::<Integer>(free_energy).expect("a threshold");
    let novelty = Some(Novelty { is_novel, margin: Score::Integer(free_energy - threshold) });
    let energy = Some(Energy { free_energy: free_energy.into(), novelty });
    let inferred = Answer::Inferred { class, scores: scores.as_slice().into(), energy };
    let response = Response { ticks: 5000, outcome: Ok(inferred) };
    assert_eq!(dump(SPECIFICATION, "inferred"), framed_response(258, &response).0);

    let refused = model.classify::<Integer>(&input[..2], &mut work, &mut scores).expect_err("an input is missing");
    let response = Response { ticks: 0, outcome: Err(refused.into()) };
    assert_eq!(dump(SPECIFICATION, "refused"), framed_response(259, &response).0);
}

/// The same cases in every run; nothing is written beside the tests.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: cases(512),
        rng_seed: RngSeed::Fixed(20_260_403),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn pieces() -> impl Strategy<Value = Pieces> {
    let float = any::<f32>().prop_filter("comparable", |float| !float.is_nan());
    let lists = (
        proptest::collection::vec(float, 0..80),
        proptest::collection::vec(any::<i32>(), 0..80),
        // Long runs without a zero, and runs of zeros.
        proptest::collection::vec(prop_oneof![1..=255u8, Just(0u8), Just(9u8), Just(9u8), Just(9u8)], 0..700),
        proptest::collection::vec(any::<u8>(), 0..80),
    );
    (lists, any::<String>(), any::<[u32; 4]>(), any::<u64>(), 0..=8usize, any::<bool>()).prop_map(
        |((floats, integers, bytes, packed), text, numbers, seed, layers, whole)| Pieces {
            floats,
            integers,
            bytes,
            packed,
            text,
            numbers,
            seed,
            layers,
            whole,
        },
    )
}

/// Noise in which zeros are as frequent as in a binary protocol.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![4 => any::<u8>(), 1 => Just(0u8)], 0..400)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_message_comes_through_as_the_specification_frames_it(pieces in pieces()) {
        for (request, tag) in pieces.requests().iter().zip(0..) {
            let (found, expected) = framed_request(tag, request);
            let mut message = [0; ROOM];
            let message = postcard::to_slice(request, &mut message).expect("room enough");
            prop_assert_eq!(&found, &frame::assembled(wire::VERSION, REQUEST, tag, message));
            prop_assert_eq!(read(&[&found]), [Ok(expected)]);
        }
        for (response, tag) in pieces.responses().iter().zip(u16::MAX - 100..) {
            let (found, expected) = framed_response(tag, response);
            let mut message = [0; ROOM];
            let message = postcard::to_slice(response, &mut message).expect("room enough");
            prop_assert_eq!(&found, &frame::assembled(wire::VERSION, RESPONSE, tag, message));
            prop_assert_eq!(read(&[&found]), [Ok(expected)]);
        }
    }

    #[test]
    fn after_any_noise_the_next_good_frame_is_read(noise in noise(), room in 32..400usize) {
        let (next, expected) = good();
        let found = read_within(room, &[&noise, &next, &noise, &next]);
        let good = found.iter().filter(|frame| frame.is_ok()).count();
        prop_assert_eq!(good, 2);
        prop_assert_eq!(found.last(), Some(&Ok(expected)));
        prop_assert!(found.len() <= 2 * noise.len() + 2);
    }

    #[test]
    fn noise_in_a_frame_with_a_right_checksum_never_panics(kind in 0..3u8, message in noise()) {
        let found = read(&[&frame::assembled(wire::VERSION, kind, 0, &message)]);
        prop_assert_eq!(found.len(), 1);
    }

    #[test]
    fn where_a_stream_is_cut_changes_nothing(noise in noise(), cut in any::<prop::sample::Index>()) {
        let (next, _) = good();
        let stream = [noise.as_slice(), &next, &noise].concat();
        let (first, rest) = stream.split_at(cut.index(stream.len()));
        prop_assert_eq!(read(&[first, rest]), read(&[&stream]));
    }
}
