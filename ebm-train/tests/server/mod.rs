//! A server of a few files on this machine, which can fail as servers do.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How a request is answered.
#[derive(Clone)]
pub enum Answer {
    /// With the bytes, or the range of them that is asked for.
    Whole(Vec<u8>),
    /// With the bytes, of which the connection breaks after so many.
    Cut(Vec<u8>, usize),
    /// With the whole of the bytes, whatever range is asked for.
    NoRange(Vec<u8>),
    /// That there is no such file.
    Missing,
}

/// Answers requests one after the other; the last answer is given again and again.
pub struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let answer = &answers[number.min(answers.len() - 1)];
                // A client that goes away is the client's affair.
                let _ = stream.and_then(|stream| respond(stream, answer, &seen));
            }
        });
        Self { port, requests }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/folder", self.port)
    }

    /// The requests so far: path and range.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no thread panicked").clone()
    }
}

fn respond(mut stream: TcpStream, answer: &Answer, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut range = None;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(from) = line.strip_prefix("range: bytes=") {
            range = from.trim_end_matches('-').parse::<usize>().ok();
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let asked = range.map_or_else(|| path.clone(), |from| format!("{path} from {from}"));
    seen.lock().expect("no thread panicked").push(asked);
    let (bytes, end, range) = match answer {
        Answer::Missing => {
            return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Answer::Whole(bytes) => (bytes, bytes.len(), range),
        Answer::Cut(bytes, end) => (bytes, *end, range),
        Answer::NoRange(bytes) => (bytes, bytes.len(), None),
    };
    let whole = bytes.len();
    match range {
        Some(from) if from >= whole => {
            let head = format!(
                "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{whole}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes())
        }
        Some(from) => {
            let head = format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{whole}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                whole - 1,
                whole - from
            );
            stream.write_all(head.as_bytes())?;
            stream.write_all(&bytes[from..end.max(from)])
        }
        None => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {whole}\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes())?;
            stream.write_all(&bytes[..end])
        }
    }
}
