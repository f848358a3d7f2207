//! [`Link`]: bytes to a device and from it, over a serial port, TCP, or the pipes of an emulator that it starts.

use crate::Error;
use std::env;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// Where a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At a serial port, at so many bits a second.
    Port(String, u32),
    /// At a TCP address.
    Tcp(String),
    /// In QEMU, as this board, with this model in flash: built and started here.
    Qemu(String, PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port, _) => f.write_str(port),
            Self::Tcp(address) => f.write_str(address),
            Self::Qemu(board, _) => write!(f, "QEMU's {board}"),
        }
    }
}

/// A line to a device; dropping it ends an emulator that it started.
pub struct Link {
    place: Place,
    /// `None` once the line is closed.
    writer: Option<Box<dyn Write + Send>>,
    received: Receiver<io::Result<Vec<u8>>>,
    emulator: Option<Child>,
}

/// How long a serial port waits before it says that nothing came.
const PORT_PATIENCE: Duration = Duration::from_millis(100);

impl Link {
    /// Opens the line. Fails, naming the port, address or board, when there is none.
    pub fn open(place: Place) -> Result<Self, Error> {
        let failed = |problem: String, help| Error::Device { place: place.to_string(), problem, help };
        match &place {
            Place::Port(port, baud) => {
                let opened = serialport::new(port, *baud).timeout(PORT_PATIENCE).open();
                let help = "is the board connected, is this its port, and may you use it?";
                let reader = opened.map_err(|error| failed(format!("cannot open: {error}"), help))?;
                let writer = reader.try_clone().map_err(|error| failed(format!("cannot write: {error}"), help))?;
                Ok(Self::over(place, reader, writer, None))
            }
            Place::Tcp(address) => {
                let help = "HOST:PORT of what serves a device's line, such as `cargo xtask serve BOARD --tcp PORT`";
                let opened = TcpStream::connect(address).and_then(|stream| {
                    stream.set_nodelay(true)?;
                    Ok((stream.try_clone()?, stream))
                });
                let (reader, writer) = opened.map_err(|error| failed(format!("cannot connect: {error}"), help))?;
                Ok(Self::over(place, reader, writer, None))
            }
            Place::Qemu(board, model) => {
                let help = "it is built and started by `cargo xtask serve` of a checkout of this project: start from a folder in it";
                let root =
                    checkout().ok_or_else(|| failed("no checkout around the current folder".to_owned(), help))?;
                let model = std::path::absolute(model).map_err(Error::file(model, "find"))?;
                let mut command = Command::new("cargo");
                command.current_dir(root).args(["xtask", "serve", board, "--model"]).arg(model);
                let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
                let mut emulator = started.map_err(|error| failed(format!("cannot start cargo: {error}"), help))?;
                let (Some(writer), Some(reader)) = (emulator.stdin.take(), emulator.stdout.take()) else {
                    return Err(failed("its pipes are missing".to_owned(), help));
                };
                Ok(Self::over(place, reader, writer, Some(emulator)))
            }
        }
    }

    /// A line of two streams. A thread reads, so that waiting has an end whatever the stream.
    pub fn over(
        place: Place,
        mut reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        emulator: Option<Child>,
    ) -> Self {
        let (send, received) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = match reader.read(&mut buffer) {
                    // Nothing came in a serial port's time; or a signal did.
                    Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {
                        continue;
                    }
                    Ok(count) => Ok(buffer.get(..count).unwrap_or_default().to_vec()),
                    Err(error) => Err(error),
                };
                let is_last = !matches!(&read, Ok(bytes) if !bytes.is_empty());
                if send.send(read).is_err() || is_last {
                    return;
                }
            }
        });
        Self { place, writer: Some(Box::new(writer)), received, emulator }
    }

    /// Where the device is.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Sends bytes. Fails when the line is closed.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let sent = self.writer.as_mut().map_or(Ok(()), |writer| writer.write_all(bytes).and_then(|()| writer.flush()));
        sent.map_err(|error| self.lost(&error.to_string()))
    }

    /// Waits for the next bytes; `None` when none came in time. Fails when the line is closed.
    pub fn receive(&mut self, patience: Duration) -> Result<Option<Vec<u8>>, Error> {
        match self.received.recv_timeout(patience) {
            Ok(Ok(bytes)) if bytes.is_empty() => Err(self.lost("it ended")),
            Ok(Ok(bytes)) => Ok(Some(bytes)),
            Ok(Err(error)) => Err(self.lost(&error.to_string())),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.lost("it ended")),
        }
    }

    fn lost(&self, reason: &str) -> Error {
        let help = match self.place {
            Place::Qemu(..) => "what it said is above",
            Place::Port(..) | Place::Tcp(_) => "is the device still there?",
        };
        Error::Device { place: self.place.to_string(), problem: format!("the line is lost: {reason}"), help }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The emulator ends with its input.
        self.writer = None;
        if let Some(emulator) = &mut self.emulator {
            let _ = emulator.wait();
        }
    }
}

/// The checkout that the current folder lies in.
fn checkout() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    let is_root = |folder: &&Path| folder.join("ebm-firmware").join("boards").is_dir();
    here.ancestors().find(is_root).map(Path::to_path_buf)
}
