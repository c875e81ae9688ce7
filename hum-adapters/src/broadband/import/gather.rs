//! Makes cells of sorted rows: counts distinct locations and keeps the best speeds.
//!
//! Rows come sorted by cell, block and location, so a location that was counted is the one that was
//! counted last, and nothing is kept but the offers of one block and one cell. A location has one
//! cell and one block in the FCC's data: the figures of a cell are the sums of those of its blocks.

use std::io::{self, Write};

use super::row::{Audience, Fields, Row};
use crate::broadband::index::{
    OfferRecord,
    format::{ALL_TECHNOLOGIES, BUSINESS, CODE_R, CODE_X, HIGH_LATENCY, LOW_LATENCY},
    writer::{BlockEntry, IndexWriter},
};

/// Takes rows in order, gives cells to an index.
pub struct Gatherer<'a, W> {
    index: IndexWriter<W>,
    /// The final number of each provider number in the rows.
    numbers: &'a [u16],
    cell: u64,
    own: Vec<Offer>,
    known: u32,
    block: u64,
    current: Vec<Offer>,
    block_known: u32,
    last_location: u64,
    blocks: Vec<BlockEntry>,
    block_offers: Vec<OfferRecord>,
    own_offers: Vec<OfferRecord>,
}

/// Whoever offers something: a provider with a technology (or all of them), for homes or for
/// businesses.
struct Offer {
    key: u32,
    flags: u8,
    download: u32,
    upload: u32,
    served: u32,
    last_location: u64,
}

/// No location: they have ten digits.
const NOWHERE: u64 = u64::MAX;

impl<'a, W: Write> Gatherer<'a, W> {
    /// `numbers` has the final number of each provider number in the rows.
    pub fn new(index: IndexWriter<W>, numbers: &'a [u16]) -> Self {
        Self {
            index,
            numbers,
            cell: 0,
            own: Vec::new(),
            known: 0,
            block: 0,
            current: Vec::new(),
            block_known: 0,
            last_location: NOWHERE,
            blocks: Vec::new(),
            block_offers: Vec::new(),
            own_offers: Vec::new(),
        }
    }

    /// The next row in order.
    pub fn add(&mut self, row: Row) -> io::Result<()> {
        let fields = row.fields();
        if fields.cell != self.cell {
            self.end_cell()?;
            self.cell = fields.cell;
        }
        if fields.block != self.block {
            self.end_block();
            self.block = fields.block;
        }
        if fields.location != self.last_location {
            self.last_location = fields.location;
            self.block_known += 1;
        }
        let number = u32::from(
            self.numbers
                .get(usize::from(fields.provider))
                .copied()
                .unwrap_or(fields.provider),
        );
        let (audience, flags) = match fields.audience {
            Audience::Business => (1, BUSINESS),
            Audience::Residential => (0, CODE_R),
            Audience::Both => (0, CODE_X),
        };
        let flags = flags
            | if fields.low_latency {
                LOW_LATENCY
            } else {
                HIGH_LATENCY
            };
        let provider = number << 9 | audience << 8;
        count(
            &mut self.current,
            provider | u32::from(fields.technology),
            flags,
            &fields,
        );
        count(
            &mut self.current,
            provider | u32::from(ALL_TECHNOLOGIES),
            flags,
            &fields,
        );
        Ok(())
    }

    /// No more rows come.
    pub fn finish(mut self) -> io::Result<IndexWriter<W>> {
        self.end_cell()?;
        Ok(self.index)
    }

    fn end_block(&mut self) {
        if self.current.is_empty() {
            return;
        }
        self.current.sort_unstable_by_key(|offer| offer.key);
        for offer in &self.current {
            add_to_cell(&mut self.own, offer);
        }
        records(&self.current, &mut self.block_offers);
        self.blocks.push(BlockEntry {
            geoid: self.block,
            known: self.block_known,
            offers_end: self.block_offers.len(),
        });
        self.known += self.block_known;
        self.current.clear();
        self.block_known = 0;
        self.last_location = NOWHERE;
    }

    fn end_cell(&mut self) -> io::Result<()> {
        self.end_block();
        if self.blocks.is_empty() {
            return Ok(());
        }
        self.own.sort_unstable_by_key(|offer| offer.key);
        records(&self.own, &mut self.own_offers);
        self.index.cell(
            self.cell,
            self.known,
            &self.own_offers,
            &self.blocks,
            &self.block_offers,
        )?;
        self.own.clear();
        self.known = 0;
        self.own_offers.clear();
        self.blocks.clear();
        self.block_offers.clear();
        Ok(())
    }
}

/// A block has a handful of offers: looking at each is quicker than hashing.
fn count(offers: &mut Vec<Offer>, key: u32, flags: u8, fields: &Fields) {
    let Some(offer) = offers.iter_mut().find(|offer| offer.key == key) else {
        offers.push(Offer {
            key,
            flags,
            download: fields.download,
            upload: fields.upload,
            served: 1,
            last_location: fields.location,
        });
        return;
    };
    offer.flags |= flags;
    offer.download = offer.download.max(fields.download);
    offer.upload = offer.upload.max(fields.upload);
    if offer.last_location != fields.location {
        offer.last_location = fields.location;
        offer.served += 1;
    }
}

fn add_to_cell(own: &mut Vec<Offer>, more: &Offer) {
    match own.iter_mut().find(|offer| offer.key == more.key) {
        Some(offer) => {
            offer.flags |= more.flags;
            offer.download = offer.download.max(more.download);
            offer.upload = offer.upload.max(more.upload);
            offer.served += more.served;
        }
        None => own.push(Offer {
            last_location: NOWHERE,
            ..*more
        }),
    }
}

/// Sorted offers as records; all technologies together only when there are several.
fn records(sorted: &[Offer], records: &mut Vec<OfferRecord>) {
    for provider in sorted.chunk_by(|a, b| a.key >> 8 == b.key >> 8) {
        // The last one is all of them together.
        let shown = if provider.len() == 2 {
            1
        } else {
            provider.len()
        };
        records.extend(provider.iter().take(shown).map(|offer| OfferRecord {
            provider: (offer.key >> 9) as u16,
            technology: offer.key as u8,
            flags: offer.flags,
            download: offer.download,
            upload: offer.upload,
            served: offer.served,
        }));
    }
}
