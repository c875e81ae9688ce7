//! What the bytes of an index mean. Version 1.
//!
//! Everything is little-endian, and every record has a fixed width. The header is followed by the
//! sections in this order, without gaps:
//!
//! | Section | Record | Order |
//! |---|---|---|
//! | offers | 16 bytes | the offers of a cell, then those of its first block, of its second …; then the next cell |
//! | blocks | 16 bytes | by cell, then by census block |
//! | cells | 32 bytes | by cell |
//! | providers | 24 bytes | by FRN, provider id, brand |
//! | strings | bytes | brands and names, UTF-8 |
//!
//! **Header, 512 bytes.** What is not listed is zero.
//!
//! | At | | |
//! |---|---|---|
//! | 0 | 8 bytes | `HUMBBMAP` |
//! | 8 | u32 | version of the format |
//! | 12 | u32 | length of the header |
//! | 16 | u64 | length of the file: a shorter file was cut off |
//! | 24 | u64 | rows that were read |
//! | 32 | u64 | … of them for businesses only |
//! | 40 | u64 | bad rows that were skipped |
//! | 48 | u64 | locations known |
//! | 56 | 5 × 24 bytes | per section: offset u64, length u64, CRC-32 u32, width of a record u32 |
//! | 176 | 3 × 8 bytes | data set, source, vintage: offset into the strings u32, length u32 |
//! | 508 | u32 | CRC-32 of the 508 bytes before |
//!
//! **Cell.** H3 cell u64; its first offer u64; its first block u32; locations known u32; how many
//! offers are the cell's own u32; how many blocks u32.
//!
//! **Block.** Census block u64 (its 15 digits as a number); locations known u32; end of its offers
//! u32, counted from the cell's first offer. They begin where those of the block before end, or
//! where the cell's own end.
//!
//! **Offer.** Provider u16; technology u8 (the FCC's code, or 255: all technologies of the provider
//! together, written only when it has more than one); flags u8; best download u32 and upload u32,
//! Mbit/s; distinct locations served u32. Offers are sorted by provider, audience, technology.
//!
//! **Provider.** FRN u64; provider id u64; brand: offset u32, length u32.
//!
//! The figures of a cell are not the sum of anything else in the file that a reader would have to
//! add up: an answer needs the record of the cell, that of one block, and their offers. A location
//! has one block and one cell, so figures of cells may be added to each other, and those of blocks
//! too.
//!
//! The header has its own checksum and is checked when the index is opened. The sections' checksums
//! are checked at the end of an import and by `hum import check`, not at the start of a server:
//! that would read the whole file. A reader checks every offset instead, so damage is an error and
//! never a wild read.

/// The first bytes of an index.
pub const MAGIC: [u8; 8] = *b"HUMBBMAP";
/// The version that is written and read.
pub const VERSION: u32 = 1;
/// Bytes of the header.
pub const HEADER: usize = 512;
/// Bytes of a cell's record.
pub const CELL: usize = 32;
/// Bytes of a block's record.
pub const BLOCK: usize = 16;
/// Bytes of an offer's record.
pub const OFFER: usize = 16;
/// Bytes of a provider's record.
pub const PROVIDER: usize = 24;

/// The technology of the record that counts all technologies of a provider together.
pub const ALL_TECHNOLOGIES: u8 = 255;
/// Flag: for businesses only (`business_residential_code` B). Without it: for homes (R, X).
pub const BUSINESS: u8 = 1;
/// Flag: some row says that latency is low.
pub const LOW_LATENCY: u8 = 2;
/// Flag: some row says that latency is not low.
pub const HIGH_LATENCY: u8 = 4;
/// Flag: some row is for homes only (R).
pub const CODE_R: u8 = 8;
/// Flag: some row is for homes and businesses (X).
pub const CODE_X: u8 = 16;

/// Offset, length and checksum of a section.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Section {
    /// From the start of the file.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
    /// CRC-32 of them.
    pub crc: u32,
    /// Width of a record.
    pub width: u32,
}

/// A text in the strings section.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Text {
    /// From the start of the section.
    pub offset: u32,
    /// Bytes.
    pub len: u32,
}

/// The header, parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the whole file.
    pub file_len: u64,
    /// Rows that were read.
    pub rows: u64,
    /// Rows for businesses only.
    pub business_rows: u64,
    /// Bad rows that were skipped.
    pub bad_rows: u64,
    /// Locations known.
    pub locations: u64,
    /// See the module.
    pub offers: Section,
    /// See the module.
    pub blocks: Section,
    /// See the module.
    pub cells: Section,
    /// See the module.
    pub providers: Section,
    /// See the module.
    pub strings: Section,
    /// Such as `fcc-bdc-J25-14nov2025`.
    pub data_set: Text,
    /// Who says so.
    pub source: Text,
    /// Such as `J25-14nov2025`.
    pub vintage: Text,
}

impl Header {
    /// The sections in the order of the file, with the width that their records must have.
    pub fn sections(&self) -> [(&'static str, Section, usize); 5] {
        [
            ("offers", self.offers, OFFER),
            ("blocks", self.blocks, BLOCK),
            ("cells", self.cells, CELL),
            ("providers", self.providers, PROVIDER),
            ("strings", self.strings, 1),
        ]
    }

    /// The bytes of the header, with its checksum.
    pub fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((HEADER as u32).to_le_bytes());
        for number in [
            self.file_len,
            self.rows,
            self.business_rows,
            self.bad_rows,
            self.locations,
        ] {
            bytes.extend(number.to_le_bytes());
        }
        for (_, section, width) in self.sections() {
            bytes.extend(section.offset.to_le_bytes());
            bytes.extend(section.len.to_le_bytes());
            bytes.extend(section.crc.to_le_bytes());
            bytes.extend((width as u32).to_le_bytes());
        }
        for text in [self.data_set, self.source, self.vintage] {
            bytes.extend(text.offset.to_le_bytes());
            bytes.extend(text.len.to_le_bytes());
        }
        bytes.resize(HEADER - 4, 0);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        let mut header = [0; HEADER];
        header.copy_from_slice(&bytes);
        header
    }

    /// Reads a header and checks whatever can be checked without the rest of the file.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub fn parse(file: &[u8]) -> Result<Self, String> {
        let Some(bytes) = file.get(..HEADER) else {
            return Err("it is too short".into());
        };
        if bytes[..8] != MAGIC {
            return Err("it begins with something else".into());
        }
        let version = u32_at(bytes, 8);
        if version != VERSION {
            return Err(format!(
                "its format is version {version}, and this hum reads version {VERSION}"
            ));
        }
        if u32_at(bytes, 12) as usize != HEADER
            || u32_at(bytes, HEADER - 4) != crc32fast::hash(&bytes[..HEADER - 4])
        {
            return Err("its header is damaged".into());
        }
        let section = |at: usize| Section {
            offset: u64_at(bytes, at),
            len: u64_at(bytes, at + 8),
            crc: u32_at(bytes, at + 16),
            width: u32_at(bytes, at + 20),
        };
        let text = |at: usize| Text {
            offset: u32_at(bytes, at),
            len: u32_at(bytes, at + 4),
        };
        let header = Self {
            file_len: u64_at(bytes, 16),
            rows: u64_at(bytes, 24),
            business_rows: u64_at(bytes, 32),
            bad_rows: u64_at(bytes, 40),
            locations: u64_at(bytes, 48),
            offers: section(56),
            blocks: section(80),
            cells: section(104),
            providers: section(128),
            strings: section(152),
            data_set: text(176),
            source: text(184),
            vintage: text(192),
        };
        if header.file_len != file.len() as u64 {
            return Err(format!(
                "it has {} bytes, and its header says {}: was it cut off?",
                file.len(),
                header.file_len
            ));
        }
        for (name, section, width) in header.sections() {
            let end = section.offset.checked_add(section.len);
            let fits =
                section.offset >= HEADER as u64 && end.is_some_and(|end| end <= header.file_len);
            if !fits || section.width as usize != width || section.len % width as u64 != 0 {
                return Err(format!("its section {name} does not fit"));
            }
        }
        Ok(header)
    }
}

/// Four bytes as a number. The caller has checked that they are there.
pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Eight bytes as a number. The caller has checked that they are there.
pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
