//! Encryption at rest: XChaCha20-Poly1305 under keys derived for each organization.

use std::{collections::BTreeMap, fs, io, io::Write as _, path::Path, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hum_core::{
    cipher::{CannotOpen, Cipher},
    entropy::Entropy,
};
use sha2::{Digest, Sha256};

use crate::entropy::SystemEntropy;

const KEY: usize = 32;
const NONCE: usize = 24;
const TAG: usize = 16;

/// Seals with a master key of 32 bytes from a file or from the configuration.
///
/// A sealed value is `key id (1) | nonce (24) | ciphertext and tag`. The key of an organization is
/// derived with HKDF-SHA256 (RFC 5869) from the master key and the first segment of the context, so
/// that one organization's key can be handed out or destroyed alone; the whole context is
/// authenticated (AAD), so that a value opens only where it was sealed. The nonce is random: with
/// 192 bits (draft-irtf-cfrg-xchacha) no counter has to be kept.
pub struct KeyFileCipher {
    current: u8,
    keys: BTreeMap<u8, [u8; KEY]>,
    entropy: Arc<dyn Entropy>,
}

/// A key could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file cannot be read or made.
    #[error("the key file cannot be used: {0}")]
    File(#[from] io::Error),
    /// Not a key.
    #[error("a master key must be 32 bytes, in a file as they are, in the configuration as base64")]
    NotAKey,
    /// Two keys have the same id, which is a hash of the key.
    #[error("two master keys have the same id: make another key")]
    SameId,
}

impl KeyFileCipher {
    /// Reads the key from a file; makes the file with a new key when there is none.
    ///
    /// # Errors
    /// The file cannot be read or made, does not hold 32 bytes, or others may read it.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyError> {
        Self::open_or_create_with(path, Arc::new(SystemEntropy))
    }

    fn open_or_create_with(path: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, KeyError> {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path, &*entropy)?;
                fs::read(path)?
            }
            read => read?,
        };
        refuse_shared(path)?;
        let key = bytes.try_into().map_err(|_| KeyError::NotAKey)?;
        Ok(Self::from_key(key, entropy))
    }

    /// From a key; nonces are drawn from `entropy`.
    pub fn from_key(key: [u8; KEY], entropy: Arc<dyn Entropy>) -> Self {
        let current = key_id(&key);
        Self {
            current,
            keys: BTreeMap::from([(current, key)]),
            entropy,
        }
    }

    /// From the base64 text of `HUM_MASTER_KEY`.
    ///
    /// # Errors
    /// The text is not 32 bytes in base64.
    pub fn from_base64(text: &str, entropy: Arc<dyn Entropy>) -> Result<Self, KeyError> {
        Ok(Self::from_key(decode(text)?, entropy))
    }

    /// Adds keys, in base64, that only open: what was sealed before the key was changed.
    ///
    /// # Errors
    /// A text is not 32 bytes in base64, or two keys have the same id (1 of 256 pairs).
    pub fn with_old_keys<'a>(
        mut self,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, KeyError> {
        for text in texts {
            let key = decode(text)?;
            match self.keys.insert(key_id(&key), key) {
                Some(other) if other != key => return Err(KeyError::SameId),
                _ => {}
            }
        }
        Ok(self)
    }

    fn derived(&self, id: u8, context: &str) -> Option<XChaCha20Poly1305> {
        let organization = context.split('|').next().unwrap_or_default();
        let mut key = [0; KEY];
        Hkdf::<Sha256>::new(Some(b"hum cipher v1"), self.keys.get(&id)?)
            .expand(organization.as_bytes(), &mut key)
            .ok()?;
        Some(XChaCha20Poly1305::new(&key.into()))
    }
}

impl Cipher for KeyFileCipher {
    fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = self.entropy.bytes();
        let sealed = self
            .derived(self.current, context)
            .and_then(|cipher| {
                let payload = Payload {
                    msg: plain,
                    aad: context.as_bytes(),
                };
                cipher.encrypt(&XNonce::from(nonce), payload).ok()
            })
            // HKDF fails only for outputs over 8,160 bytes, the cipher only for messages over 256
            // GiB.
            .unwrap_or_else(|| unreachable!("the current key is known and the message is short"));
        [&[self.current][..], &nonce, &sealed].concat()
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        let (id, rest) = sealed.split_first().ok_or(CannotOpen)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(CannotOpen)?;
        if sealed.len() < TAG {
            return Err(CannotOpen);
        }
        let cipher = self.derived(*id, context).ok_or(CannotOpen)?;
        let payload = Payload {
            msg: sealed,
            aad: context.as_bytes(),
        };
        cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| CannotOpen)
    }
}

impl std::fmt::Debug for KeyFileCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFileCipher")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

/// A key's name is a byte of its hash, so that nobody has to number keys.
fn key_id(key: &[u8; KEY]) -> u8 {
    Sha256::new()
        .chain_update(b"hum key id v1")
        .chain_update(key)
        .finalize()[0]
}

fn decode(text: &str) -> Result<[u8; KEY], KeyError> {
    BASE64_STANDARD
        .decode(text.trim())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(KeyError::NotAKey)
}

/// Writes a new key beside the file and links it into place: of two processes that start at once,
/// both use the key of the one that linked first, and a crash leaves either no key file or a whole
/// one.
fn create(path: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let mut name = path
        .file_name()
        .ok_or(io::ErrorKind::InvalidInput)?
        .to_owned();
    name.push(format!(".{}.tmp", entropy.token()));
    let temporary = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    let written = file
        .write_all(&entropy.bytes::<KEY>())
        .and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&temporary, path));
    fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked.and_then(|()| sync_folder(path)),
    }
}

/// Makes the new name durable: a key that is lost after values were sealed with it loses them.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if cfg!(unix) {
        fs::File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

fn refuse_shared(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "others may read it; set its mode to 0600",
            ));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cipher(byte: u8) -> KeyFileCipher {
        KeyFileCipher::from_key([byte; KEY], Arc::new(SystemEntropy))
    }

    #[test]
    fn opens_only_in_its_own_place() {
        let cipher = cipher(1);
        for plain in [&b""[..], b"token", &[7; 100_000]] {
            let sealed = cipher.seal("org_1|carrier_account|auth_token", plain);
            assert_eq!(
                cipher
                    .open("org_1|carrier_account|auth_token", &sealed)
                    .as_deref(),
                Ok(plain)
            );
            for elsewhere in [
                "org_2|carrier_account|auth_token",
                "org_1|carrier_account|secondary",
                "org_1",
                "",
            ] {
                assert_eq!(cipher.open(elsewhere, &sealed), Err(CannotOpen));
            }
        }
    }

    #[test]
    fn every_altered_byte_and_every_cut_is_noticed() {
        let cipher = cipher(1);
        let sealed = cipher.seal("org_1|a|b", b"secret");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(cipher.open("org_1|a|b", &altered), Err(CannotOpen));
            assert_eq!(cipher.open("org_1|a|b", &sealed[..at]), Err(CannotOpen));
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        let cipher = cipher(1);
        assert_ne!(
            cipher.seal("org_1|a|b", b"x"),
            cipher.seal("org_1|a|b", b"x")
        );
    }

    #[test]
    fn old_keys_open_and_new_ones_seal() {
        let (old, new) = ([1; KEY], [2; KEY]);
        let sealed = cipher(1).seal("org_1|a|b", b"x");
        let rotated =
            KeyFileCipher::from_base64(&BASE64_STANDARD.encode(new), Arc::new(SystemEntropy))
                .unwrap();
        assert_eq!(rotated.open("org_1|a|b", &sealed), Err(CannotOpen));
        let rotated = rotated
            .with_old_keys([BASE64_STANDARD.encode(old).as_str()])
            .unwrap();
        assert_eq!(rotated.open("org_1|a|b", &sealed).as_deref(), Ok(&b"x"[..]));
        assert_eq!(rotated.seal("org_1|a|b", b"x")[0], key_id(&new));
    }

    #[test]
    fn refuses_what_is_not_a_key() {
        for text in [
            "",
            "abc",
            "AAAA",
            &BASE64_STANDARD.encode([0; 31]),
            &BASE64_STANDARD.encode([0; 33]),
        ] {
            assert!(matches!(
                KeyFileCipher::from_base64(text, Arc::new(SystemEntropy)),
                Err(KeyError::NotAKey)
            ));
        }
    }

    #[test]
    fn a_key_file_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let ciphers: Vec<KeyFileCipher> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| KeyFileCipher::open_or_create(&path).unwrap()))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        let sealed = ciphers[0].seal("org_1|a|b", b"x");
        assert!(
            ciphers
                .iter()
                .all(|cipher| cipher.open("org_1|a|b", &sealed).is_ok())
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(
                KeyFileCipher::open_or_create(&path),
                Err(KeyError::File(_))
            ));
        }
    }

    #[test]
    fn a_damaged_key_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        create(&path, &SystemEntropy).unwrap();
        fs::write(&path, b"short").unwrap();
        assert!(matches!(
            KeyFileCipher::open_or_create(&path),
            Err(KeyError::NotAKey)
        ));
        assert_eq!(fs::read(&path).unwrap(), b"short");
    }
}
