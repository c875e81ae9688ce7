//! A server of somebody else: what hum calls. It verifies nothing and writes down who came when.

use std::{
    collections::{HashMap, HashSet},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::{http, texts};

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// 204.
    Well,
    /// 500 to every tenth request, 204 to the others.
    FailOneInTen,
    /// Never.
    Hang,
}

/// Listens on loopback until it is dropped.
pub struct Endpoint {
    pub address: SocketAddr,
    visits: Arc<Mutex<Visits>>,
    _stop: oneshot::Sender<()>,
}

#[derive(Default)]
struct Visits {
    requests: u64,
    /// Each `webhook-id` once; a request without one counts as its own.
    ids: HashSet<Box<str>>,
    /// When each of them came first.
    firsts: Vec<Instant>,
    /// When each text's event came first, by the text's number.
    texts: HashMap<usize, Instant>,
}

impl Endpoint {
    pub fn start(manner: Manner) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let visits = Arc::<Mutex<Visits>>::default();
        let noted = Arc::clone(&visits);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::spawn(move || {
            runtime.block_on(async {
                let serving = async {
                    let listener = TcpListener::from_std(listener)?;
                    loop {
                        let (stream, _) = listener.accept().await?;
                        tokio::spawn(connection(stream, manner, Arc::clone(&noted)));
                    }
                };
                tokio::select! {
                    result = serving => { let _: io::Result<()> = result; }
                    _ = stopped => {}
                }
            });
        });
        Ok(Self {
            address,
            visits,
            _stop: stop,
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// All requests, repeated ones too.
    pub fn requests(&self) -> u64 {
        locked(&self.visits).requests
    }

    /// How many different ones came.
    pub fn distinct(&self) -> usize {
        locked(&self.visits).firsts.len()
    }

    /// When the `count`th different one came; `None` when it did not within `patience`.
    pub fn wait_for(&self, count: usize, patience: Duration) -> Option<Instant> {
        let deadline = Instant::now() + patience;
        loop {
            let at = locked(&self.visits).firsts.get(count.max(1) - 1).copied();
            if at.is_some() || Instant::now() > deadline {
                return at;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// When the event of each text came first, by the text's number.
    pub fn texts(&self) -> HashMap<usize, Instant> {
        locked(&self.visits).texts.clone()
    }
}

fn locked(visits: &Mutex<Visits>) -> MutexGuard<'_, Visits> {
    visits.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Until the other end hangs up.
async fn connection(
    mut stream: TcpStream,
    manner: Manner,
    visits: Arc<Mutex<Visits>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4 * 1024);
    while let Some(http::Message { head, body }) =
        http::Message::read(&mut stream, &mut buffer).await?
    {
        let number = note(&visits, http::text(&buffer[head])?, &buffer[body]);
        let answer: &[u8] = match manner {
            Manner::FailOneInTen if number.is_multiple_of(10) => {
                b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"
            }
            Manner::Well | Manner::FailOneInTen => b"HTTP/1.1 204 No Content\r\n\r\n",
            Manner::Hang => {
                while stream.read_buf(&mut buffer).await? > 0 {}
                return Ok(());
            }
        };
        stream.write_all(answer).await?;
    }
    Ok(())
}

/// Writes a request down; answers its number, from 1.
fn note(visits: &Mutex<Visits>, head: &str, body: &[u8]) -> u64 {
    let at = Instant::now();
    let text = texts::number_in(body);
    let mut visits = locked(visits);
    visits.requests += 1;
    let number = visits.requests;
    let id = http::header(head, "webhook-id")
        .map_or_else(|| format!("request {number}").into(), Box::from);
    if visits.ids.insert(id) {
        visits.firsts.push(at);
        if let Some(text) = text {
            visits.texts.insert(text, at);
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net,
    };

    use super::*;

    /// Sends it and reads the first line of the answer.
    fn post(stream: &mut net::TcpStream, id: &str) -> String {
        let request =
            format!("POST / HTTP/1.1\r\nwebhook-id: {id}\r\ncontent-length: 2\r\n\r\n{{}}");
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = [0; 256];
        let length = stream.read(&mut answer).expect("an answer");
        let text = String::from_utf8_lossy(&answer[..length]).into_owned();
        text.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn what_comes_twice_counts_once_and_every_tenth_fails() {
        let endpoint = Endpoint::start(Manner::FailOneInTen).expect("an endpoint");
        let mut stream = net::TcpStream::connect(endpoint.address).expect("a connection");
        let answers: Vec<String> = (0..20)
            .map(|index| post(&mut stream, &format!("evt_{}", index / 2)))
            .collect();
        let failed: Vec<usize> = (0..20)
            .filter(|&index| answers[index].contains("500"))
            .collect();
        assert_eq!(failed, [9, 19]);
        assert_eq!((endpoint.requests(), endpoint.distinct()), (20, 10));
        assert!(endpoint.wait_for(10, Duration::ZERO).is_some());
        assert!(endpoint.wait_for(11, Duration::ZERO).is_none());
    }
}
