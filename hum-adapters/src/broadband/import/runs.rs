//! Sorted runs of rows on the disk: the halves of an external sort.

use std::{
    fs::File,
    io::{BufWriter, Read, Write},
    path::Path,
};

use super::{
    error::{ImportError, io_error},
    manifest::Run,
    row::{ROW, Row},
};

/// Writes a run. It is durable when this returns; nobody looks at it before the manifest names it.
///
/// # Errors
/// The disk.
pub fn write(
    work: &Path,
    file: String,
    rows: impl Iterator<Item = Result<Row, ImportError>>,
) -> Result<Run, ImportError> {
    let path = work.join(&file);
    let out = File::create(&path).map_err(io_error("write", &path))?;
    let mut out = BufWriter::with_capacity(1 << 18, out);
    let mut crc = crc32fast::Hasher::new();
    let mut count = 0;
    let mut buffer = Vec::with_capacity(ROW * 1024);
    let mut flush = |buffer: &mut Vec<u8>, out: &mut BufWriter<File>| {
        crc.update(buffer);
        let written = out.write_all(buffer);
        buffer.clear();
        written
    };
    for row in rows {
        buffer.extend(row?.to_bytes());
        count += 1;
        if buffer.len() == ROW * 1024 {
            flush(&mut buffer, &mut out).map_err(io_error("write", &path))?;
        }
    }
    flush(&mut buffer, &mut out).map_err(io_error("write", &path))?;
    let out = out
        .into_inner()
        .map_err(|error| io_error("write", &path)(error.into_error()))?;
    out.sync_all().map_err(io_error("write", &path))?;
    Ok(Run {
        file,
        rows: count,
        crc: crc.finalize(),
    })
}

/// A run that is being read. Damage is noticed at its end at the latest.
pub struct RunReader {
    input: File,
    run: Run,
    path: String,
    left: u64,
    crc: crc32fast::Hasher,
    chunk: Vec<u8>,
    at: usize,
}

impl RunReader {
    /// Opens a run; it takes about `memory` bytes.
    ///
    /// # Errors
    /// It is not there, or shorter or longer than it was.
    pub fn open(work: &Path, run: &Run, memory: usize) -> Result<Self, ImportError> {
        let path = work.join(&run.file);
        let file = File::open(&path).map_err(io_error("open", &path))?;
        let len = file.metadata().map_err(io_error("read", &path))?.len();
        let path = path.display().to_string();
        if len != run.rows * ROW as u64 {
            return Err(ImportError::DamagedWork {
                path,
                why: "another length than it was written with".into(),
            });
        }
        let chunk = Vec::with_capacity((memory / ROW).max(16) * ROW);
        Ok(Self {
            input: file,
            run: run.clone(),
            path,
            left: run.rows,
            crc: crc32fast::Hasher::new(),
            chunk,
            at: 0,
        })
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// The disk, or another checksum than the run was written with.
    pub fn next_row(&mut self) -> Result<Option<Row>, ImportError> {
        if self.at == self.chunk.len() {
            if self.left == 0 {
                return Ok(None);
            }
            self.fill()?;
        }
        let bytes = self
            .chunk
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<ROW>());
        self.at += ROW;
        Ok(bytes.map(Row::from_bytes))
    }

    fn fill(&mut self) -> Result<(), ImportError> {
        let want = (self.chunk.capacity() as u64 / ROW as u64).min(self.left);
        self.chunk.resize(want as usize * ROW, 0);
        let path = Path::new(&self.path);
        self.input
            .read_exact(&mut self.chunk)
            .map_err(io_error("read", path))?;
        self.crc.update(&self.chunk);
        self.left -= want;
        self.at = 0;
        if self.left == 0 && self.crc.clone().finalize() != self.run.crc {
            return Err(ImportError::DamagedWork {
                path: self.path.clone(),
                why: "another checksum than it was written with".into(),
            });
        }
        Ok(())
    }
}
