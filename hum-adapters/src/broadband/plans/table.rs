//! CSV files with plans: rows by the names in the first line.

use std::collections::BTreeMap;

use super::read::PlanProblem;

/// A CSV file as texts by column, in lower case as written there.
pub struct Table {
    /// The names in the first line.
    pub names: Vec<String>,
    /// Line number and values; empty values are left out.
    pub rows: Vec<(u64, BTreeMap<String, String>)>,
}

/// Reads a whole file.
pub fn read(bytes: &[u8], problems: &mut Vec<PlanProblem>) -> Table {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let mut table = Table {
        names: Vec::new(),
        rows: Vec::new(),
    };
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let row = error.position().map_or(0, csv::Position::line);
                problems.push(PlanProblem::new(
                    row,
                    "(all)",
                    "",
                    format!("readable as CSV in UTF-8: {error}"),
                ));
                return table;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if table.names.is_empty() {
            table.names = record
                .iter()
                .map(|name| name.trim_start_matches('\u{feff}').trim().to_lowercase())
                .collect();
            continue;
        }
        if record.len() != table.names.len() {
            let right = format!(
                "{} values long like the first line; a value with a comma needs quotes",
                table.names.len()
            );
            problems.push(PlanProblem::new(
                line,
                "(all)",
                &format!("{} values", record.len()),
                right,
            ));
            continue;
        }
        let values = table
            .names
            .iter()
            .cloned()
            .zip(record.iter().map(str::to_owned))
            .filter(|(_, value)| !value.is_empty());
        table.rows.push((line, values.collect()));
    }
    table
}
