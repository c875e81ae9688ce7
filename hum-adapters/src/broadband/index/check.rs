//! Reads every byte of an index and believes nothing.

use std::{io::Read, path::Path};

use super::{
    Damaged, Index, IndexError, OfferRecord,
    format::{ALL_TECHNOLOGIES, BLOCK, HEADER, OFFER},
};
use crate::broadband::technology;

/// How much of the file is mapped and looked at before it is mapped anew. Pages that were looked at
/// count as memory of this process until then, and an index may be larger than the memory.
const AT_ONCE: u64 = 32 << 20;

/// Compares the checksums, and every record with its neighbours.
///
/// # Errors
/// The first contradiction.
pub fn check_file(path: &Path) -> Result<(), IndexError> {
    checksums(path)?;
    let mut walk = Walk::default();
    while !walk.some_cells(&Index::open(path)?.1)? {}
    Ok(())
}

/// Reads the file from its start to its end, without mapping it.
fn checksums(path: &Path) -> Result<(), IndexError> {
    let (mut file, index) = Index::open(path)?;
    let mut read = || -> std::io::Result<Option<u64>> {
        let mut buffer = vec![0; 1 << 18];
        file.read_exact(&mut buffer[..HEADER])?;
        for (number, (_, section, _)) in index.header().sections().into_iter().enumerate() {
            let mut crc = crc32fast::Hasher::new();
            let mut rest = Read::take(&mut file, section.len);
            loop {
                let count = rest.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                crc.update(&buffer[..count]);
            }
            if crc.finalize() != section.crc {
                return Ok(Some(number as u64));
            }
        }
        Ok(None)
    };
    match read() {
        Ok(None) => Ok(()),
        Ok(Some(number)) => Err(wrong("section", number, "has another checksum").into()),
        Err(source) => Err(IndexError::Io {
            path: path.display().to_string(),
            source,
        }),
    }
}

/// How far the records were checked.
#[derive(Default)]
struct Walk {
    cells: u64,
    last: u64,
    locations: u64,
    blocks: u64,
    offers: u64,
}

impl Walk {
    /// Checks some more; true when all cells were checked.
    fn some_cells(&mut self, index: &Index) -> Result<bool, Damaged> {
        let providers = index.provider_count();
        if self.cells == 0 {
            for number in 0..providers {
                index.provider(
                    u16::try_from(number)
                        .map_err(|_| wrong("provider", number, "has too high a number"))?,
                )?;
            }
        }
        let until = self.offers + AT_ONCE / OFFER as u64;
        while self.cells < index.cell_count() {
            if self.offers > until {
                return Ok(false);
            }
            self.cell(index, providers)?;
        }
        let header = index.header();
        let all = self.locations == header.locations
            && self.blocks == header.blocks.len / BLOCK as u64
            && self.offers == header.offers.len / OFFER as u64;
        if all {
            Ok(true)
        } else {
            Err(wrong("header", 0, "counts something else than there is"))
        }
    }

    fn cell(&mut self, index: &Index, providers: u64) -> Result<(), Damaged> {
        let cell = index.cell(self.cells)?;
        if cell.cell <= self.last || h3o::CellIndex::try_from(cell.cell).is_err() {
            return Err(wrong("cell", self.cells, "is out of order or no cell"));
        }
        self.last = cell.cell;
        self.locations += u64::from(cell.known);
        self.offers += offers(index.cell_offers(&cell)?, cell.known, providers)?;
        let (mut known, mut last_block) = (0, None);
        for block in index.blocks(&cell)? {
            if last_block.is_some_and(|last| block.geoid <= last) {
                return Err(wrong("block", block.geoid, "is out of order"));
            }
            last_block = Some(block.geoid);
            known += u64::from(block.known);
            self.blocks += 1;
            self.offers += offers(index.block_offers(&block)?, block.known, providers)?;
        }
        if known != u64::from(cell.known) {
            return Err(wrong(
                "cell",
                self.cells,
                "knows another number of locations than its blocks",
            ));
        }
        self.cells += 1;
        Ok(())
    }
}

/// How many there are, if all make sense.
fn offers(
    offers: impl Iterator<Item = OfferRecord>,
    known: u32,
    providers: u64,
) -> Result<u64, Damaged> {
    let mut count = 0;
    for offer in offers {
        let technology = offer.technology == ALL_TECHNOLOGIES
            || technology::from_code(offer.technology).is_some();
        if !technology
            || u64::from(offer.provider) >= providers
            || offer.served == 0
            || offer.served > known
        {
            return Err(wrong("offer", u64::from(offer.provider), "makes no sense"));
        }
        count += 1;
    }
    Ok(count)
}

fn wrong(what: &'static str, number: u64, why: &'static str) -> Damaged {
    Damaged { what, number, why }
}
