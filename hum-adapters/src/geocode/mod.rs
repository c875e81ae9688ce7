//! Where an address is: from a table of ZIP codes without a network, from the US Census Bureau, from OpenStreetMap.

mod zip_table;

pub use zip_table::ZipTable;
