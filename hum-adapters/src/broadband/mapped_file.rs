//! The one place where a file becomes memory.

use std::{fs::File, io, path::Path};

use memmap2::Mmap;

/// Maps a whole file for reading.
#[expect(
    unsafe_code,
    reason = "a mapping is sound only as long as nobody changes the file; see the safety argument"
)]
pub fn map(path: &Path) -> io::Result<(File, Mmap)> {
    let file = File::open(path)?;
    // SAFETY: nobody may change or shorten the file while it is mapped. The importer never writes
    // to a published file: it writes another one and renames it over this name, so this mapping
    // keeps the old file, whole, until it is dropped. What the bytes say is trusted by nobody:
    // every read goes through the bounds of the slice.
    let mapped = unsafe { Mmap::map(&file)? };
    Ok((file, mapped))
}
