//! The guarded egress: nothing inside is ever reached, and no answer holds a worker up.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::response::IntoResponse as _;
use hum_adapters::{
    clock::SystemClock,
    egress::{EgressPolicy, GuardedEgress, Lookup},
};
use hum_core::{
    cipher::Secret,
    clock::Clock as _,
    egress::{Egress, EgressError, EgressMethod, EgressRequest},
};

use super::server::{Do, Rude, Server};

/// Answers each lookup with the next list; the last one repeats.
struct Table {
    answers: Vec<Vec<SocketAddr>>,
    asked: AtomicUsize,
    names: Mutex<Vec<String>>,
}

impl Table {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let address = |text: &&str| {
            text.parse()
                .unwrap_or_else(|_| SocketAddr::new(text.parse().unwrap(), 0))
        };
        let answers = answers
            .iter()
            .map(|list| list.iter().map(address).collect())
            .collect();
        Arc::new(Self {
            answers,
            asked: AtomicUsize::new(0),
            names: Mutex::default(),
        })
    }
}

#[async_trait]
impl Lookup for Table {
    async fn lookup(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        self.names.lock().unwrap().push(name.to_owned());
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.answers[number.min(self.answers.len() - 1)].clone())
    }
}

fn request(url: impl Into<String>) -> EgressRequest {
    EgressRequest {
        headers: vec![(
            "content-type".into(),
            Secret::new("application/json".into()),
        )],
        timeout: Duration::from_secs(2),
        stall: Duration::from_secs(2),
        max_response_bytes: 1024,
        ..EgressRequest::post(url, "hum-tests/1.0", b"{}".to_vec())
    }
}

fn closed() -> GuardedEgress {
    GuardedEgress::new(EgressPolicy::default()).unwrap()
}

fn open(allow: &str) -> GuardedEgress {
    GuardedEgress::new(EgressPolicy::parse(allow).unwrap()).unwrap()
}

/// Ways to write an address of this machine or its neighbourhood, and what is no address of a
/// public server.
const REFUSED: &[&str] = &[
    // loopback, in every spelling that the URL standard folds
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/",
    "https://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0177.1/",
    "http://127.0.0.1./",
    "http://127.000.000.001/",
    "http://0x7F.0x0.0x0.0x1/",
    "http://127.255.255.254/",
    "http://%31%32%37.0.0.1/",
    "http://１２７．０．０．１/",
    "http://127。0。0。1/",
    "http://①②⑦.0.0.1/",
    "http://0x7f。1/",
    "http://127.0.0.1%2f/",
    "http://127.0.0.1#@a.example/",
    "http://127.0.0.1?@a.example/",
    "http:127.0.0.1/",
    "http:/127.0.0.1/",
    "http:///127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http://127.0.0.1\\@a.example/",
    // unspecified, private, link-local, shared
    "http://0.0.0.0/",
    "http://0/",
    "http://0.1.2.3/",
    "http://10.0.0.1/",
    "http://10.255.255.255/",
    "http://167772161/",
    "http://012.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://0xc0a80001/",
    "http://3232235521/",
    "http://192.168.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://169.254.170.2/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://100.127.255.255/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://192.0.0.170/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.19.255.255/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://4294967295/",
    // IPv6
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::1]:8080/",
    "http://[::127.0.0.1]/",
    "http://[::7f00:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::FFFF:10.0.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[2001::1]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[2001:db8::1]/",
    "http://[2001:2::1]/",
    "http://[2001:10::1]/",
    "http://[2001:20::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fd12:3456:789a::1]/",
    "http://[fe80::1]/",
    "http://[febf::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[4000::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::1%25lo]/",
    "http://[::1%lo]/",
    "http://[v1.x]/",
    "http://[::1/",
    "http://::1/",
    "http://[]/",
    // names that lead inside
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://localhost../",
    "http://a.localhost/",
    "http://localhost:3000/",
    "http://ｌocalhost/",
    "http://lo%63alhost/",
    "http://localhost.localdomain/",
    "http://localdomain/",
    "http://printer.local/",
    "http://db.internal/",
    "http://metadata.google.internal/",
    "http://METADATA.google.internal/",
    "http://metadata.google.internal./",
    "http://metadata/",
    "http://kubernetes/",
    "http://intranet/",
    "http://router.lan/",
    "http://nas.home/",
    "http://nas.home.arpa/",
    "http://wiki.corp/",
    "http://a.intranet/",
    "http://x.onion/",
    "http://1.0.0.127.in-addr.arpa/",
    "http://a.invalid/",
    "http://a.test/",
    "http://example.com./",
    // not just a host
    "http://user@example.com/",
    "http://user:pw@example.com/",
    "http://:pw@example.com/",
    "http://@example.com/",
    "http://:@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1@example.com/",
    "http://a@b@example.com/",
    "http://example.com%40127.0.0.1/",
    "http://example.com\\@127.0.0.1/",
    // other schemes, and no URL at all
    "",
    " ",
    "example.com",
    "//example.com/",
    "/etc/passwd",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "ws://example.com/",
    "wss://example.com/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "http+unix://x/",
    "dict://127.0.0.1:11211/",
    "ldap://example.com/",
    "jar:http://example.com!/",
    "view-source:http://example.com/",
    "blob:http://example.com/",
    "about:blank",
    "http:",
    "http://",
    "http:///",
    "https://:443/",
    // ports
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:-1/",
    "http://example.com:x/",
    "http://example.com:22/",
    "http://example.com:25/",
    "http://example.com:6379/",
    "https://example.com:5432/",
    "http://example.com:11211/",
    "http://example.com:3306/",
    "http://example.com:2375/",
    "http://8.8.8.8:25/",
    "http://example.com:8０8/x y",
    "http://example.com:80:80/",
    // characters that two readers could read differently
    "http://exa mple.com/",
    "http://example.com/a b",
    "http://example.com/\n",
    "http://example.com\t.evil.example/",
    "http://exam\r\nple.com/",
    "\nhttp://example.com/",
    "http://example.com/\0",
    "http://example.com\u{2028}/",
    "http://a\u{ad}b.example com/",
    "http://exa<mple.com/",
    "http://exa%00mple.com/",
    "http://a^b.example.com/",
    "http://xn--/",
];

const ACCEPTED: &[&str] = &[
    "http://example.com/",
    "https://example.com/",
    "https://example.com",
    "https://EXAMPLE.com/x?y=z#f",
    "https://example.com:8443/hook",
    "http://example.com:80/",
    "https://example.com:443/",
    "https://sub.domain.example.co.uk/a/b",
    "https://bücher.example.com/",
    "https://xn--bcher-kva.example.com/",
    "https://localhost.example.com/",
    "https://notlocalhost.com/",
    "https://127.0.0.1.nip.example.com/",
    "http://8.8.8.8/",
    "http://134744072/",
    "http://0x08080808/",
    "https://1.1.1.1:8443/",
    "http://[2606:4700::1111]/",
    "https://[2001:4860:4860::8888]:8443/",
    "https://example.com/@user",
    "https://example.com/?u=http://127.0.0.1/",
    "https://example.com/%0d%0a",
    "https://my-internal.example.com/",
    "https://internal.example.com/",
    "https://example.com/caf%C3%A9",
    "https://a_b.example.com/",
];

#[test]
fn refuses_addresses_by_their_text() {
    let egress = closed();
    assert!(REFUSED.len() + ACCEPTED.len() >= 150);
    for url in REFUSED {
        assert!(egress.check(url).is_err(), "{url:?}");
    }
    for url in ACCEPTED {
        assert_eq!(egress.check(url), Ok(()), "{url:?}");
    }
    assert!(
        egress
            .check(&format!("https://example.com/{}", "x".repeat(2048)))
            .is_err()
    );
}

/// Every spelling of this machine, sent to a real listener on it.
#[tokio::test]
async fn no_spelling_of_this_machine_connects() {
    let server = Rude::start(vec![vec![Do::Close]]).await;
    let port = server.address.port();
    let egress = closed();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0x7f000001",
        "127.0.0.1.",
        "0.0.0.0",
        "0",
        "localhost",
        "localhost.",
        "LocalHost",
        "a.localhost",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "１２７.0.0.1",
        "127。0。0。1",
        "user@127.0.0.1",
        "example.com@127.0.0.1",
        "localhost.localdomain",
    ] {
        let refused = egress.send(request(format!("http://{host}:{port}/"))).await;
        assert!(
            matches!(refused, Err(EgressError::Refused(_))),
            "{host}: {refused:?}"
        );
    }
    assert_eq!(server.connections(), 0);
}

/// A name of a public look that leads here, alone or among public addresses, whatever the order.
#[tokio::test]
async fn one_address_inside_spoils_the_answer() {
    let server = Rude::start(vec![vec![Do::Close]]).await;
    let port = server.address.port();
    for answer in [
        &["127.0.0.1"][..],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["192.0.2.1", "127.0.0.1"],
        &["127.0.0.1", "8.8.8.8"],
        &["8.8.8.8", "10.0.0.1"],
        &["2606:4700::1111", "fe80::1"],
        &["8.8.8.8", "1.1.1.1", "169.254.169.254"],
        &["64:ff9b::7f00:1"],
        &["0.0.0.0"],
    ] {
        let lookup = Table::new(&[answer]);
        let egress = GuardedEgress::with_lookup(EgressPolicy::default(), lookup.clone()).unwrap();
        let refused = egress
            .send(request(format!("http://rebind.example.com:{port}/")))
            .await;
        assert!(
            matches!(refused, Err(EgressError::Refused(_))),
            "{answer:?}: {refused:?}"
        );
        assert_eq!(*lookup.names.lock().unwrap(), ["rebind.example.com"]);
    }
    assert_eq!(server.connections(), 0);
}

/// A name that answers differently the next time gains nothing: the client connects to what was
/// checked and does not ask twice. (That a change to an address inside is refused, `guard.rs` tests
/// without dialling a public address.)
#[tokio::test]
async fn one_request_is_one_lookup() {
    let server = Rude::start(vec![vec![
        Do::Write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_vec()),
        Do::Close,
    ]])
    .await;
    let port = server.address.port();
    let lookup = Table::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let egress = GuardedEgress::with_lookup(
        EgressPolicy::parse("flip.example.com").unwrap(),
        lookup.clone(),
    )
    .unwrap();
    assert_eq!(
        egress
            .send(request(format!("http://flip.example.com:{port}/")))
            .await
            .map(|answer| answer.status),
        Ok(204)
    );
    assert_eq!(
        (lookup.asked.load(Ordering::SeqCst), server.connections()),
        (1, 1)
    );
}

#[tokio::test]
async fn a_name_without_an_address_is_no_connection() {
    let egress = GuardedEgress::with_lookup(EgressPolicy::default(), Table::new(&[&[]])).unwrap();
    assert!(matches!(
        egress.send(request("http://nothing.example.com/")).await,
        Err(EgressError::NotConnected(_))
    ));
}

#[tokio::test]
async fn the_operator_may_open_hosts_and_ports() {
    let server = Server::start(|_| "ok").await;
    let port = server.address.port();
    let opened = [
        (
            format!("127.0.0.1:{port}"),
            format!("http://127.0.0.1:{port}/"),
        ),
        ("127.0.0.1".into(), format!("http://127.0.0.1:{port}/")),
        ("localhost".into(), format!("http://LOCALHOST:{port}/")),
        (
            format!("other.example, localhost:{port}\n"),
            format!("http://localhost:{port}/"),
        ),
    ];
    for (allow, url) in &opened {
        assert_eq!(open(allow).check(url), Ok(()), "{allow} {url}");
        assert_eq!(
            open(allow)
                .send(request(url))
                .await
                .map(|answer| answer.status),
            Ok(200),
            "{allow} {url}"
        );
    }
    let other = port ^ 1;
    for (allow, url) in [
        (
            format!("localhost:{other}"),
            format!("http://localhost:{port}/"),
        ),
        (
            format!("127.0.0.1:{port}"),
            format!("http://localhost:{port}/"),
        ),
        ("localhost".into(), format!("http://127.0.0.1:{port}/")),
        ("localhost".into(), format!("http://a.localhost:{port}/")),
        ("localhost".into(), format!("http://user@localhost:{port}/")),
        (String::new(), format!("http://localhost:{port}/")),
    ] {
        assert!(
            matches!(
                open(&allow).send(request(&url)).await,
                Err(EgressError::Refused(_))
            ),
            "{allow} {url}"
        );
    }
    // A name that is open may lead anywhere; a name that is not may not, with the same resolver.
    let lookup = Table::new(&[&["127.0.0.1"]]);
    let egress = GuardedEgress::with_lookup(
        EgressPolicy::parse(&format!("crm.example.com:{port}")).unwrap(),
        lookup,
    )
    .unwrap();
    assert!(
        egress
            .send(request(format!("http://crm.example.com:{port}/")))
            .await
            .is_ok()
    );
    assert!(matches!(
        egress
            .send(request(format!("http://www.example.com:{port}/")))
            .await,
        Err(EgressError::Refused(_))
    ));
}

#[test]
fn reads_the_operators_list() {
    for good in [
        "",
        " , ",
        "localhost",
        "localhost:8080",
        "a.example,b.example:80 c.example",
        "[::1]",
        "[::1]:9000",
        "127.0.0.1",
    ] {
        assert!(EgressPolicy::parse(good).is_ok(), "{good:?}");
    }
    for bad in [
        "http://localhost",
        "localhost/",
        "localhost:",
        "localhost:0",
        "localhost:x",
        "localhost:65536",
        "*",
        "*.example",
        "a@b",
        "::1",
        "10.0.0.0/8",
    ] {
        assert!(EgressPolicy::parse(bad).is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn sends_one_post_with_the_given_headers() {
    let server = Server::start(|_| {
        (
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            [("retry-after", "17")],
            "later",
        )
    })
    .await;
    let egress = open("127.0.0.1");
    let mut hook = request(format!("{}/hook?x=1", server.url()));
    hook.headers
        .push(("webhook-id".into(), Secret::new("msg_1".into())));
    let answer = egress.send(hook).await.unwrap();
    assert_eq!(
        (answer.status, answer.retry_after, answer.body.as_slice()),
        (503, Some(Duration::from_secs(17)), &b"later"[..])
    );
    let seen = server.seen();
    assert_eq!(
        (
            seen.len(),
            seen[0].method.as_str(),
            seen[0].uri.to_string().as_str()
        ),
        (1, "POST", "/hook?x=1")
    );
    assert_eq!(seen[0].body, b"{}");
    assert_eq!(
        (
            &seen[0].headers["webhook-id"],
            &seen[0].headers["user-agent"]
        ),
        (&"msg_1".parse().unwrap(), &"hum-tests/1.0".parse().unwrap())
    );
    assert!(
        !seen[0].headers.contains_key("accept-encoding")
            && !seen[0].headers.contains_key("referer")
    );
}

#[tokio::test]
async fn headers_cannot_break_out() {
    let server = Server::start(|_| "").await;
    let egress = open("127.0.0.1");
    for (name, value) in [
        ("x", "a\r\nhost: evil"),
        ("x", "a\nb"),
        ("x", "a\0b"),
        ("x", "é"),
        ("x y", "1"),
        ("x\r\n", "1"),
        ("", "1"),
        ("é", "1"),
        ("Host", "evil"),
        ("transfer-encoding", "chunked"),
        ("content-length", "0"),
        ("connection", "close"),
        ("upgrade", "h2c"),
        ("expect", "100-continue"),
    ] {
        let mut hook = request(server.url());
        hook.headers.push((name.into(), Secret::new(value.into())));
        assert!(
            matches!(egress.send(hook).await, Err(EgressError::Refused(_))),
            "{name:?}: {value:?}"
        );
    }
    for (count, size) in [(65, 1), (1, 17_000)] {
        let mut hook = request(server.url());
        hook.headers = (0..count)
            .map(|at| (format!("x-{at}"), Secret::new("v".repeat(size))))
            .collect();
        assert!(matches!(
            egress.send(hook).await,
            Err(EgressError::Refused(_))
        ));
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let inside = Server::start(|_| "secret").await;
    for status in [301, 302, 303, 307, 308] {
        let target = inside.url();
        let server = Server::start(move |_| {
            (
                axum::http::StatusCode::from_u16(status).unwrap(),
                [("location", target.clone())],
            )
                .into_response()
        })
        .await;
        assert_eq!(
            open("127.0.0.1")
                .send(request(server.url()))
                .await
                .map(|answer| answer.status),
            Ok(status)
        );
    }
    assert!(inside.seen().is_empty());
}

#[tokio::test]
async fn reading_stops_at_the_limit() {
    let endless = vec![
        Do::Write(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        Do::Repeat(vec![b'x'; 65536]),
    ];
    let server = Rude::start(vec![endless]).await;
    let answer = open("127.0.0.1").send(request(server.url())).await.unwrap();
    assert_eq!((answer.body.len(), answer.truncated), (1024, true));

    for (length, truncated) in [(0, false), (1023, false), (1024, false), (1025, true)] {
        let server = Server::start(move |_| "y".repeat(length)).await;
        let answer = open("127.0.0.1").send(request(server.url())).await.unwrap();
        assert_eq!(
            (answer.body.len(), answer.truncated),
            (length.min(1024), truncated)
        );
    }
}

#[tokio::test]
async fn a_compressed_body_stays_as_it_is() {
    let server = Server::start(|_| ([("content-encoding", "gzip")], vec![0x1f, 0x8b, 8, 0])).await;
    assert_eq!(
        open("127.0.0.1")
            .send(request(server.url()))
            .await
            .unwrap()
            .body,
        [0x1f, 0x8b, 8, 0]
    );
}

#[tokio::test]
async fn a_slow_answer_ends_at_the_timeout() {
    let drip: Vec<Do> = [Do::Write(
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".to_vec(),
    )]
    .into_iter()
    .chain((0..1000).flat_map(|_| {
        [
            Do::Wait(Duration::from_millis(50)),
            Do::Write(b"x".to_vec()),
        ]
    }))
    .collect();
    for script in [
        drip,
        vec![Do::Hang],
        vec![Do::Write(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Do::Hang],
    ] {
        let server = Rude::start(vec![script]).await;
        let mut slow = request(server.url());
        slow.timeout = Duration::from_millis(400);
        let clock = SystemClock::new();
        assert_eq!(
            open("127.0.0.1").send(slow).await,
            Err(EgressError::NoAnswer("timed out".into()))
        );
        assert!(clock.monotonic() < Duration::from_secs(2));
        assert_eq!(server.requests(), 1);
    }
}

struct NeverAnswers;

#[async_trait]
impl Lookup for NeverAnswers {
    async fn lookup(&self, _: &str) -> io::Result<Vec<SocketAddr>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_lookup_that_hangs_ends_at_the_timeout() {
    let egress =
        GuardedEgress::with_lookup(EgressPolicy::default(), Arc::new(NeverAnswers)).unwrap();
    let mut slow = request("http://slow.example.com/");
    slow.timeout = Duration::from_millis(100);
    assert!(matches!(
        egress.send(slow).await,
        Err(EgressError::NoAnswer(_))
    ));
}

#[tokio::test]
async fn endless_and_countless_headers_are_cut_off() {
    let long = vec![
        Do::Write(b"HTTP/1.1 200 OK\r\nx: ".to_vec()),
        Do::Repeat(vec![b'x'; 65536]),
    ];
    let many: String = (0..500).map(|at| format!("x-{at}: 1\r\n")).collect();
    let many = vec![
        Do::Write(format!("HTTP/1.1 200 OK\r\n{many}\r\n").into_bytes()),
        Do::Hang,
    ];
    for script in [long, many] {
        let server = Rude::start(vec![script]).await;
        assert!(matches!(
            open("127.0.0.1").send(request(server.url())).await,
            Err(EgressError::NoAnswer(_))
        ));
    }
}

#[tokio::test]
async fn a_reset_is_no_answer_and_no_second_request() {
    for script in [Do::Reset, Do::Close] {
        let server = Rude::start(vec![vec![script]]).await;
        assert!(matches!(
            open("127.0.0.1").send(request(server.url())).await,
            Err(EgressError::NoAnswer(_))
        ));
        assert_eq!(server.requests(), 1);
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    assert!(matches!(
        open("127.0.0.1")
            .send(request(format!("http://{closed}")))
            .await,
        Err(EgressError::NotConnected(_))
    ));
}

#[tokio::test]
async fn the_method_and_the_name_of_a_use_are_its_own() {
    use EgressMethod::{Delete, Get, Head, Patch, Post, Put};
    let server = Server::start(|_| "ok").await;
    let egress = open(&server.address.to_string());
    for (method, body) in [
        (Get, ""),
        (Head, ""),
        (Post, "{}"),
        (Post, ""),
        (Put, "{}"),
        (Patch, "{}"),
        (Delete, ""),
    ] {
        let request = EgressRequest {
            method,
            body: body.into(),
            ..request(server.url())
        };
        let answer = egress.send(request).await.unwrap();
        let expected: &[u8] = if method == Head { b"" } else { b"ok" };
        assert_eq!((answer.status, &*answer.body), (200, expected));
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.method.as_str(), format!("{method:?}").to_uppercase());
        assert_eq!(seen.headers["user-agent"], "hum-tests/1.0");
        assert_eq!(seen.body, body.as_bytes());
    }
}

#[tokio::test]
async fn only_the_headers_that_are_wanted_come_back() {
    let server = Server::start(|_| {
        let long = "x".repeat(17 * 1024);
        let headers = [
            ("content-type", "audio/mpeg".to_owned()),
            ("set-cookie", "secret=1".to_owned()),
            ("etag", "\"7\"".to_owned()),
            ("x-long", long),
        ];
        (axum::response::AppendHeaders(headers), "ok").into_response()
    })
    .await;
    let egress = open(&server.address.to_string());
    let asked = EgressRequest {
        wanted_headers: &["etag", "content-type", "x-long", "x-none"],
        ..request(server.url())
    };
    let mut headers = egress.send(asked).await.unwrap().headers;
    headers.retain(|(name, value)| name != "content-type" || value == "audio/mpeg");
    headers.sort();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        headers,
        [pair("content-type", "audio/mpeg"), pair("etag", "\"7\"")]
    );
    let plain = egress.send(request(server.url())).await.unwrap();
    assert_eq!(plain.headers, []);
}

/// The head of an answer whose body comes in pieces.
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_body_is_read_while_it_comes() {
    let rude = Rude::start(vec![vec![
        Do::Write(CHUNKED.to_vec()),
        Do::Write(b"5\r\nfirst\r\n".to_vec()),
        Do::Hang,
    ]])
    .await;
    let egress = open(&rude.address.to_string());
    let endless = EgressRequest {
        timeout: Duration::from_secs(60),
        stall: Duration::from_millis(300),
        ..request(format!("http://{}", rude.address))
    };
    let mut answer = egress.open(endless).await.unwrap();
    assert_eq!(answer.status, 200);
    let first = answer.body.next().await.unwrap();
    assert_eq!(first.as_deref(), Some(&b"first"[..]));
    let stalled = answer.body.next().await;
    assert_eq!(
        stalled,
        Err(EgressError::NoAnswer("nothing came for 300 ms".into()))
    );
}

#[tokio::test]
async fn a_body_that_always_comes_ends_with_its_time_or_its_size() {
    let script = vec![
        Do::Write(CHUNKED.to_vec()),
        Do::Repeat(b"4\r\nmore\r\n".to_vec()),
    ];
    let rude = Rude::start(vec![script]).await;
    let egress = open(&rude.address.to_string());
    let url = format!("http://{}", rude.address);
    let mut answer = egress.open(request(url.clone())).await.unwrap();
    let mut read = 0;
    while let Some(piece) = answer.body.next().await.unwrap() {
        assert!(!piece.is_empty());
        read += piece.len();
    }
    assert_eq!((read, answer.body.is_truncated()), (1024, true));
    assert_eq!(answer.body.next().await, Ok(None));

    let large = EgressRequest {
        timeout: Duration::from_millis(500),
        max_response_bytes: usize::MAX,
        ..request(url)
    };
    let mut answer = egress.open(large).await.unwrap();
    let error = loop {
        match answer.body.next().await {
            Ok(piece) => assert!(piece.is_some(), "it never ends"),
            Err(error) => break error,
        }
    };
    assert_eq!(error, EgressError::NoAnswer("timed out".into()));
}

#[tokio::test]
async fn whatever_is_asked_is_guarded() {
    let rude = Server::start(|_| "ok").await;
    let moved = Server::start(|_| {
        (
            axum::http::StatusCode::FOUND,
            [("location", "http://127.0.0.1/")],
        )
    })
    .await;
    for method in [EgressMethod::Get, EgressMethod::Head, EgressMethod::Delete] {
        let inside = EgressRequest {
            method,
            ..request(rude.url())
        };
        let refused = closed().open(inside).await.map(|answer| answer.status);
        assert!(
            matches!(refused, Err(EgressError::Refused(_))),
            "{refused:?}"
        );
        let asked = EgressRequest {
            method,
            ..request(moved.url())
        };
        let answer = open(&moved.address.to_string()).open(asked).await.unwrap();
        assert_eq!(answer.status, 302);
    }
    assert_eq!((rude.seen().len(), moved.seen().len()), (0, 3));
}
