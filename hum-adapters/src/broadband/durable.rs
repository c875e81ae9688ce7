//! Files that are there whole or not at all, also when the power fails.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::Path,
};

/// Replaces a file: its readers see the old bytes or the new ones, never some of both.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    publish(&beside, path)
}

/// Gives a written and synced file its name.
pub fn publish(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(to)
}

/// Makes the names in the folder of a file durable.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // Elsewhere a folder cannot be opened; the rename itself is as durable as that system makes it.
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Takes a lock that the system frees when this process ends, however it ends. `None`: another
/// process has it.
pub fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::create(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
