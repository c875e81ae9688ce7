//! Chance comes in through a port: core never draws from the air.

/// A source of random bytes.
///
/// The server's is the operating system's generator; the simulator's is seeded. Whatever is secret
/// (keys, tokens) is drawn from here, so an adapter for production must be cryptographically
/// strong.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with random bytes. Never fails: an adapter without entropy must stop the
    /// process.
    fn fill(&self, bytes: &mut [u8]);
}

/// The digits of base 62.
pub(crate) const BASE62: &[u8; 62] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl dyn Entropy + '_ {
    /// An array of random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A number in `0..bound`; zero when `bound` is zero. The bias is below 2^-32 for bounds below
    /// 2^32.
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            u64::from_le_bytes(self.bytes()) % bound
        }
    }

    /// `length` base-62 characters, each equally likely: 5.95 bits apiece.
    pub fn base62(&self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            // Two of 64 values are thrown away, so that no character is likelier than another.
            let drawn = self.bytes::<32>();
            let digits = drawn
                .iter()
                .filter_map(|byte| BASE62.get(usize::from(byte & 63)));
            text.extend(
                digits
                    .take(length - text.len())
                    .map(|digit| char::from(*digit)),
            );
        }
        text
    }

    /// A 128-bit token in lower-case hex.
    pub fn token(&self) -> String {
        use std::fmt::Write as _;
        self.bytes::<16>()
            .iter()
            .fold(String::with_capacity(32), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
    }
}

/// No chance at all, for tests of decisions.
#[cfg(test)]
pub(crate) struct Zero;

#[cfg(test)]
impl Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}
