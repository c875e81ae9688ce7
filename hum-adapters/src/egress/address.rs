//! Which addresses are public.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use ipnet::{Ipv4Net, Ipv6Net};

/// Not globally reachable (<https://www.iana.org/assignments/iana-ipv4-special-registry>), and what
/// clouds keep for themselves among the addresses that are.
const V4: &[(&str, &str)] = &[
    ("0.0.0.0/8", "this network (RFC 791)"),
    ("10.0.0.0/8", "private (RFC 1918)"),
    (
        "100.64.0.0/10",
        "carrier-grade NAT (RFC 6598), and cloud metadata",
    ),
    ("127.0.0.0/8", "loopback (RFC 1122)"),
    ("168.63.129.16/32", "Azure's platform service"),
    (
        "169.254.0.0/16",
        "link-local (RFC 3927), and cloud metadata",
    ),
    ("172.16.0.0/12", "private (RFC 1918)"),
    ("192.0.0.0/24", "protocol assignments (RFC 6890)"),
    ("192.0.2.0/24", "documentation (RFC 5737)"),
    ("192.31.196.0/24", "AS112 (RFC 7535)"),
    ("192.52.193.0/24", "AMT relays (RFC 7450)"),
    ("192.88.99.0/24", "6to4 relays (RFC 7526)"),
    ("192.168.0.0/16", "private (RFC 1918)"),
    ("192.175.48.0/24", "AS112 (RFC 7534)"),
    ("198.18.0.0/15", "benchmarking (RFC 2544)"),
    ("198.51.100.0/24", "documentation (RFC 5737)"),
    ("203.0.113.0/24", "documentation (RFC 5737)"),
    ("224.0.0.0/4", "multicast (RFC 5771)"),
    ("240.0.0.0/4", "reserved (RFC 1112), and broadcast"),
];

/// Inside of 2000::/3, the only block that is handed out
/// (<https://www.iana.org/assignments/ipv6-unicast-address-assignments>). Everything outside of it
/// is refused: loopback, IPv4-mapped and -compatible, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard
/// (100::/64), SRv6 (5f00::/16), unique local, link-local, site-local, multicast.
const V6: &[(&str, &str)] = &[
    (
        "2001::/23",
        "protocol assignments (RFC 2928), Teredo among them",
    ),
    ("2001:db8::/32", "documentation (RFC 3849)"),
    ("2002::/16", "6to4 (RFC 3056)"),
    ("2620:4f:8000::/48", "AS112 (RFC 7534)"),
    ("3fff::/20", "documentation (RFC 9637)"),
    ("3ffe::/16", "6bone, returned (RFC 3701)"),
];

static V4_NETS: LazyLock<Vec<(Ipv4Net, &str)>> = LazyLock::new(|| parse(V4));
static V6_NETS: LazyLock<Vec<(Ipv6Net, &str)>> = LazyLock::new(|| parse(V6));

fn parse<N: std::str::FromStr>(table: &[(&str, &'static str)]) -> Vec<(N, &'static str)> {
    let nets = table
        .iter()
        .filter_map(|(net, what)| Some((net.parse().ok()?, *what)));
    nets.collect()
}

/// Whether an address is public.
///
/// Addresses that carry an IPv4 address inside (mapped, NAT64, 6to4, Teredo) are refused whatever
/// they carry: no public server needs to be reached through them.
///
/// # Errors
/// What the address is instead.
pub(super) fn public(address: IpAddr) -> Result<(), &'static str> {
    match address {
        IpAddr::V4(address) => public_v4(address),
        IpAddr::V6(address) => public_v6(address),
    }
}

fn public_v4(address: Ipv4Addr) -> Result<(), &'static str> {
    match V4_NETS.iter().find(|(net, _)| net.contains(&address)) {
        Some((_, what)) => Err(what),
        None => Ok(()),
    }
}

fn public_v6(address: Ipv6Addr) -> Result<(), &'static str> {
    if address.segments()[0] & 0xe000 != 0x2000 {
        return Err("not global unicast (RFC 4291)");
    }
    match V6_NETS.iter().find(|(net, _)| net.contains(&address)) {
        Some((_, what)) => Err(what),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_line_of_the_tables_is_a_network() {
        assert_eq!((V4_NETS.len(), V6_NETS.len()), (V4.len(), V6.len()));
    }

    #[test]
    fn both_ends_of_every_network_are_refused() {
        for (net, what) in &*V4_NETS {
            assert_eq!(public(net.network().into()), Err(*what));
            assert_eq!(public(net.broadcast().into()), Err(*what));
        }
        for (net, what) in &*V6_NETS {
            assert_eq!(public(net.network().into()), Err(*what));
            assert_eq!(public(net.broadcast().into()), Err(*what));
        }
    }

    #[test]
    fn neighbours_of_networks_are_public() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "8.8.8.8",
            "2001:200::",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2003::",
            "2a00::",
            "3ffd::",
            "2400:cb00::",
            "2620:fe::fe",
        ] {
            assert_eq!(public(address.parse().unwrap()), Ok(()), "{address}");
        }
    }

    #[test]
    fn special_v6_is_refused() {
        for address in [
            "::",
            "::1",
            "::7f00:1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::1",
            "100::",
            "100::1",
            "100:0:0:1::",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "3fff::1",
            "3ffe::1",
            "4000::",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fdff:ffff::",
            "fe80::1",
            "fe80::a9fe:a9fe",
            "febf::",
            "fec0::1",
            "ff02::1",
            "ffff::",
        ] {
            assert!(public(address.parse().unwrap()).is_err(), "{address}");
        }
    }

    proptest! {
        /// The standard library's own idea of special addresses is a second opinion.
        #[test]
        fn agrees_with_the_standard_library(bits: u32) {
            let address = Ipv4Addr::from(bits);
            let special = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_broadcast()
                || address.is_documentation() || address.is_multicast() || address.is_unspecified();
            prop_assert!(!special || public(address.into()).is_err());
            prop_assert!(public(address.to_ipv6_mapped().into()).is_err());
            prop_assert!(public(address.to_ipv6_compatible().into()).is_err());
        }

        #[test]
        fn agrees_with_the_standard_library_on_v6(bits: u128) {
            let address = Ipv6Addr::from(bits);
            let special = address.is_loopback() || address.is_multicast() || address.is_unique_local()
                || address.is_unicast_link_local() || address.is_unspecified();
            prop_assert!(!special || public(address.into()).is_err());
        }
    }
}
