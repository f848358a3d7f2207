//! Bytes as a stream, and as a message.

use crate::frame::{self, REQUEST, RESPONSE};
use ebm_core::wire::{self, Deframer, Frame, FrameError, Request, Values};

/// Shortest buffer: the frame that has to come through fits it.
const MIN_ROOM: usize = 16;

/// Reads the bytes as a stream, in pieces and into a buffer of lengths that the first two bytes choose: whatever comes out, the next good frame is
/// read. Then as a message in a frame with a right checksum: what is read is written and read again as the same.
///
/// # Panics
/// When something does not hold.
pub fn wire(bytes: &[u8]) {
    let [room, piece, bytes @ ..] = bytes else { return };
    stream(MIN_ROOM + usize::from(*room), 1 + usize::from(*piece), bytes);
    message(bytes);
}

fn stream(room: usize, piece: usize, bytes: &[u8]) {
    let mut buffer = vec![0; room];
    let mut deframer = Deframer::new(&mut buffer);
    let mut found = 0;
    for mut piece in bytes.chunks(piece) {
        while let Some(frame) = deframer.feed(&mut piece) {
            found += 1;
            if let Ok(frame) = frame {
                check(&frame, room);
            }
        }
        assert!(piece.is_empty());
    }
    assert!(found <= bytes.len());

    let request = Request::Infer { input: Values::Integer(&[0, 1, 128]), free_energy: true };
    let mut out = [0; 64];
    let mut good = wire::encode_request(7, &request, &mut out).expect("room enough");
    // What was cut off is an error first.
    let mut last = None;
    while let Some(frame) = deframer.feed(&mut good) {
        last = Some(frame.and_then(|frame| frame.request().map(|request| format!("{request:?}"))));
    }
    assert_eq!(last, Some(Ok(format!("{request:?}"))));
}

fn message(bytes: &[u8]) {
    for kind in [REQUEST, RESPONSE] {
        let stream = frame::assembled(wire::VERSION, kind, 1, bytes);
        let mut buffer = vec![0; stream.len()];
        let mut deframer = Deframer::new(&mut buffer);
        let frame = deframer.feed(&mut stream.as_slice()).expect("a frame").expect("a good one");
        check(&frame, stream.len());
    }
}

/// What is read of a frame of at most `room` bytes is read of it again, once it is written.
fn check(frame: &Frame<'_>, room: usize) {
    match again(frame, room) {
        Ok((first, second)) => assert_eq!(first, second),
        Err(error) => assert!(matches!(error, FrameError::Message | FrameError::Direction)),
    }
}

fn again(frame: &Frame<'_>, room: usize) -> Result<(String, String), FrameError> {
    // A message is written in no more bytes than it was read from: a varint may have been longer than it had to be.
    let mut out = vec![0; wire::frame_len(room)];
    let (first, mut written) = match frame.request() {
        Ok(request) => {
            (format!("{request:?}"), wire::encode_request(frame.tag(), &request, &mut out).expect("room enough"))
        }
        Err(FrameError::Direction) => {
            let response = frame.response()?;
            (format!("{response:?}"), wire::encode_response(frame.tag(), &response, &mut out).expect("room enough"))
        }
        Err(error) => return Err(error),
    };
    let mut buffer = vec![0; written.len()];
    let mut deframer = Deframer::new(&mut buffer);
    let frame = deframer.feed(&mut written).expect("a frame").expect("a good one");
    let second = match frame.request() {
        Ok(request) => format!("{request:?}"),
        Err(_) => format!("{:?}", frame.response()?),
    };
    Ok((first, second))
}
