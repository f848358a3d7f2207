//! Public data sets from their mirrors: resumed, checked, and there whole or not at all.

use crate::Error;
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::Agent;

/// A public data set.
#[derive(Debug)]
pub struct PublicSet {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Its licence.
    pub licence: &'static str,
    /// Folders on the net that have its files, in the order that they are asked.
    pub mirrors: &'static [&'static str],
    /// Its files.
    pub files: &'static [PublicFile],
}

/// A file of a public data set.
#[derive(Debug)]
pub struct PublicFile {
    /// Its name.
    pub name: &'static str,
    /// SHA-256 that it must have.
    pub checksum: Checksum,
}

/// A pinned SHA-256, in hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub enum Checksum {
    /// Of the content: packed files of mirrors differ.
    Unpacked(&'static str),
    /// Of the packed file.
    Packed(&'static str),
}

/// The sets that can be fetched.
///
/// MNIST's checksums are of the four files whose MD5s are those of the original distribution. Fashion-MNIST's are those that TensorFlow
/// Datasets publishes for the files of the original distribution, whose own README states their MD5s.
pub const SETS: [PublicSet; 2] = [
    PublicSet {
        name: "mnist",
        about: "MNIST: 60,000 + 10,000 handwritten digits of 28 × 28 pixels (LeCun, Cortes, Burges)",
        licence: "CC BY-SA 3.0",
        mirrors: &[
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ],
        files: &[
            PublicFile {
                name: "train-images-idx3-ubyte.gz",
                checksum: Checksum::Unpacked("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
            },
            PublicFile {
                name: "train-labels-idx1-ubyte.gz",
                checksum: Checksum::Unpacked("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
            },
            PublicFile {
                name: "t10k-images-idx3-ubyte.gz",
                checksum: Checksum::Unpacked("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
            },
            PublicFile {
                name: "t10k-labels-idx1-ubyte.gz",
                checksum: Checksum::Unpacked("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
            },
        ],
    },
    PublicSet {
        name: "fashion-mnist",
        about: "Fashion-MNIST: 60,000 + 10,000 pictures of clothes of 28 × 28 pixels (Zalando)",
        licence: "MIT",
        mirrors: &[
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        ],
        files: &[
            PublicFile {
                name: "train-images-idx3-ubyte.gz",
                checksum: Checksum::Packed("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            },
            PublicFile {
                name: "train-labels-idx1-ubyte.gz",
                checksum: Checksum::Packed("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            },
            PublicFile {
                name: "t10k-images-idx3-ubyte.gz",
                checksum: Checksum::Packed("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
            },
            PublicFile {
                name: "t10k-labels-idx1-ubyte.gz",
                checksum: Checksum::Packed("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
            },
        ],
    },
];

/// What happens while files are fetched.
pub enum Event<'a> {
    /// A try begins, with this many bytes there from an earlier one.
    Start {
        /// Where from.
        url: &'a str,
        /// Bytes that are there.
        have: u64,
        /// Bytes of the whole file, where the mirror says.
        whole: Option<u64>,
    },
    /// So many bytes of the file are there.
    Have(u64),
    /// A try failed; others may follow.
    Failed(&'a str),
}

/// How a file came to be there.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Fetched {
    /// Which file.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Where it is from; none when it was there, whole and right.
    pub url: Option<String>,
}

/// Tries of one mirror: a connection that is cut is taken up where it ended.
const TRIES: usize = 4;
const CONNECT: Duration = Duration::from_secs(15);
/// Longest wait for bytes that do not come.
const STALL: Duration = Duration::from_secs(30);

/// Fetches the files of `set` that are not yet in `folder`, from `mirrors`. Fails, when no mirror gave a file whose checksum is right, with
/// what each said and how to do it by hand.
pub fn fetch(
    set: &PublicSet,
    folder: &Path,
    mirrors: &[String],
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Fetched>, Error> {
    fs::create_dir_all(folder).map_err(Error::file(folder, "create the folder"))?;
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(STALL))
        .timeout_per_read(Some(STALL))
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    let agent: Agent = config.build().into();
    set.files.iter().map(|file| fetch_file(&agent, set, file, folder, mirrors, watch)).collect()
}

fn fetch_file(
    agent: &Agent,
    set: &PublicSet,
    file: &PublicFile,
    folder: &Path,
    mirrors: &[String],
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Fetched, Error> {
    let path = folder.join(file.name);
    let part = folder.join(format!("{}.part", file.name));
    if path.is_file() && check(&path, file.checksum).is_ok() {
        return Ok(Fetched { bytes: length(&path), path, url: None });
    }
    let mut reasons = Vec::new();
    for mirror in mirrors {
        let url = format!("{}/{}", mirror.trim_end_matches('/'), file.name);
        for _ in 0..TRIES {
            let have = length(&part);
            let failure = match download(agent, &url, &part, watch) {
                Ok(()) => match check(&part, file.checksum) {
                    Ok(()) => {
                        fs::rename(&part, &path).map_err(Error::file(&path, "write the data"))?;
                        return Ok(Fetched { bytes: length(&path), path, url: Some(url) });
                    }
                    Err(reason) => {
                        fs::remove_file(&part).map_err(Error::file(&part, "remove the damaged file"))?;
                        // What was there before may be of another mirror, whose packed file differs.
                        Failure { reason, again: have > 0 }
                    }
                },
                Err(Tried::Disk(error)) => return Err(error),
                Err(Tried::Mirror(failure)) => failure,
            };
            watch(Event::Failed(&failure.reason));
            reasons.push(format!("{url}: {}", failure.reason));
            if !failure.again {
                break;
            }
        }
    }
    Err(Error::data(
        &path.display().to_string(),
        format!("could not be fetched\n  {}\n{}", reasons.join("\n  "), by_hand(set, folder)),
    ))
}

/// How a user does without this program's connection.
pub fn by_hand(set: &PublicSet, folder: &Path) -> String {
    let names: Vec<&str> = set.files.iter().map(|file| file.name).collect();
    let folder = folder.display();
    format!(
        "By hand: download {} from {} into the folder {folder}, packed or unpacked, under these names; then give --data mnist:{folder}",
        names.join(", "),
        set.mirrors.join(" or from ")
    )
}

/// Why a try failed.
struct Failure {
    reason: String,
    /// Could the same mirror still give it?
    again: bool,
}

enum Tried {
    Mirror(Failure),
    Disk(Error),
}

/// Gets what is missing of `part`.
fn download(agent: &Agent, url: &str, part: &Path, watch: &mut dyn FnMut(Event<'_>)) -> Result<(), Tried> {
    let mut have = length(part);
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let failed = |again| move |error: ureq::Error| Tried::Mirror(Failure { reason: error.to_string(), again });
    let disk = |error| Tried::Disk(Error::file(part, "write the data")(error));
    let response = request.call().map_err(failed(false))?;
    let status = response.status().as_u16();
    let number = |name: &str, after: char| -> Option<u64> {
        response.headers().get(name)?.to_str().ok()?.rsplit(after).next()?.trim().parse().ok()
    };
    let whole = match status {
        200 => {
            // The mirror does not resume, or there was nothing to resume.
            have = 0;
            number("content-length", ' ')
        }
        206 => number("content-range", '/'),
        416 => {
            // More than the file has, or the whole of it: what is right is found by its checksum.
            let is_whole = number("content-range", '/') == Some(have);
            if !is_whole {
                fs::remove_file(part).map_err(disk)?;
            }
            let reason = "had nothing left to send".to_owned();
            return if is_whole { Ok(()) } else { Err(Tried::Mirror(Failure { reason, again: true })) };
        }
        _ => return Err(Tried::Mirror(Failure { reason: format!("answered {}", response.status()), again: false })),
    };
    watch(Event::Start { url, have, whole });
    let mut file =
        OpenOptions::new().create(true).append(have > 0).write(true).truncate(have == 0).open(part).map_err(disk)?;
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let cut =
            |error: io::Error| Tried::Mirror(Failure { reason: format!("after {have} bytes: {error}"), again: true });
        let read = body.read(&mut buffer).map_err(cut)?;
        if read == 0 {
            break;
        }
        file.write_all(&buffer[..read]).map_err(disk)?;
        have += read as u64;
        watch(Event::Have(have));
    }
    file.sync_all().map_err(disk)?;
    match whole {
        Some(whole) if whole != have => {
            Err(Tried::Mirror(Failure { reason: format!("sent {have} of {whole} bytes"), again: true }))
        }
        _ => Ok(()),
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Fails, in words, when the file is not what its checksum says.
fn check(path: &Path, checksum: Checksum) -> Result<(), String> {
    let unreadable = |error: io::Error| format!("what came is damaged: {error}");
    let file = BufReader::new(File::open(path).map_err(unreadable)?);
    let (found, expected) = match checksum {
        Checksum::Packed(expected) => (sha256(file), expected),
        Checksum::Unpacked(expected) => (sha256(MultiGzDecoder::new(file)), expected),
    };
    let found = found.map_err(unreadable)?;
    if found == expected { Ok(()) } else { Err(format!("what came has SHA-256 {found}, not {expected}")) }
}

fn sha256(mut bytes: impl Read) -> io::Result<String> {
    let mut digest = Sha256::new();
    io::copy(&mut bytes, &mut digest)?;
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
