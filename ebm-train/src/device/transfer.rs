//! [`pull`] and [`push`]: a model's file from the device, and to it.

use super::client::{Client, Unexpected, unexpected};
use crate::Error;
use crate::export::ModelFile;
use ebm_core::format::crc32;
use ebm_core::wire::{self, Answer, Request};

/// Pieces are multiples of this.
const PIECE: usize = 16;

/// The file of the model that answers, with what was learnt in it. Fails when it does not come whole.
pub fn pull(client: &mut Client) -> Result<ModelFile, Error> {
    let identity = client.hello()?;
    let mut file: Vec<u8> = Vec::new();
    while file.len() < identity.model_len as usize {
        let offset = file.len() as u32;
        let request = Request::ReadModel { offset, len: identity.model_len - offset };
        let piece = client.ask(&request, |response| match &response.outcome {
            Ok(Answer::ModelBytes { bytes, .. }) if !bytes.is_empty() => Ok(bytes.to_vec()),
            Ok(Answer::ModelBytes { .. }) => Err(Unexpected::Wrong("the model ends before its length")),
            other => Err(unexpected(other)),
        })?;
        file.extend(piece.map_err(|unexpected| client.failed(unexpected))?);
    }
    let crc = client.hello()?.model_crc;
    if crc32(&file) != crc {
        return Err(client.failed(Unexpected::Wrong("the model changed while it was read, or came damaged")));
    }
    Ok(ModelFile::of_bytes(&file))
}

/// Puts the file's model in the place of the device's; `sent` is called with the bytes that are there. Fails with the device's reason when it refuses,
/// and then its old model goes on answering.
pub fn push(client: &mut Client, file: &ModelFile, mut sent: impl FnMut(usize)) -> Result<(), Error> {
    let identity = client.hello()?;
    let (bytes, crc) = (file.bytes(), crc32(file.bytes()));
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let piece = wire::model_bytes_in(identity.buffer_len as usize) / PIECE * PIECE;
    if piece == 0 {
        return Err(client.failed(Unexpected::Wrong("its buffer takes no piece of a model")));
    }
    let mut ask = |request: &Request<'_>| {
        let outcome = client.ask_once(request, |response| match &response.outcome {
            Ok(Answer::Receiving { .. } | Answer::Replaced { .. }) => Ok(()),
            other => Err(unexpected(other)),
        })?;
        outcome.map_err(|unexpected| client.failed(unexpected))
    };
    ask(&Request::BeginModel { len, crc })?;
    for (index, bytes) in bytes.chunks(piece).enumerate() {
        ask(&Request::WriteModel { offset: (index * piece) as u32, bytes })?;
        sent(index * piece + bytes.len());
    }
    ask(&Request::CommitModel)
}
