//! The port to encryption at rest.

/// Seals secrets so that a copy of the database does not reveal them.
///
/// `context` binds a sealed value to its place (organization, table, row, column): a ciphertext
/// that was moved to another row does not open. The first byte of a sealed value names the key, for
/// rotation.
pub trait Cipher: Send + Sync {
    /// Encrypts. Never fails for values below 1 MiB.
    fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8>;
    /// Decrypts what [`Cipher::seal`] made with the same context.
    ///
    /// # Errors
    /// The value was altered or moved, or its key is not here. Not worth retrying.
    fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen>;
}

/// A sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open: it was altered or moved, or its key is missing")]
pub struct CannotOpen;

/// A value that must not be printed. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value; the call is what a reviewer looks for.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
