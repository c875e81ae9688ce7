//! A keep-alive HTTP/1.1 client that does as little as possible: requests are bytes that were made beforehand.

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

use crate::histogram::Histogram;

/// Sends each request at most once, over several connections.
pub struct Load {
    runtime: Runtime,
    requests: Arc<Vec<Box<[u8]>>>,
    next: Arc<AtomicUsize>,
}

/// What one window showed.
pub struct Window {
    pub took: Duration,
    pub latencies: Histogram,
    /// Answers other than 200.
    pub refused: u64,
}

impl Load {
    pub fn new(threads: usize, requests: Arc<Vec<Box<[u8]>>>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
        Ok(Self { runtime, requests, next: Arc::default() })
    }

    /// How many requests were sent so far.
    pub fn sent(&self) -> usize {
        self.next.load(Ordering::Relaxed).min(self.requests.len())
    }

    /// Loads `address` for as long as `length`, or until all requests are used up.
    pub fn run(&self, address: SocketAddr, connections: usize, length: Duration) -> io::Result<Window> {
        self.runtime.block_on(async {
            let over = Arc::new(AtomicBool::new(false));
            let began = Instant::now();
            let tasks: Vec<_> = (0..connections)
                .map(|_| {
                    let (requests, next, over) = (self.requests.clone(), self.next.clone(), over.clone());
                    tokio::spawn(async move { one_connection(address, &requests, &next, &over).await })
                })
                .collect();
            let timer = tokio::spawn(async move {
                tokio::time::sleep(length).await;
                over.store(true, Ordering::Relaxed);
            });
            let mut window = Window { took: Duration::ZERO, latencies: Histogram::new(), refused: 0 };
            for task in tasks {
                let (latencies, refused) = task.await.map_err(io::Error::other)??;
                window.latencies.add(&latencies);
                window.refused += refused;
            }
            window.took = began.elapsed();
            timer.abort();
            Ok(window)
        })
    }
}

async fn one_connection(
    address: SocketAddr,
    requests: &[Box<[u8]>],
    next: &AtomicUsize,
    over: &AtomicBool,
) -> io::Result<(Histogram, u64)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    let mut latencies = Histogram::new();
    let mut refused = 0;
    while !over.load(Ordering::Relaxed) {
        let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
        let began = Instant::now();
        stream.write_all(request).await?;
        let status = answer(&mut stream, &mut buffer).await?;
        latencies.record(began.elapsed());
        refused += u64::from(status != 200);
    }
    Ok((latencies, refused))
}

/// Reads one answer that has a `content-length`, and its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<u16> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(head) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).map_err(io::Error::other)?;
        let status = text.get(9..12).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let length: usize = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(Ok(0), |(_, value)| value.trim().parse())
            .map_err(io::Error::other)?;
        while buffer.len() < head + 4 + length {
            if stream.read_buf(buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        return Ok(status);
    }
}
