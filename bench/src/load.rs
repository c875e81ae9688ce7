//! A keep-alive HTTP/1.1 client that does as little as possible: requests are bytes that were made
//! beforehand.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
};

use crate::latencies::Latencies;

/// Requests, whole, as they go over the wire.
pub type Requests = Arc<Vec<Box<[u8]>>>;

/// A POST as it goes over the wire. `headers` are whole lines, without the last line's end.
pub fn post(path: &str, headers: &str, body: &str) -> Box<[u8]> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: hum.example.com\r\n{headers}\r\ncontent-length: {length}"
    );
    format!("{head}\r\n\r\n{body}")
        .into_bytes()
        .into_boxed_slice()
}

/// Sends each request at most once, over several connections.
pub struct Load {
    runtime: Runtime,
    requests: Requests,
    next: Arc<AtomicUsize>,
    /// The status of an answer that counts as one.
    expected: u16,
}

/// What one window showed.
#[derive(Default)]
pub struct Window {
    pub took: Duration,
    pub latencies: Latencies,
    /// Answers with another status.
    pub refused: u64,
    /// Bytes of all bodies.
    pub bytes: u64,
    /// Bytes of the shortest body.
    pub shortest: Option<usize>,
}

/// An answer.
struct Answer {
    status: u16,
    /// Where its body is in the buffer.
    body: std::ops::Range<usize>,
}

impl Load {
    pub fn new(threads: usize, requests: Requests, expected: u16) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()?;
        Ok(Self {
            runtime,
            requests,
            next: Arc::default(),
            expected,
        })
    }

    /// Whether every request was sent.
    pub fn ran_out(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.requests.len()
    }

    /// Loads `address` for as long as `length`, or until all requests are used up.
    pub fn run(
        &self,
        address: SocketAddr,
        connections: usize,
        length: Duration,
    ) -> io::Result<Window> {
        self.runtime.block_on(async {
            let over = Arc::new(AtomicBool::new(false));
            let began = Instant::now();
            let tasks: Vec<_> = (0..connections)
                .map(|_| {
                    let (requests, next, over) =
                        (self.requests.clone(), self.next.clone(), over.clone());
                    let expected = self.expected;
                    tokio::spawn(async move {
                        one_connection(address, &requests, &next, &over, expected).await
                    })
                })
                .collect();
            let timer = tokio::spawn(async move {
                tokio::time::sleep(length).await;
                over.store(true, Ordering::Relaxed);
            });
            let mut window = Window::default();
            for task in tasks {
                window.add(&task.await.map_err(io::Error::other)??);
            }
            window.took = began.elapsed();
            timer.abort();
            Ok(window)
        })
    }

    /// Sends the next few requests, one after the other: status and body of each.
    pub fn sample(&self, address: SocketAddr, count: usize) -> io::Result<Vec<(u16, Vec<u8>)>> {
        self.runtime.block_on(async {
            let mut stream = TcpStream::connect(address).await?;
            let mut buffer = Vec::new();
            let mut answers = Vec::new();
            for _ in 0..count {
                let Some(request) = self.requests.get(self.next.fetch_add(1, Ordering::Relaxed))
                else {
                    break;
                };
                stream.write_all(request).await?;
                let Answer { status, body } = answer(&mut stream, &mut buffer).await?;
                answers.push((status, buffer[body].to_vec()));
            }
            Ok(answers)
        })
    }
}

impl Window {
    fn add(&mut self, other: &Self) {
        self.latencies.add(&other.latencies);
        self.refused += other.refused;
        self.bytes += other.bytes;
        self.shortest = self.shortest.into_iter().chain(other.shortest).min();
    }
}

async fn one_connection(
    address: SocketAddr,
    requests: &[Box<[u8]>],
    next: &AtomicUsize,
    over: &AtomicBool,
    expected: u16,
) -> io::Result<Window> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    let mut window = Window::default();
    while !over.load(Ordering::Relaxed) {
        let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) else {
            break;
        };
        let began = Instant::now();
        stream.write_all(request).await?;
        let answer = answer(&mut stream, &mut buffer).await?;
        window.latencies.record(began.elapsed());
        window.refused += u64::from(answer.status != expected);
        window.bytes += answer.body.len() as u64;
        window.shortest = window.shortest.into_iter().chain([answer.body.len()]).min();
    }
    Ok(window)
}

/// Reads one answer that has a `content-length`.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Answer> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(head) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            continue;
        };
        let text = std::str::from_utf8(&buffer[..head]).map_err(io::Error::other)?;
        let status = text
            .get(9..12)
            .and_then(|code| code.parse().ok())
            .ok_or(io::ErrorKind::InvalidData)?;
        let length: usize = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(Ok(0), |(_, value)| value.trim().parse())
            .map_err(io::Error::other)?;
        let end = head + 4 + length;
        // What is missing arrives in as few reads as it can.
        buffer.reserve(end.saturating_sub(buffer.len()));
        while buffer.len() < end {
            if stream.read_buf(buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        return Ok(Answer {
            status,
            body: head + 4..end,
        });
    }
}
