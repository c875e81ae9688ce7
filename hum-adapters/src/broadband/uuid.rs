//! UUIDs made from names: the same name is the same id in every process and every import (RFC 9562,
//! version 5).

use sha1::{Digest, Sha1};

/// The namespace of everything that is named here: the version 5 UUID of
/// `https://github.com/hum-dev/hum` in the namespace for URLs of RFC 9562.
const NAMESPACE: [u8; 16] = [
    0xe1, 0xc3, 0x39, 0x89, 0xc6, 0x21, 0x56, 0x99, 0x9c, 0x73, 0x54, 0x24, 0x9e, 0x03, 0x57, 0x39,
];

/// The id of a name.
pub fn of(name: &str) -> String {
    of_in(&NAMESPACE, name)
}

fn of_in(namespace: &[u8; 16], name: &str) -> String {
    let hash = Sha1::new()
        .chain_update(namespace)
        .chain_update(name)
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(HEX[usize::from(byte >> 4)] as char);
        text.push(HEX[usize::from(byte & 15)] as char);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9562, section 6.6: the namespace for URLs.
    const URLS: [u8; 16] = [
        0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30,
        0xc8,
    ];
    /// RFC 9562, section 6.6: the namespace for DNS names.
    const DNS: [u8; 16] = [
        0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30,
        0xc8,
    ];

    #[test]
    fn the_id_of_a_name_is_that_of_the_rfc() {
        // RFC 9562, appendix A.4.
        assert_eq!(
            of_in(&DNS, "www.example.com"),
            "2ed6657d-e927-568b-95e1-2665a8aea6a2"
        );
    }

    #[test]
    fn our_namespace_is_that_of_our_url() {
        let text: String = NAMESPACE.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            of_in(&URLS, "https://github.com/hum-dev/hum").replace('-', ""),
            text
        );
    }
}
