//! Writes the index of merged runs, reads it back, and puts it in the place of the one before.

use std::{
    fs::{self, File},
    io::{BufWriter, Seek, SeekFrom, Write},
    path::Path,
};

use super::{
    FCC, INDEX_FILE, Imported, Progress,
    error::{ImportError, io_error},
    gather::Gatherer,
    manifest::Manifest,
    merge::Merge,
    rows::Providers,
};
use crate::broadband::{
    durable,
    index::{
        Index, check,
        format::HEADER,
        writer::{About, IndexWriter},
    },
};

/// Makes the index of all runs and publishes it.
pub fn publish(
    folder: &Path,
    work: &Path,
    manifest: &Manifest,
    progress: &mut dyn FnMut(Progress),
) -> Result<Imported, ImportError> {
    let path = work.join(INDEX_FILE);
    let about = About {
        data_set: format!("fcc-bdc-{}", manifest.vintage),
        source: FCC.into(),
        vintage: manifest.vintage.clone(),
        rows: manifest.rows,
        business_rows: manifest.business_rows,
        bad_rows: manifest.bad_rows,
    };
    let (providers, numbers) = Providers::new(manifest.providers.clone()).sorted();
    write(
        work, &path, manifest, &providers, &numbers, &about, progress,
    )?;
    progress(Progress::Checking);
    check::check_file(&path)?;
    let (_, index) = Index::open(&path)?;
    let published = folder.join(INDEX_FILE);
    durable::publish(&path, &published).map_err(io_error("write", &published))?;
    Ok(Imported {
        data_set: about.data_set,
        rows: manifest.rows,
        business_rows: manifest.business_rows,
        bad_rows: manifest.bad_rows,
        resumed_rows: 0,
        cells: index.cell_count(),
        locations: index.header().locations,
        providers: providers.len(),
        path: published,
    })
}

fn write(
    work: &Path,
    path: &Path,
    manifest: &Manifest,
    providers: &[crate::broadband::index::writer::ProviderName],
    numbers: &[u16],
    about: &About,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), ImportError> {
    let failed = || io_error("write", path);
    let create = |path: &Path| {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path);
        file.map(|file| BufWriter::with_capacity(1 << 18, file))
            .map_err(io_error("write", path))
    };
    // Blocks and cells are kept beside, since they come after the offers in the file.
    let (blocks_path, cells_path) = (work.join("blocks.section"), work.join("cells.section"));
    let mut out = create(path)?;
    out.write_all(&[0; HEADER]).map_err(failed())?;
    let mut gatherer = Gatherer::new(
        IndexWriter::new(out, create(&blocks_path)?, create(&cells_path)?),
        numbers,
    );
    let of = manifest.runs.iter().map(|run| run.rows).sum();
    for (row, count) in Merge::new(work, &manifest.runs)?.zip(1..) {
        gatherer.add(row?).map_err(failed())?;
        if count % (1 << 20) == 0 {
            progress(Progress::Merging { rows: count, of });
        }
    }
    let written = gatherer
        .finish()
        .and_then(|index| index.finish(providers, about))
        .map_err(failed())?;
    let [mut out, blocks, cells] = written.sections;
    for section in [blocks, cells] {
        let mut section = section
            .into_inner()
            .map_err(|error| failed()(error.into_error()))?;
        section.seek(SeekFrom::Start(0)).map_err(failed())?;
        std::io::copy(&mut section, &mut out).map_err(failed())?;
    }
    out.write_all(&written.tail).map_err(failed())?;
    let mut out = out
        .into_inner()
        .map_err(|error| failed()(error.into_error()))?;
    out.seek(SeekFrom::Start(0))
        .and_then(|_| out.write_all(&written.header))
        .map_err(failed())?;
    out.sync_all().map_err(failed())?;
    for path in [blocks_path, cells_path] {
        fs::remove_file(&path).map_err(io_error("remove", &path))?;
    }
    Ok(())
}
