//! Reads the rows of FCC availability files.
//!
//! Columns and their meaning: "BDC Specifications for Data Downloads from the National Broadband
//! Map", section 3.1.1, <https://www.fcc.gov/sites/default/files/bdc-data-downloads-output.pdf>.
//! They are found by their names, in any order; columns that are not needed, such as `state_usps`,
//! may be missing.

use std::{
    cell::Cell,
    collections::HashMap,
    io::{self, Read},
    rc::Rc,
};

use csv::{ByteRecord, Position, Reader, ReaderBuilder};

use super::{
    error::{BadRow, ImportError},
    row::{Audience, Fields, MAX_BLOCK, MAX_LOCATION, MAX_SPEED, Row},
};
use crate::broadband::{index::writer::ProviderName, technology};

/// What is needed of a row, in the order of [`Column`].
const COLUMNS: [&str; 11] = [
    "frn",
    "provider_id",
    "brand_name",
    "location_id",
    "technology",
    "max_advertised_download_speed",
    "max_advertised_upload_speed",
    "low_latency",
    "business_residential_code",
    "block_geoid",
    "h3_res8_id",
];

/// The first line of the FCC's files.
const FIRST_LINE: &str = "frn,provider_id,brand_name,location_id,technology,max_advertised_download_speed,\
    max_advertised_upload_speed,low_latency,business_residential_code,state_usps,block_geoid,h3_res8_id";

#[derive(Clone, Copy)]
enum Column {
    Frn,
    ProviderId,
    Brand,
    Location,
    Technology,
    Download,
    Upload,
    LowLatency,
    Code,
    Block,
    Cell,
}

/// A longer row is a mistake, such as a quote that nobody closed. It must not fill the memory.
const LONGEST_ROW: u64 = 4 << 20;

/// Stops a reader that runs away with a row.
struct Guarded<R> {
    inner: R,
    given: u64,
    row_began: Rc<Cell<u64>>,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given.saturating_sub(self.row_began.get()) > LONGEST_ROW {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a row is longer than 4 MiB: is a quote not closed?",
            ));
        }
        let read = self.inner.read(buffer)?;
        self.given += read as u64;
        Ok(read)
    }
}

/// The providers met so far; their numbers are the order in which they were met.
#[derive(Default)]
pub struct Providers {
    names: Vec<ProviderName>,
    numbers: HashMap<ProviderName, u16>,
    /// Rows of one provider mostly come together.
    last: Option<(ProviderName, u16)>,
}

impl Providers {
    /// Those that were met before.
    pub fn new(names: Vec<ProviderName>) -> Self {
        let numbers = names.iter().cloned().zip(0..).collect();
        Self {
            names,
            numbers,
            last: None,
        }
    }

    /// In the order of their numbers.
    pub fn names(&self) -> &[ProviderName] {
        &self.names
    }

    fn number(&mut self, frn: u64, provider_id: u64, brand: &str) -> Option<u16> {
        if let Some((last, number)) = &self.last
            && last.frn == frn
            && last.provider_id == provider_id
            && last.brand == brand
        {
            return Some(*number);
        }
        let name = ProviderName {
            frn,
            provider_id,
            brand: brand.to_owned(),
        };
        let number = match self.numbers.get(&name) {
            Some(number) => *number,
            None => {
                let number = u16::try_from(self.names.len()).ok()?;
                self.names.push(name.clone());
                self.numbers.insert(name.clone(), number);
                number
            }
        };
        self.last = Some((name, number));
        Some(number)
    }

    /// The providers in the order of the index, and the place there of each number. The order in
    /// which files were given must not change the index.
    pub fn sorted(&self) -> (Vec<ProviderName>, Vec<u16>) {
        let mut order: Vec<u16> = (0..self.names.len() as u16).collect();
        order.sort_by_key(|number| &self.names[usize::from(*number)]);
        let mut places = vec![0; order.len()];
        for (place, number) in order.iter().enumerate() {
            places[usize::from(*number)] = place as u16;
        }
        (
            order
                .iter()
                .map(|number| self.names[usize::from(*number)].clone())
                .collect(),
            places,
        )
    }
}

/// The rows of one file.
pub struct Rows<R> {
    reader: Reader<Guarded<R>>,
    record: ByteRecord,
    places: [usize; COLUMNS.len()],
    columns: usize,
    file: String,
    row_began: Rc<Cell<u64>>,
    last_cell: ([u8; 15], u64),
    /// With CR LF the parser counts a line only when it meets the next row: one too few.
    uncounted_lines: u64,
}

/// What comes next in a file.
pub enum Next {
    /// A row.
    Row(Row),
    /// A row that cannot be used.
    Bad(Box<BadRow>),
    /// Nothing.
    End,
}

impl<R: Read> Rows<R> {
    /// Reads the header. `file` names the input in sentences.
    ///
    /// # Errors
    /// A column is missing, or the file cannot be read.
    pub fn new(input: R, file: String) -> Result<Self, ImportError> {
        let row_began = Rc::new(Cell::new(0));
        let guarded = Guarded {
            inner: input,
            given: 0,
            row_began: Rc::clone(&row_began),
        };
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 18)
            .from_reader(guarded);
        let mut record = ByteRecord::new();
        reader
            .read_byte_record(&mut record)
            .map_err(|error| cannot_read(&file, error))?;
        let names: Vec<String> = record
            .iter()
            .map(|name| {
                String::from_utf8_lossy(name)
                    .trim_start_matches('\u{feff}')
                    .trim()
                    .to_ascii_lowercase()
            })
            .collect();
        let mut places = [0; COLUMNS.len()];
        for (place, column) in places.iter_mut().zip(COLUMNS) {
            *place = names
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| ImportError::NoColumn {
                    file: file.clone(),
                    column,
                    found: names.join(",").chars().take(200).collect(),
                    expected: FIRST_LINE,
                })?;
        }
        let uncounted_lines = 2_u64.saturating_sub(reader.position().line());
        Ok(Self {
            reader,
            record,
            places,
            columns: names.len(),
            file,
            row_began,
            last_cell: ([0; 15], 0),
            uncounted_lines,
        })
    }

    /// Where the next row begins: byte, and line from 1.
    pub fn position(&self) -> (u64, u64) {
        (self.reader.position().byte(), self.reader.position().line())
    }

    /// The next row; a provider that was not met before gets a number.
    ///
    /// # Errors
    /// The file cannot be read, or there are too many providers.
    pub fn next(&mut self, providers: &mut Providers) -> Result<Next, ImportError> {
        self.row_began.set(self.reader.position().byte());
        if !self
            .reader
            .read_byte_record(&mut self.record)
            .map_err(|error| cannot_read(&self.file, error))?
        {
            return Ok(Next::End);
        }
        if self.record.len() != self.columns {
            let line = self.line();
            return Ok(Next::Bad(Box::new(BadRow {
                file: self.file.clone(),
                line,
                column: "(all)",
                value: format!("{} values", self.record.len()),
                right: "as many values as the first line has names",
            })));
        }
        match self.parse(providers) {
            Ok(row) => Ok(Next::Row(row)),
            Err((Column::Brand, "one of at most 65,536 providers")) => Err(ImportError::Usage(
                "there are more than 65,536 providers: are these the right files?".into(),
            )),
            Err((column, right)) => Ok(Next::Bad(Box::new(BadRow {
                file: self.file.clone(),
                line: self.line(),
                column: COLUMNS[column as usize],
                value: String::from_utf8_lossy(self.field(column))
                    .chars()
                    .take(100)
                    .collect(),
                right,
            }))),
        }
    }

    /// Of the row that was read last.
    fn line(&self) -> u64 {
        self.record.position().map_or(0, Position::line) + self.uncounted_lines
    }

    fn field(&self, column: Column) -> &[u8] {
        self.record
            .get(self.places[column as usize])
            .unwrap_or_default()
    }

    fn number(
        &self,
        column: Column,
        max: u64,
        right: &'static str,
    ) -> Result<u64, (Column, &'static str)> {
        digits(self.field(column))
            .filter(|number| *number <= max)
            .ok_or((column, right))
    }

    fn parse(&mut self, providers: &mut Providers) -> Result<Row, (Column, &'static str)> {
        let text: [u8; 15] = self.field(Column::Cell).try_into().map_err(|_| {
            (
                Column::Cell,
                "an H3 cell of resolution 8: 15 hexadecimal digits",
            )
        })?;
        if self.last_cell.0 != text {
            self.last_cell = (
                text,
                cell(&text).ok_or((
                    Column::Cell,
                    "an H3 cell of resolution 8: 15 hexadecimal digits",
                ))?,
            );
        }
        let block = self.field(Column::Block);
        let block = if block.len() == 15 {
            digits(block)
        } else {
            None
        };
        let block = block
            .filter(|block| *block <= MAX_BLOCK)
            .ok_or((Column::Block, "a census block: 15 digits"))?;
        let location = self.number(
            Column::Location,
            MAX_LOCATION,
            "a location of at most 10 digits",
        )?;
        let technology = self.number(
            Column::Technology,
            72,
            "one of 0, 10, 40, 50, 60, 61, 70, 71, 72",
        )? as u8;
        if !technology::CODES.contains(&technology) {
            return Err((
                Column::Technology,
                "one of 0, 10, 40, 50, 60, 61, 70, 71, 72",
            ));
        }
        let low_latency = match self.field(Column::LowLatency) {
            b"1" | b"true" | b"True" | b"TRUE" | b"t" => true,
            b"0" | b"false" | b"False" | b"FALSE" | b"f" => false,
            _ => return Err((Column::LowLatency, "0 or 1")),
        };
        let audience = match self.field(Column::Code) {
            b"B" => Audience::Business,
            b"R" => Audience::Residential,
            b"X" => Audience::Both,
            _ => return Err((Column::Code, "B, R or X")),
        };
        let speed = "a whole number of Mbit/s below 16,777,216";
        let download = self.number(Column::Download, MAX_SPEED, speed)? as u32;
        let upload = self.number(Column::Upload, MAX_SPEED, speed)? as u32;
        let frn = self.number(
            Column::Frn,
            9_999_999_999,
            "an FCC registration number of at most 10 digits",
        )?;
        let provider_id = self.number(Column::ProviderId, u64::MAX, "a number")?;
        let brand = std::str::from_utf8(self.field(Column::Brand))
            .map_err(|_| (Column::Brand, "text in UTF-8"))?
            .trim();
        if brand.is_empty() || brand.len() > 1_000 {
            return Err((Column::Brand, "a name of 1 to 1,000 bytes"));
        }
        let provider = providers
            .number(frn, provider_id, brand)
            .ok_or((Column::Brand, "one of at most 65,536 providers"))?;
        let cell = self.last_cell.1;
        Ok(Row::new(&Fields {
            cell,
            block,
            location,
            provider,
            technology,
            audience,
            low_latency,
            download,
            upload,
        }))
    }
}

impl<R: Read + io::Seek> Rows<R> {
    /// Goes on at a place that [`Rows::position`] named.
    ///
    /// # Errors
    /// The file cannot be read there.
    pub fn seek(&mut self, byte: u64, line: u64) -> Result<(), ImportError> {
        let mut position = Position::new();
        position.set_byte(byte).set_line(line);
        let input = self.reader.get_mut();
        input.given = byte;
        self.row_began.set(byte);
        self.reader
            .seek(position)
            .map_err(|error| cannot_read(&self.file, error))
    }
}

impl<R: Read + io::Seek> io::Seek for Guarded<R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

fn cannot_read(file: &str, error: csv::Error) -> ImportError {
    let text = error.to_string();
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source) => source,
        _ => io::Error::new(io::ErrorKind::InvalidData, text),
    };
    ImportError::Io {
        doing: "read",
        path: file.to_owned(),
        source,
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    let mut number = 0;
    for digit in text {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        number = number * 10 + u64::from(value);
    }
    Some(number)
}

fn cell(text: &[u8; 15]) -> Option<u64> {
    let mut number = 0;
    for digit in text {
        number = number << 4 | u64::from((*digit as char).to_digit(16)?);
    }
    let cell = h3o::CellIndex::try_from(number).ok()?;
    (cell.resolution() == h3o::Resolution::Eight).then_some(number)
}
