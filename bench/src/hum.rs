//! hum's program: its commands, and the server that is measured.

use std::{
    ffi::OsStr,
    io,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use crate::database::Database;

/// The server, as shipped. `data` is its data directory, and it runs in `folder`.
pub fn serve(
    program: &Path,
    database: &Database,
    data: &Path,
    folder: &Path,
    address: SocketAddr,
) -> Command {
    let mut command = on(program, database, data);
    command
        .arg("serve")
        .current_dir(folder)
        .env("HUM_BIND", address.to_string());
    command
}

/// What a command prints.
pub fn ask(
    program: &Path,
    database: &Database,
    data: &Path,
    arguments: &[&OsStr],
) -> io::Result<String> {
    let mut command = on(program, database, data);
    command.args(arguments).stdin(Stdio::null());
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!(
            "{:?} failed: {said}",
            command.get_args()
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn on(program: &Path, database: &Database, data: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("HUM_DATABASE_URL", database.url())
        .env("HUM_DATA_DIR", data)
        .env("HUM_LOG", "warn");
    command
}
