//! Writes an index from cells that come in order.

use std::io::{self, Write};

use super::{
    OfferRecord,
    format::{BLOCK, CELL, HEADER, Header, OFFER, PROVIDER, Section, Text},
};

/// A section that is being written.
pub struct SectionWriter<W> {
    out: W,
    crc: crc32fast::Hasher,
    len: u64,
}

impl<W: Write> SectionWriter<W> {
    /// An empty one.
    pub fn new(out: W) -> Self {
        Self {
            out,
            crc: crc32fast::Hasher::new(),
            len: 0,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.crc.update(bytes);
        self.len += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    fn finish(self) -> (W, u64, u32) {
        (self.out, self.len, self.crc.finalize())
    }
}

/// A provider of the table.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct ProviderName {
    /// The FCC registration number.
    pub frn: u64,
    /// The FCC's id of the provider.
    pub provider_id: u64,
    /// As people know it.
    pub brand: String,
}

/// What the header says besides sections.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The name of the data set.
    pub data_set: String,
    /// Who says so.
    pub source: String,
    /// The release.
    pub vintage: String,
    /// Rows that were read.
    pub rows: u64,
    /// … of them for businesses only.
    pub business_rows: u64,
    /// Bad rows that were skipped.
    pub bad_rows: u64,
}

/// A block of a cell: its number, the locations known and its offers.
pub struct BlockEntry {
    /// The census block.
    pub geoid: u64,
    /// Locations known.
    pub known: u32,
    /// Where its offers end in the offers of the blocks of the cell.
    pub offers_end: usize,
}

/// The sections that grow with the data. Where they are kept until the end is up to the caller.
pub struct IndexWriter<W> {
    offers: SectionWriter<W>,
    blocks: SectionWriter<W>,
    cells: SectionWriter<W>,
    locations: u64,
    buffer: Vec<u8>,
}

/// What is left to do when all cells are written: the three sections, and the rest of the file.
pub struct Written<W> {
    /// Offers, blocks, cells.
    pub sections: [W; 3],
    /// The first bytes of the file.
    pub header: [u8; HEADER],
    /// Providers and strings: the last bytes of the file.
    pub tail: Vec<u8>,
}

impl<W: Write> IndexWriter<W> {
    /// Nothing yet.
    pub fn new(offers: W, blocks: W, cells: W) -> Self {
        Self {
            offers: SectionWriter::new(offers),
            blocks: SectionWriter::new(blocks),
            cells: SectionWriter::new(cells),
            locations: 0,
            buffer: Vec::new(),
        }
    }

    /// How many cells were written.
    pub fn cells(&self) -> u64 {
        self.cells.len / CELL as u64
    }

    /// Adds a cell; `block_offers` are those of all blocks one after another.
    pub fn cell(
        &mut self,
        cell: u64,
        known: u32,
        own: &[OfferRecord],
        blocks: &[BlockEntry],
        block_offers: &[OfferRecord],
    ) -> io::Result<()> {
        let first_offer = self.offers.len / OFFER as u64;
        let first_block =
            u32::try_from(self.blocks.len / BLOCK as u64).map_err(|_| too_many("blocks"))?;
        self.buffer.clear();
        for offer in own.iter().chain(block_offers) {
            self.buffer.extend(offer.provider.to_le_bytes());
            self.buffer.extend([offer.technology, offer.flags]);
            self.buffer.extend(offer.download.to_le_bytes());
            self.buffer.extend(offer.upload.to_le_bytes());
            self.buffer.extend(offer.served.to_le_bytes());
        }
        self.offers.write(&self.buffer)?;
        self.buffer.clear();
        for block in blocks {
            let end = u32::try_from(own.len() + block.offers_end)
                .map_err(|_| too_many("offers of a cell"))?;
            self.buffer.extend(block.geoid.to_le_bytes());
            self.buffer.extend(block.known.to_le_bytes());
            self.buffer.extend(end.to_le_bytes());
        }
        self.blocks.write(&self.buffer)?;
        self.buffer.clear();
        self.buffer.extend(cell.to_le_bytes());
        self.buffer.extend(first_offer.to_le_bytes());
        for number in [first_block, known, own.len() as u32, blocks.len() as u32] {
            self.buffer.extend(number.to_le_bytes());
        }
        self.locations += u64::from(known);
        self.cells.write(&self.buffer)
    }

    /// No more cells come. `providers` are in the order of their numbers.
    pub fn finish(self, providers: &[ProviderName], about: &About) -> io::Result<Written<W>> {
        let mut strings = Vec::new();
        let mut text = |value: &str| -> io::Result<Text> {
            let offset = u32::try_from(strings.len()).map_err(|_| too_many("names"))?;
            strings.extend(value.as_bytes());
            Ok(Text {
                offset,
                len: value.len() as u32,
            })
        };
        let [data_set, source, vintage] = [
            text(&about.data_set)?,
            text(&about.source)?,
            text(&about.vintage)?,
        ];
        let mut tail = Vec::with_capacity(providers.len() * PROVIDER);
        for provider in providers {
            let brand = text(&provider.brand)?;
            tail.extend(provider.frn.to_le_bytes());
            tail.extend(provider.provider_id.to_le_bytes());
            tail.extend(brand.offset.to_le_bytes());
            tail.extend(brand.len.to_le_bytes());
        }
        let mut at = HEADER as u64;
        let mut section = |len: u64, crc: u32| {
            let section = Section {
                offset: at,
                len,
                crc,
                width: 0,
            };
            at += len;
            section
        };
        let (offers, offers_len, offers_crc) = self.offers.finish();
        let (blocks, blocks_len, blocks_crc) = self.blocks.finish();
        let (cells, cells_len, cells_crc) = self.cells.finish();
        let mut header = Header {
            rows: about.rows,
            business_rows: about.business_rows,
            bad_rows: about.bad_rows,
            locations: self.locations,
            offers: section(offers_len, offers_crc),
            blocks: section(blocks_len, blocks_crc),
            cells: section(cells_len, cells_crc),
            providers: section(tail.len() as u64, crc32fast::hash(&tail)),
            strings: section(strings.len() as u64, crc32fast::hash(&strings)),
            data_set,
            source,
            vintage,
            file_len: 0,
        };
        header.file_len = at;
        tail.extend(strings);
        Ok(Written {
            sections: [offers, blocks, cells],
            header: header.to_bytes(),
            tail,
        })
    }
}

fn too_many(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("more {what} than the format can count"),
    )
}
