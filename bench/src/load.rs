//! A keep-alive HTTP/1.1 client that does as little as possible: requests are bytes that were made
//! beforehand.

use std::{
    io,
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt as _, net::TcpStream, runtime::Runtime};

use crate::{http, latencies::Latencies};

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
    /// Requests a second; as many as are answered when it is `None`.
    pace: Option<f64>,
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
    /// Which requests were answered, and when.
    pub answered: Vec<(usize, Instant)>,
}

/// What the connections of one window share.
struct Shared {
    address: SocketAddr,
    requests: Requests,
    next: Arc<AtomicUsize>,
    over: AtomicBool,
    expected: u16,
    pace: Option<Pace>,
}

/// When which request may be sent.
struct Pace {
    began: Instant,
    /// The first request of the window.
    first: usize,
    per_second: f64,
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
            pace: None,
        })
    }

    /// At most so many requests a second.
    pub fn paced(self, per_second: f64) -> Self {
        let pace = Some(per_second);
        Self { pace, ..self }
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
            let began = Instant::now();
            let pace = self.pace.map(|per_second| Pace {
                began,
                first: self.next.load(Ordering::Relaxed),
                per_second,
            });
            let shared = Arc::new(Shared {
                address,
                requests: self.requests.clone(),
                next: self.next.clone(),
                over: AtomicBool::new(false),
                expected: self.expected,
                pace,
            });
            let tasks: Vec<_> = (0..connections)
                .map(|_| {
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move { shared.one_connection().await })
                })
                .collect();
            let timer = tokio::spawn(async move {
                tokio::time::sleep(length).await;
                shared.over.store(true, Ordering::Relaxed);
            });
            let mut window = Window::default();
            for task in tasks {
                window.add(task.await.map_err(io::Error::other)??);
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
                let (status, body) = answer(&mut stream, &mut buffer).await?;
                answers.push((status, buffer[body].to_vec()));
            }
            Ok(answers)
        })
    }
}

impl Window {
    fn add(&mut self, other: Self) {
        self.latencies.add(&other.latencies);
        self.refused += other.refused;
        self.bytes += other.bytes;
        self.shortest = self.shortest.into_iter().chain(other.shortest).min();
        self.answered.extend(other.answered);
    }
}

impl Shared {
    async fn one_connection(&self) -> io::Result<Window> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let mut buffer = Vec::with_capacity(16 * 1024);
        let mut window = Window::default();
        while !self.over.load(Ordering::Relaxed) {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = self.requests.get(index) else {
                break;
            };
            if let Some(pace) = &self.pace {
                pace.wait_for(index).await;
            }
            let began = Instant::now();
            stream.write_all(request).await?;
            let (status, body) = answer(&mut stream, &mut buffer).await?;
            let now = Instant::now();
            window.latencies.record(now - began);
            window.refused += u64::from(status != self.expected);
            window.bytes += body.len() as u64;
            window.shortest = window.shortest.into_iter().chain([body.len()]).min();
            window.answered.push((index, now));
        }
        Ok(window)
    }
}

impl Pace {
    #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
    async fn wait_for(&self, index: usize) {
        let after = (index - self.first) as f64 / self.per_second;
        tokio::time::sleep_until((self.began + Duration::from_secs_f64(after)).into()).await;
    }
}

/// Reads one answer: its status, and where its body is in the buffer.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<(u16, Range<usize>)> {
    let Some(http::Message { head, body }) = http::Message::read(stream, buffer).await? else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let status = http::text(&buffer[head])?
        .get(9..12)
        .and_then(|code| code.parse().ok())
        .ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, body))
}
