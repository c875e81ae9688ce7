//! Twilio's REST API as far as hum uses it, with bad days: it counts what it accepts, and then
//! answers late, with a 500, or not at all. News of what it accepted goes to the status callbacks,
//! signed, sometimes never.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hum_adapters::telephony::twilio::signature::{self, Algorithm};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::load::Dice;

pub const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
pub const AUTH_TOKEN: &str = "a token that only the test knows";

/// A carrier that takes texts. Cheap to clone; every clone is the same carrier.
#[derive(Clone)]
pub struct FakeTwilio {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    dice: Dice,
    accepted: Vec<Text>,
    seen: Seen,
    /// No more faults: the end of the test is about what the earlier ones left behind.
    calm: bool,
}

#[derive(Clone)]
struct Text {
    sid: String,
    from: String,
    to: String,
    body: String,
    callback: String,
}

/// How often each thing happened.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub accepted: usize,
    pub late: usize,
    pub hung_up_after_accepting: usize,
    pub error_after_accepting: usize,
    pub error_without_accepting: usize,
    pub busy: usize,
    /// Requests that are being answered.
    pub in_flight: usize,
}

/// What happens to one create request.
enum Fate {
    Accept { after: Duration },
    AcceptAndHangUp,
    AcceptAndFail,
    Fail,
    Busy,
}

impl FakeTwilio {
    pub async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let state = State {
            dice: Dice::new(seed),
            accepted: Vec::new(),
            seen: Seen::default(),
            calm: false,
        };
        let fake = Self {
            address: listener.local_addr().expect("an address"),
            state: Arc::new(Mutex::new(state)),
        };
        let carrier = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let carrier = carrier.clone();
                tokio::spawn(async move { carrier.serve(stream).await });
            }
        });
        fake
    }

    pub fn calm_down(&self) {
        self.state().calm = true;
    }

    pub fn seen(&self) -> Seen {
        self.state().seen.clone()
    }

    /// How often each body was accepted.
    pub fn accepted_bodies(&self) -> BTreeMap<String, usize> {
        let mut bodies = BTreeMap::new();
        for text in &self.state().accepted {
            *bodies.entry(text.body.clone()).or_default() += 1;
        }
        bodies
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests of one connection, until somebody hangs up.
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some((line, body)) = read_request(&mut stream).await? {
            self.state().seen.in_flight += 1;
            let answer = match line.strip_prefix("POST ") {
                Some(_) => self.create(&body).await,
                None => Some((200, self.list(&line))),
            };
            self.state().seen.in_flight -= 1;
            let Some((status, body)) = answer else {
                return Ok(());
            };
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
        }
        Ok(())
    }

    /// `None`: hang up.
    async fn create(&self, form: &[u8]) -> Option<(u16, Value)> {
        let form: BTreeMap<String, String> = form_urlencoded::parse(form).into_owned().collect();
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let fate = self.state().draw_fate();
        let failed = json!({ "code": 20500, "message": "Internal Server Error", "status": 500 });
        match fate {
            Fate::Busy => {
                return Some((
                    429,
                    json!({ "code": 20429, "message": "Too Many Requests", "status": 429 }),
                ));
            }
            Fate::Fail => return Some((500, failed)),
            Fate::Accept { .. } | Fate::AcceptAndHangUp | Fate::AcceptAndFail => {}
        }
        let text = {
            let mut state = self.state();
            let sid = format!("SM{:032x}", state.accepted.len());
            let (from, to, body, callback) = (
                field("From"),
                field("To"),
                field("Body"),
                field("StatusCallback"),
            );
            let text = Text {
                sid,
                from,
                to,
                body,
                callback,
            };
            state.accepted.push(text.clone());
            state.seen.accepted += 1;
            text
        };
        let carrier = self.clone();
        let reported = text.clone();
        tokio::spawn(async move { carrier.report(reported).await });
        match fate {
            Fate::Accept { after } => {
                sleep(after).await;
                let body = json!({ "sid": text.sid, "status": "queued", "num_segments": "1", "error_code": null });
                Some((201, body))
            }
            Fate::AcceptAndFail => Some((500, failed)),
            Fate::AcceptAndHangUp | Fate::Fail | Fate::Busy => None,
        }
    }

    fn list(&self, line: &str) -> Value {
        let query = line
            .split_once('?')
            .and_then(|(_, rest)| rest.split(' ').next())
            .unwrap_or_default();
        let query: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let wanted = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted == value);
        let state = self.state();
        let texts = state
            .accepted
            .iter()
            .filter(|text| wanted("To", &text.to) && wanted("From", &text.from));
        let texts: Vec<Value> = texts
            .map(|text| {
                json!({ "sid": text.sid, "from": text.from, "to": text.to, "body": text.body, "status": "sent",
                    "date_created": "Thu, 01 Jan 1970 00:00:00 +0000" })
            })
            .collect();
        json!({ "messages": texts, "next_page_uri": null })
    }

    /// Tells hum what became of a text, and again while hum is down.
    async fn report(&self, text: Text) {
        if self.state().dice.one_in(8) {
            return;
        }
        let client = reqwest::Client::new();
        for status in ["sent", "delivered"] {
            let wait = self.state().dice.between(20, 300);
            sleep(Duration::from_millis(wait)).await;
            let params: Vec<(String, String)> = [
                ("AccountSid", ACCOUNT_SID),
                ("MessageSid", &text.sid),
                ("MessageStatus", status),
                ("From", &text.from),
                ("To", &text.to),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
            let signature =
                signature::sign(AUTH_TOKEN, &text.callback, &params, Algorithm::HmacSha1);
            for _ in 0..20 {
                let request = client
                    .post(&text.callback)
                    .header("x-twilio-signature", &signature)
                    .form(&params);
                if request
                    .send()
                    .await
                    .is_ok_and(|response| response.status().is_success())
                {
                    break;
                }
                sleep(Duration::from_millis(250)).await;
            }
        }
    }
}

impl State {
    fn draw_fate(&mut self) -> Fate {
        if self.calm {
            return Fate::Accept {
                after: Duration::ZERO,
            };
        }
        match self.dice.between(0, 99) {
            0..=7 => {
                self.seen.hung_up_after_accepting += 1;
                Fate::AcceptAndHangUp
            }
            8..=12 => {
                self.seen.error_after_accepting += 1;
                Fate::AcceptAndFail
            }
            13..=17 => {
                self.seen.error_without_accepting += 1;
                Fate::Fail
            }
            18..=20 => {
                self.seen.busy += 1;
                Fate::Busy
            }
            21..=40 => {
                self.seen.late += 1;
                Fate::Accept {
                    after: Duration::from_millis(self.dice.between(20, 400)),
                }
            }
            _ => Fate::Accept {
                after: Duration::ZERO,
            },
        }
    }
}

/// The request line and the body of one request; `None` when the client hung up.
async fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut first = String::new();
    if stream.read_line(&mut first).await? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some((first, body)))
}
