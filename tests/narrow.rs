//! Programs that read some numbers only: they answer as those that read all, and refuse files of others.

use ebm_core::format::FormatError;
use ebm_core::kernel::integer::Storage;
use ebm_core::{Float, Int8, Integer, Machine, Model, ModelError, Numbers};
use ebm_tests::tiny;

/// Is the file refused for its numbers?
fn is_unread<N: Numbers>(bytes: &[u8]) -> bool {
    matches!(Model::parse_as::<N>(bytes), Err(FormatError::Unread { layer: 0 }))
}

#[test]
fn files_of_other_numbers_are_refused() {
    let (header, layers) = tiny::float();
    let floats = tiny::encoded(&header, &layers);
    assert!(Model::parse_as::<Float>(floats.as_slice()).is_ok());
    assert!(is_unread::<Integer>(floats.as_slice()) && is_unread::<Int8>(floats.as_slice()));
    for storage in [Storage::Int4, Storage::Sign, Storage::Int8Rows] {
        let (header, layers) = tiny::stored(storage);
        let words = tiny::encoded(&header, &layers);
        assert!(Model::parse_as::<Integer>(words.as_slice()).is_ok());
        assert!(is_unread::<Float>(words.as_slice()) && is_unread::<Int8>(words.as_slice()));
    }
}

#[test]
fn bytes_alone_answer_as_any_storage_does() -> Result<(), ModelError> {
    let (header, layers) = tiny::int8();
    let bytes = tiny::encoded(&header, &layers);
    assert!(is_unread::<Float>(bytes.as_slice()));
    let [any, narrow] = [Model::parse(bytes.as_slice())?, Model::parse_as::<Int8>(bytes.as_slice())?];
    for input in [[0, 0, 0], [128, 0, 128], [3, 77, 128]] {
        let (mut work, mut scores) = ([[0; 2]; 2], [[0; 2]; 2]);
        let classes = [
            any.classify::<Integer>(&input, &mut work[0], &mut scores[0])?,
            narrow.classify::<Int8>(&input, &mut work[1], &mut scores[1])?,
        ];
        assert_eq!((classes[0], scores[0]), (classes[1], scores[1]));
        assert_eq!(any.free_energy::<Integer>(&input)?, narrow.free_energy::<Int8>(&input)?);
        let mut visible = [[0; 3]; 2];
        any.machine::<Integer>()?.visible_probs(&work[0], &mut visible[0])?;
        narrow.machine::<Int8>()?.visible_probs(&work[1], &mut visible[1])?;
        assert_eq!(visible[0], visible[1]);
    }
    Ok(())
}
