//! Which URLs and names may be reached.

use std::{collections::BTreeSet, io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use url::Host;

use super::address::public;

/// Names that lead inside, whatever the resolver says. Suffixes of RFC 6761, RFC 6762, RFC 8375,
/// RFC 9476, and of clouds.
const INSIDE: &[&str] = &[
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    "alt",
    "onion",
    "test",
    "invalid",
    "in-addr.arpa",
    "ip6.arpa",
];

/// Services that read an HTTP request as commands, or that only ever listen inside. A subset of
/// <https://fetch.spec.whatwg.org/#port-blocking>, and databases.
const PORTS: &[u16] = &[
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 79, 110, 111, 113, 119,
    123, 135, 137, 139, 143, 161, 179, 389, 427, 445, 465, 512, 513, 514, 515, 526, 530, 532, 540,
    548, 554, 556, 563, 587, 601, 636, 873, 993, 995, 1433, 1521, 2049, 2375, 2376, 2379, 2380,
    3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 5900, 5984, 6000, 6379, 6566, 6665, 6666, 6667,
    6668, 6669, 6697, 9042, 9200, 9300, 10250, 11211, 27017,
];

/// Which hosts may be reached although they are not public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    /// Host, and port when only that one is open.
    allow: BTreeSet<(String, Option<u16>)>,
}

impl EgressPolicy {
    /// Reads `HUM_EGRESS_ALLOW`: `host` or `host:port`, separated by commas or white space. For
    /// development and tests, and for a service of one's own network that customers may reach.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text
            .split(|char: char| char == ',' || char.is_whitespace())
            .filter(|entry| !entry.is_empty());
        Ok(Self {
            allow: entries.map(entry).collect::<Result<_, _>>()?,
        })
    }

    fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        let port = url.port_or_known_default();
        self.allow.contains(&(host.to_owned(), None))
            || self.allow.contains(&(host.to_owned(), port))
    }
}

fn entry(text: &str) -> Result<(String, Option<u16>), String> {
    let malformed = || format!("{text:?} must be a host or host:port");
    // Nothing but a host and a port may be there, and the port must stay visible if it is the
    // scheme's.
    if text.contains(['/', '?', '#', '@', '\\', '*', '%']) {
        return Err(malformed());
    }
    let url = Url::parse(&format!("ws://{text}/")).map_err(|_| malformed())?;
    let colon = text
        .rsplit_once(':')
        .filter(|(_, port)| !port.contains(']'));
    let port = match colon {
        Some((_, port)) => Some(
            port.parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(malformed)?,
        ),
        None => None,
    };
    Ok((url.host_str().ok_or_else(malformed)?.to_owned(), port))
}

/// How a URL may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only at public addresses.
    Public,
    /// At any address: the operator opened it.
    Open,
}

/// Checks everything that can be seen in a URL. A client does not ask its resolver about literal
/// addresses, so they are checked here.
///
/// # Errors
/// A sentence for the person who typed it.
pub(super) fn check(policy: &EgressPolicy, text: &str) -> Result<(Url, Reach), String> {
    // The URL standard drops tabs and line ends, and takes a backslash for a slash: two readers
    // could see two hosts.
    if text
        .chars()
        .any(|char| char.is_control() || char.is_whitespace() || char == '\\')
    {
        return Err("must not contain white space, control characters or backslashes".into());
    }
    if text.len() > 2048 {
        return Err("must not be longer than 2,048 characters".into());
    }
    let url = Url::parse(text).map_err(|error| format!("must be an absolute URL ({error})"))?;
    let rest = match url.scheme() {
        "https" | "http" => text.split_once("://").map(|(_, rest)| rest),
        _ => return Err("must begin with https:// or http://".into()),
    };
    let rest = rest.ok_or("must begin with https:// or http://")?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if authority.is_empty()
        || authority.contains('@')
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return Err("must have a host, and no user name or password".into());
    }
    let port = url
        .port_or_known_default()
        .filter(|port| *port > 0)
        .ok_or("must have a port from 1 to 65535")?;
    if policy.allows(&url) {
        return Ok((url, Reach::Open));
    }
    if PORTS.contains(&port) {
        return Err(format!("must not use port {port}"));
    }
    match url.host() {
        Some(Host::Ipv4(address)) => public(address.into()).map_err(not_public)?,
        Some(Host::Ipv6(address)) => public(address.into()).map_err(not_public)?,
        Some(Host::Domain(name)) => check_name(name)?,
        None => return Err("must have a host".into()),
    }
    Ok((url, Reach::Public))
}

fn check_name(name: &str) -> Result<(), String> {
    if name.ends_with('.') {
        return Err("must have a host that does not end with a dot".into());
    }
    // A name without a dot is completed from the server's search list.
    let inside = !name.contains('.')
        || INSIDE.iter().any(|suffix| {
            name.strip_suffix(suffix)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
    if inside {
        Err("must have a public host name".into())
    } else {
        Ok(())
    }
}

fn not_public(what: &str) -> String {
    format!("must have a public address; this one is {what}")
}

/// Looks names up.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// Every address of a name.
    async fn lookup(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

/// A name led to an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("{}", not_public(.0))]
pub(super) struct NotPublic(&'static str);

/// Answers public addresses only. The client connects to the very addresses that were checked, so a
/// name that answers differently the next time (DNS rebinding) gains nothing.
#[derive(Clone)]
pub(super) struct Resolver {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) reach: Reach,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { lookup, reach } = self.clone();
        Box::pin(async move {
            let addresses = lookup.lookup(name.as_str()).await?;
            if addresses.is_empty() {
                return Err(
                    io::Error::new(io::ErrorKind::NotFound, "the name has no address").into(),
                );
            }
            if reach == Reach::Public {
                // One bad address spoils all: which of them is dialled is chance.
                addresses
                    .iter()
                    .try_for_each(|address| public(address.ip()))
                    .map_err(NotPublic)?;
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, Ipv6Addr},
        sync::atomic::{AtomicUsize, Ordering},
    };

    use proptest::prelude::*;

    use super::*;

    struct Flip(AtomicUsize);

    #[async_trait]
    impl Lookup for Flip {
        async fn lookup(&self, _: &str) -> io::Result<Vec<SocketAddr>> {
            let inside = self.0.fetch_add(1, Ordering::SeqCst) % 2 == 1;
            Ok(vec![SocketAddr::new(
                if inside { [127, 0, 0, 1] } else { [8, 8, 8, 8] }.into(),
                0,
            )])
        }
    }

    #[tokio::test]
    async fn every_answer_of_a_name_is_checked_anew() {
        let resolver = Resolver {
            lookup: Arc::new(Flip(AtomicUsize::new(0))),
            reach: Reach::Public,
        };
        for turn in 0..6 {
            let Ok(name) = "flip.example.com".parse::<Name>() else {
                panic!("a name")
            };
            match resolver.resolve(name).await {
                Ok(addresses) => {
                    assert_eq!(
                        (turn % 2, addresses.collect::<Vec<_>>()),
                        (0, vec![SocketAddr::from(([8, 8, 8, 8], 0))])
                    )
                }
                Err(error) => assert!(turn % 2 == 1 && error.is::<NotPublic>(), "{error}"),
            }
        }
    }

    /// An IPv4 address in every way in which the URL standard writes one.
    fn spellings(address: Ipv4Addr) -> Vec<String> {
        let [a, b, c, d] = address.octets();
        let (bits, low24, low16) = (
            address.to_bits(),
            address.to_bits() & 0xff_ffff,
            address.to_bits() & 0xffff,
        );
        vec![
            format!("{a}.{b}.{c}.{d}"),
            format!("{a}.{b}.{c}.{d}."),
            format!("{a:#x}.{b:#o}.{c}.{d:#X}")
                .replace("0o", "0")
                .replace("0X", "0x"),
            format!("{bits}"),
            format!("{bits:#x}"),
            format!("0{bits:o}"),
            format!("{a}.{low24}"),
            format!("{a}.{b}.{low16:#x}"),
            format!("{a}%2e{b}%2E{c}。{d}"),
        ]
    }

    proptest! {
        #[test]
        fn every_spelling_of_an_address_is_that_address(bits: u32, inside in prop::sample::select(vec![0x0a00_0000, 0x7f00_0000, 0xa9fe_0000, 0xc0a8_0000, 0])) {
            for address in [Ipv4Addr::from_bits(bits), Ipv4Addr::from_bits(inside | bits & 0xffff)] {
                for spelling in spellings(address) {
                    let checked = check(&EgressPolicy::default(), &format!("https://{spelling}/"));
                    prop_assert_eq!(checked.is_ok(), public(address.into()).is_ok(), "{}", spelling);
                }
            }
        }

        #[test]
        fn literal_v6_is_checked(bits: u128, first in prop::sample::select(vec![0u128, 0x2001, 0x2002, 0x2600, 0xfd00, 0xfe80])) {
            for address in [Ipv6Addr::from_bits(bits), Ipv6Addr::from_bits(first << 112 | bits & u128::from(u64::MAX))] {
                let checked = check(&EgressPolicy::default(), &format!("https://[{address}]/"));
                prop_assert_eq!(checked.is_ok(), public(address.into()).is_ok(), "{}", address);
            }
        }

        #[test]
        fn any_text_is_survived(text: String, host in "[a-z0-9.:@%\\[\\]/\\\\-]{0,30}") {
            for url in [text, format!("http://{host}"), format!("https://{host}:443/")] {
                let _ = check(&EgressPolicy::default(), &url);
                let _ = EgressPolicy::parse(&url);
            }
        }
    }
}
