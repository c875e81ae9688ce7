//! A way around Nagle's algorithm.
//!
//! sqlx 0.9.0 connects over TCP without `TCP_NODELAY`
//! (<https://github.com/transact-rs/sqlx/issues/4335>), and its sockets cannot be reached. The end
//! of every statement with many rows then waits for the server's delayed acknowledgement, 40 ms:
//! measured, 450 commits a second instead of 6,000. Unix sockets have no such thing. So connections
//! to a server elsewhere go to a socket in a private folder of this process, and from there over
//! TCP without delay. TLS goes through it untouched. A release of sqlx that sets the option makes
//! this file unnecessary.

use sqlx::postgres::PgConnectOptions;

#[cfg(unix)]
pub(super) use unix::{Relay, without_delay};

/// Elsewhere there are no such sockets; it works, with the delay.
#[cfg(not(unix))]
pub(super) struct Relay;

#[cfg(not(unix))]
pub(super) fn without_delay(options: PgConnectOptions) -> (PgConnectOptions, Option<Relay>) {
    (options, None)
}

#[cfg(unix)]
mod unix {
    use std::{
        fs, io,
        os::unix::fs::DirBuilderExt as _,
        path::{Path, PathBuf},
        sync::atomic::{AtomicU32, Ordering},
    };

    use tokio::{
        io::copy_bidirectional_with_sizes,
        net::{TcpStream, UnixListener, UnixStream},
        task::JoinHandle,
    };

    use super::PgConnectOptions;

    const BUFFER: usize = 64 * 1024;
    static NEXT: AtomicU32 = AtomicU32::new(0);

    /// The socket, as long as there is a store.
    pub(in super::super) struct Relay {
        folder: PathBuf,
        accepting: JoinHandle<()>,
    }

    impl Drop for Relay {
        fn drop(&mut self) {
            // Connections that are open end with their own two sides.
            self.accepting.abort();
            let _ = fs::remove_dir_all(&self.folder);
        }
    }

    /// The options for connections without delay; the same ones where that is not needed or not
    /// possible.
    pub(in super::super) fn without_delay(
        options: PgConnectOptions,
    ) -> (PgConnectOptions, Option<Relay>) {
        if options.get_socket().is_some() || options.get_host().starts_with('/') {
            return (options, None);
        }
        match listen(options.get_host(), options.get_port()) {
            Ok(relay) => (options.socket(&relay.folder), Some(relay)),
            Err(error) => {
                tracing::warn!(%error, "no socket for Postgres connections: every commit takes 40 ms longer");
                (options, None)
            }
        }
    }

    fn listen(host: &str, port: u16) -> io::Result<Relay> {
        let name = format!(
            "hum-postgres-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        make_private(&folder)?;
        let listener = UnixListener::bind(folder.join(format!(".s.PGSQL.{port}")))?;
        let host = host.to_owned();
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(relay(near, host.clone(), port));
            }
        });
        Ok(Relay { folder, accepting })
    }

    /// A folder that nobody else can look into, and that nobody else made.
    fn make_private(folder: &Path) -> io::Result<()> {
        // Left by a process that had the same number and was killed; what belongs to others cannot
        // be removed.
        let _ = fs::remove_dir_all(folder);
        fs::DirBuilder::new().mode(0o700).create(folder)
    }

    async fn relay(mut near: UnixStream, host: String, port: u16) -> io::Result<()> {
        let mut far = TcpStream::connect((host.as_str(), port)).await?;
        far.set_nodelay(true)?;
        copy_bidirectional_with_sizes(&mut near, &mut far, BUFFER, BUFFER)
            .await
            .map(drop)
    }
}
