//! A row of an FCC file in 24 bytes whose order is the order of the index.

use crate::broadband::technology;

/// Cell, block, location, then the rest, packed so that comparing three numbers sorts.
///
/// | Word | Bits |
/// |---|---|
/// | 0 | 31 of the cell, 33 upper ones of the block |
/// | 1 | 17 lower ones of the block, 34 of the location, 4 technology, 2 code, 1 latency, 6 empty |
/// | 2 | 16 of the provider, 24 download, 24 upload |
///
/// A cell of resolution 8 has 31 bits of its own: base cell and eight digits. A block has 15
/// digits, less than 2^50; a location has 10 digits, less than 2^34.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row(pub [u64; 3]);

/// Bytes of a row in a run.
pub const ROW: usize = 24;

/// What all H3 indexes of resolution 8 share: mode 1, resolution 8, and seven unused digits of
/// ones.
const CELL_FRAME: u64 = 0x0880_0000_001f_ffff;

/// The highest block.
pub const MAX_BLOCK: u64 = 999_999_999_999_999;
/// The highest location.
pub const MAX_LOCATION: u64 = 9_999_999_999;
/// The highest speed, Mbit/s.
pub const MAX_SPEED: u64 = (1 << 24) - 1;

/// For whom (`business_residential_code`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// B.
    Business,
    /// R.
    Residential,
    /// X.
    Both,
}

/// The fields of a row. Ranges were checked by whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// H3 index of resolution 8.
    pub cell: u64,
    /// Up to [`MAX_BLOCK`].
    pub block: u64,
    /// Up to [`MAX_LOCATION`].
    pub location: u64,
    /// Number of the provider.
    pub provider: u16,
    /// The FCC's code.
    pub technology: u8,
    /// For whom.
    pub audience: Audience,
    /// Whether latency is low.
    pub low_latency: bool,
    /// Up to [`MAX_SPEED`].
    pub download: u32,
    /// Up to [`MAX_SPEED`].
    pub upload: u32,
}

impl Row {
    /// Packs.
    pub fn new(fields: &Fields) -> Self {
        let technology = technology::CODES
            .iter()
            .position(|code| *code == fields.technology)
            .unwrap_or(0) as u64;
        Self([
            (fields.cell >> 21 & 0x7fff_ffff) << 33 | fields.block >> 17,
            (fields.block & 0x1_ffff) << 47
                | fields.location << 13
                | technology << 9
                | (fields.audience as u64) << 7
                | u64::from(fields.low_latency) << 6,
            u64::from(fields.provider) << 48
                | u64::from(fields.download) << 24
                | u64::from(fields.upload),
        ])
    }

    /// Unpacks.
    pub fn fields(self) -> Fields {
        let [first, second, third] = self.0;
        Fields {
            cell: self.cell(),
            block: (first & 0x1_ffff_ffff) << 17 | second >> 47,
            location: second >> 13 & 0x3_ffff_ffff,
            provider: (third >> 48) as u16,
            technology: technology::CODES
                .get((second >> 9 & 0xf) as usize)
                .copied()
                .unwrap_or(0),
            audience: match second >> 7 & 3 {
                0 => Audience::Business,
                1 => Audience::Residential,
                _ => Audience::Both,
            },
            low_latency: second >> 6 & 1 == 1,
            download: (third >> 24 & 0xff_ffff) as u32,
            upload: (third & 0xff_ffff) as u32,
        }
    }

    /// The H3 index.
    pub fn cell(self) -> u64 {
        (self.0[0] >> 33) << 21 | CELL_FRAME
    }

    /// Little-endian.
    pub fn to_bytes(self) -> [u8; ROW] {
        let mut bytes = [0; ROW];
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *chunk = word.to_le_bytes();
        }
        bytes
    }

    /// The reverse.
    pub fn from_bytes(bytes: &[u8; ROW]) -> Self {
        let words = bytes.as_chunks::<8>().0;
        Self([
            u64::from_le_bytes(words[0]),
            u64::from_le_bytes(words[1]),
            u64::from_le_bytes(words[2]),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_unpacks_to_what_was_packed_at_every_limit() {
        for (block, location, provider, speed) in [
            (1, 1, 0, 0),
            (MAX_BLOCK, MAX_LOCATION, u16::MAX, MAX_SPEED as u32),
            (260_770_011_001_003, 1_130_459_917, 7, 940),
        ] {
            for (number, technology) in technology::CODES.into_iter().enumerate() {
                let fields = Fields {
                    cell: 0x0882_aa84_58df_ffff,
                    block,
                    location,
                    provider,
                    technology,
                    audience: [Audience::Business, Audience::Residential, Audience::Both]
                        [number % 3],
                    low_latency: number % 2 == 0,
                    download: speed,
                    upload: speed / 2,
                };
                let row = Row::new(&fields);
                assert_eq!(row.fields(), fields);
                assert_eq!(Row::from_bytes(&row.to_bytes()), row);
            }
        }
    }

    #[test]
    fn rows_sort_by_cell_then_block_then_location() {
        let row = |cell: u64, block, location, provider| {
            Row::new(&Fields {
                cell,
                block,
                location,
                provider,
                technology: 50,
                audience: Audience::Both,
                low_latency: true,
                download: 1,
                upload: 1,
            })
        };
        let sorted = [
            row(0x0882_aa84_58df_ffff, MAX_BLOCK, MAX_LOCATION, 9),
            row(0x0882_aa84_59df_ffff, 1, MAX_LOCATION, 9),
            row(0x0882_aa84_59df_ffff, 1 << 17, 1, 8),
            row(0x0882_aa84_59df_ffff, 1 << 17, 2, 1),
        ];
        assert!(sorted.is_sorted());
    }
}
