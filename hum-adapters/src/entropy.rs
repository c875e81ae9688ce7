//! The operating system's generator.

use hum_core::entropy::Entropy;

/// Random bytes straight from the operating system, cryptographically strong.
///
/// Nothing is buffered: a pool would have to be wiped and would be copied by `fork`, and one system
/// call costs less than the hash or commit that follows it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            // Going on would make guessable keys, and a panic could be caught.
            eprintln!("the operating system gives no random bytes: {error}");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ_and_long_ones_are_filled() {
        let entropy: &dyn Entropy = &SystemEntropy;
        assert_ne!(entropy.token(), entropy.token());
        let mut long = vec![0; 100_000];
        entropy.fill(&mut long);
        // Each value is expected about 390 times; a tail that was not filled would show as
        // thousands of zeros.
        assert!(long.iter().filter(|byte| **byte == 0).count() < 600);
    }
}
