//! Reads an index without trusting a byte of it.

use std::{ops::Range, path::Path};

use memmap2::Mmap;

use super::{
    Damaged, IndexError,
    format::{BLOCK, CELL, HEADER, Header, OFFER, PROVIDER, Section, Text, u32_at, u64_at},
};
use crate::broadband::mapped_file;

/// An index, mapped or in memory.
pub struct Index {
    bytes: Bytes,
    header: Header,
}

enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Bytes {
    fn all(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped,
            Self::Owned(owned) => owned,
        }
    }
}

/// What is known about a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellRecord {
    /// The H3 index.
    pub cell: u64,
    /// Locations known.
    pub known: u32,
    first_offer: u64,
    first_block: u32,
    own_offers: u32,
    blocks: u32,
}

/// What is known about the part of a census block in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRecord {
    /// Its 15 digits as a number.
    pub geoid: u64,
    /// Locations known.
    pub known: u32,
    offers: Range<u64>,
}

/// What a provider reports for a technology, or for all of its technologies together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferRecord {
    /// Number of the provider.
    pub provider: u16,
    /// The FCC's code, or [`super::format::ALL_TECHNOLOGIES`].
    pub technology: u8,
    /// See [`super::format`].
    pub flags: u8,
    /// Mbit/s.
    pub download: u32,
    /// Mbit/s.
    pub upload: u32,
    /// Distinct locations.
    pub served: u32,
}

/// Who.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRecord<'a> {
    /// The FCC registration number.
    pub frn: u64,
    /// The FCC's id of the provider.
    pub provider_id: u64,
    /// As people know it.
    pub brand: &'a str,
}

impl Index {
    /// Maps the file and checks its header. The same time for every size.
    ///
    /// # Errors
    /// The file is not there, something else, cut off or of another version.
    pub fn open(path: &Path) -> Result<(std::fs::File, Self), IndexError> {
        let shown = || path.display().to_string();
        let (file, mapped) = mapped_file::map(path).map_err(|source| IndexError::Io {
            path: shown(),
            source,
        })?;
        let header =
            Header::parse(&mapped).map_err(|why| IndexError::Foreign { path: shown(), why })?;
        Ok((
            file,
            Self {
                bytes: Bytes::Mapped(mapped),
                header,
            },
        ))
    }

    /// An index that was made in memory.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, IndexError> {
        let header = Header::parse(&bytes).map_err(|why| IndexError::Foreign {
            path: "the index in memory".into(),
            why,
        })?;
        Ok(Self {
            bytes: Bytes::Owned(bytes),
            header,
        })
    }

    /// Counts and sections.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Names these very bytes: the checksum of the header, which has the checksums of everything
    /// else.
    pub fn fingerprint(&self) -> u32 {
        u32_at(self.bytes.all(), HEADER - 4)
    }

    /// How many cells there are.
    pub fn cell_count(&self) -> u64 {
        self.header.cells.len / CELL as u64
    }

    /// How many providers there are.
    pub fn provider_count(&self) -> u64 {
        self.header.providers.len / PROVIDER as u64
    }

    /// The name of the data set.
    pub fn data_set(&self) -> &str {
        self.text(self.header.data_set).unwrap_or("unnamed")
    }

    /// Who says so.
    pub fn source(&self) -> &str {
        self.text(self.header.source).unwrap_or("unnamed")
    }

    /// The release.
    pub fn vintage(&self) -> &str {
        self.text(self.header.vintage).unwrap_or("unnamed")
    }

    /// The record of a cell.
    ///
    /// # Errors
    /// The file contradicts itself.
    pub fn find(&self, cell: u64) -> Result<Option<CellRecord>, Damaged> {
        let cells = self.section(self.header.cells);
        let (mut low, mut high) = (0, cells.len() / CELL);
        while low < high {
            let middle = low + (high - low) / 2;
            match u64_at(cells, middle * CELL).cmp(&cell) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.cell(middle as u64).map(Some),
            }
        }
        Ok(None)
    }

    /// The record of the cell with a number.
    ///
    /// # Errors
    /// There is no such number.
    pub fn cell(&self, number: u64) -> Result<CellRecord, Damaged> {
        let record = self.record(self.header.cells, CELL, number).ok_or(damaged(
            "cell",
            number,
            "is not there",
        ))?;
        Ok(CellRecord {
            cell: u64_at(record, 0),
            first_offer: u64_at(record, 8),
            first_block: u32_at(record, 16),
            known: u32_at(record, 20),
            own_offers: u32_at(record, 24),
            blocks: u32_at(record, 28),
        })
    }

    /// What is offered in a cell.
    ///
    /// # Errors
    /// The file contradicts itself.
    pub fn cell_offers(
        &self,
        cell: &CellRecord,
    ) -> Result<impl Iterator<Item = OfferRecord> + Clone + '_, Damaged> {
        let end = cell.first_offer.checked_add(u64::from(cell.own_offers));
        let end = end.ok_or(damaged("cell", cell.cell, "has offers beyond all numbers"))?;
        self.offers(cell.first_offer..end)
    }

    /// The blocks of a cell, by number.
    ///
    /// # Errors
    /// The file contradicts itself.
    pub fn blocks(
        &self,
        cell: &CellRecord,
    ) -> Result<impl Iterator<Item = BlockRecord> + '_, Damaged> {
        let records = self.block_bytes(cell)?;
        let (first, own) = (cell.first_offer, cell.own_offers);
        Ok((0..records.len() / BLOCK).map(move |at| block_at(records, at, first, own)))
    }

    /// The part of a block that is in a cell.
    ///
    /// # Errors
    /// The file contradicts itself.
    pub fn find_block(
        &self,
        cell: &CellRecord,
        geoid: u64,
    ) -> Result<Option<BlockRecord>, Damaged> {
        let records = self.block_bytes(cell)?;
        let (mut low, mut high) = (0, records.len() / BLOCK);
        while low < high {
            let middle = low + (high - low) / 2;
            match u64_at(records, middle * BLOCK).cmp(&geoid) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    return Ok(Some(block_at(
                        records,
                        middle,
                        cell.first_offer,
                        cell.own_offers,
                    )));
                }
            }
        }
        Ok(None)
    }

    /// What is offered in a block.
    ///
    /// # Errors
    /// The file contradicts itself.
    pub fn block_offers(
        &self,
        block: &BlockRecord,
    ) -> Result<impl Iterator<Item = OfferRecord> + Clone + '_, Damaged> {
        self.offers(block.offers.clone())
    }

    /// Who has a number.
    ///
    /// # Errors
    /// Nobody, or the name is not readable.
    pub fn provider(&self, number: u16) -> Result<ProviderRecord<'_>, Damaged> {
        let number = u64::from(number);
        let record = self
            .record(self.header.providers, PROVIDER, number)
            .ok_or(damaged("provider", number, "is not there"))?;
        let brand = Text {
            offset: u32_at(record, 16),
            len: u32_at(record, 20),
        };
        let brand = self
            .text(brand)
            .ok_or(damaged("provider", number, "has no readable name"))?;
        Ok(ProviderRecord {
            frn: u64_at(record, 0),
            provider_id: u64_at(record, 8),
            brand,
        })
    }

    /// The bytes of a section.
    pub fn section(&self, section: Section) -> &[u8] {
        // The header was checked: the section lies in the file.
        self.bytes
            .all()
            .get(section.offset as usize..(section.offset + section.len) as usize)
            .unwrap_or_default()
    }

    fn text(&self, text: Text) -> Option<&str> {
        let (start, len) = (text.offset as usize, text.len as usize);
        std::str::from_utf8(
            self.section(self.header.strings)
                .get(start..start.checked_add(len)?)?,
        )
        .ok()
    }

    fn record(&self, section: Section, width: usize, number: u64) -> Option<&[u8]> {
        let start = usize::try_from(number).ok()?.checked_mul(width)?;
        self.section(section).get(start..start.checked_add(width)?)
    }

    fn block_bytes(&self, cell: &CellRecord) -> Result<&[u8], Damaged> {
        let start = cell.first_block as usize * BLOCK;
        let end = start + cell.blocks as usize * BLOCK;
        self.section(self.header.blocks)
            .get(start..end)
            .ok_or(damaged("cell", cell.cell, "has blocks that are not there"))
    }

    fn offers(
        &self,
        range: Range<u64>,
    ) -> Result<impl Iterator<Item = OfferRecord> + Clone + '_, Damaged> {
        let wrong = damaged("offer", range.start, "is not there");
        let start = usize::try_from(range.start)
            .ok()
            .and_then(|start| start.checked_mul(OFFER))
            .ok_or(wrong)?;
        let end = usize::try_from(range.end)
            .ok()
            .and_then(|end| end.checked_mul(OFFER))
            .ok_or(wrong)?;
        let bytes = self
            .section(self.header.offers)
            .get(start..end)
            .ok_or(wrong)?;
        Ok(bytes
            .as_chunks::<OFFER>()
            .0
            .iter()
            .map(|record| OfferRecord {
                provider: u16::from_le_bytes([record[0], record[1]]),
                technology: record[2],
                flags: record[3],
                download: u32_at(record, 4),
                upload: u32_at(record, 8),
                served: u32_at(record, 12),
            }))
    }
}

fn block_at(records: &[u8], at: usize, first_offer: u64, own_offers: u32) -> BlockRecord {
    let begin = if at == 0 {
        own_offers
    } else {
        u32_at(records, at * BLOCK - 4)
    };
    let end = u32_at(records, at * BLOCK + 12);
    // Beyond all numbers is beyond the file too: reading the offers says so.
    let offers =
        first_offer.saturating_add(u64::from(begin))..first_offer.saturating_add(u64::from(end));
    BlockRecord {
        geoid: u64_at(records, at * BLOCK),
        known: u32_at(records, at * BLOCK + 8),
        offers,
    }
}

const fn damaged(what: &'static str, number: u64, why: &'static str) -> Damaged {
    Damaged { what, number, why }
}
