//! Servers on a free port of this machine: an ordinary one, and one that misbehaves byte by byte.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    pub fn query(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

type Answer = Arc<dyn Fn(&Seen) -> Response + Send + Sync>;

/// A server that remembers requests and answers each with `answer`.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub async fn start<R: IntoResponse>(
        answer: impl Fn(&Seen) -> R + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let answer: Answer = Arc::new(move |request| answer(request).into_response());
        let router = Router::new()
            .fallback(remember)
            .with_state((seen.clone(), answer));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, seen }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn remember(
    State((seen, answer)): State<(Arc<Mutex<Vec<Seen>>>, Answer)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = Seen {
        method,
        uri,
        headers,
        body: body.to_vec(),
    };
    let response = answer(&request);
    seen.lock().unwrap().push(request);
    response
}

/// JSON with a status.
pub fn json(status: u16, body: serde_json::Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

/// A server that reads whole requests and then writes `script` pieces, or resets the connection.
pub struct Rude {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

/// What a [`Rude`] server does after it has read a request.
#[derive(Debug, Clone)]
pub enum Do {
    /// Writes bytes.
    Write(Vec<u8>),
    /// Writes bytes for ever.
    Repeat(Vec<u8>),
    /// Waits.
    Wait(std::time::Duration),
    /// Answers nothing and never closes.
    Hang,
    /// Closes in an orderly way.
    Close,
    /// Resets the connection (RST).
    Reset,
}

impl Rude {
    /// The n-th request, over all connections, is treated with the n-th script; the last one
    /// repeats.
    pub async fn start(scripts: Vec<Vec<Do>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, requests) =
            (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let server = Self {
            address,
            connections: connections.clone(),
            requests: requests.clone(),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, scripts.clone(), requests.clone()));
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, scripts: Vec<Vec<Do>>, requests: Arc<AtomicUsize>) {
    while read_request(&mut stream).await {
        let number = requests.fetch_add(1, Ordering::SeqCst);
        for step in &scripts[number.min(scripts.len() - 1)] {
            match step {
                Do::Write(bytes) => drop(stream.write_all(bytes).await),
                Do::Repeat(bytes) => while stream.write_all(bytes).await.is_ok() {},
                Do::Wait(duration) => tokio::time::sleep(*duration).await,
                Do::Hang => std::future::pending().await,
                Do::Close => return,
                Do::Reset => {
                    // Without lingering, closing sends a reset.
                    stream.set_zero_linger().unwrap();
                    return;
                }
            }
        }
    }
}

/// Reads one request, head and body; `false` when the client went away before it was whole.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return false,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |value| value.parse().unwrap());
            if body.len() >= length {
                return true;
            }
        }
    }
}
