use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};

/// A customer's endpoint: a real server on a real port.
pub struct Receiver {
    pub url: String,
    state: Arc<Mutex<Received>>,
}

struct Received {
    status: StatusCode,
    requests: Vec<(HeaderMap, Bytes)>,
}

impl Receiver {
    /// One that answers 200.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(Received {
            status: StatusCode::OK,
            requests: Vec::new(),
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(receive).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// From now on it answers this.
    pub fn answer(&self, status: u16) {
        self.state.lock().unwrap().status = StatusCode::from_u16(status).expect("a status");
    }

    /// What came in so far.
    pub fn requests(&self) -> Vec<(HeaderMap, Bytes)> {
        self.state.lock().unwrap().requests.clone()
    }
}

async fn receive(
    State(state): State<Arc<Mutex<Received>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut received = state.lock().unwrap();
    received.requests.push((headers, body));
    received.status
}
