//! One TLS stack for the process: rustls with ring.

/// Installs ring as the process's TLS provider. Every constructor that builds an HTTP client calls
/// it; repeating it is fine.
///
/// reqwest is built without a provider, so that no second one is compiled in: with two, rustls
/// panics at the first connection
/// (<https://docs.rs/rustls/latest/rustls/crypto/struct.CryptoProvider.html#using-the-per-process-default-cryptoprovider>).
pub fn install_tls() {
    // An error means that a provider is installed already, by us or by the program around us.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
