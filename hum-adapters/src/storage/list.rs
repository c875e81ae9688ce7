//! Lists: the statement of a page, so that a page costs the same however long the list is.
//!
//! An index has the rows of a list in the list's order. A condition that no index has together with
//! the others is looked for in a window: a page then looks at the next rows of the list, as many as
//! [`WINDOW`], and may find fewer than were asked for, with a cursor to go on.

use hum_core::{
    page::{Cursor, Page},
    record::{Row, Table, Value},
    store::StoreError,
};

use super::table;

/// How many rows a page looks at when it looks for what no index knows.
const WINDOW: usize = 500;

/// Which database a statement is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// A list of one organization's rows, which is `$1`.
pub(crate) struct List {
    /// The columns of the order; the last one tells all rows apart.
    order: &'static [&'static str],
    falling: bool,
    /// A column that is the same in all rows, and stands before the order's in the index.
    lead: Option<(&'static str, Value)>,
    /// What the index knows beside the organization. More than one: the list is several, merged.
    parts: Vec<String>,
    /// From `$2` on, what the parts say.
    params: Vec<Value>,
    /// What no index knows.
    rest: Vec<(&'static str, Value)>,
    /// The order's columns where the page before ended.
    after: Option<Vec<Value>>,
    /// The index that SQLite must take.
    index: Option<&'static str>,
}

impl List {
    /// In the order of these columns.
    pub(crate) fn rising(order: &'static [&'static str]) -> Self {
        Self {
            order,
            falling: false,
            lead: None,
            parts: vec![String::new()],
            params: Vec::new(),
            rest: Vec::new(),
            after: None,
            index: None,
        }
    }

    /// The same, the other way round.
    pub(crate) fn falling(order: &'static [&'static str]) -> Self {
        Self {
            falling: true,
            ..Self::rising(order)
        }
    }

    /// Only rows of which an index knows this. It is text, not a parameter: only then may a partial
    /// index be used.
    pub(crate) fn only(mut self, condition: &str) -> Self {
        for part in &mut self.parts {
            part.push_str(" AND ");
            part.push_str(condition);
        }
        self
    }

    /// Only rows of which an index knows this, such as `column =`, or rows so few that none needs
    /// to.
    pub(crate) fn with(mut self, condition: &str, value: Value) -> Self {
        let slot = take(&mut self.params, value);
        self.only(&format!("{condition} {slot}"))
    }

    /// Only rows in which `column`, with which `index` begins, is `value`. Said as a range, by which
    /// the list is also ordered: where few values are frequent, Postgres would otherwise prefer to
    /// look for this one among all rows.
    pub(crate) fn led_by(self, index: &'static str, column: &'static str, value: Value) -> Self {
        Self {
            lead: Some((column, value)),
            ..self.by(index)
        }
    }

    /// Rows of which an index knows this, such as `column =`, of one of these words of ours, which
    /// is text for the same reason.
    pub(crate) fn either(self, condition: &str, words: &[&str]) -> Self {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        self.one_of(condition, &quoted)
    }

    /// The same with parameters, so that only an index that has the column may be used.
    pub(crate) fn with_either(mut self, condition: &str, words: &[&str]) -> Self {
        let slots: Vec<String> = words
            .iter()
            .map(|word| take(&mut self.params, (*word).into()))
            .collect();
        self.one_of(condition, &slots)
    }

    fn one_of(mut self, condition: &str, values: &[String]) -> Self {
        self.parts = values
            .iter()
            .flat_map(|value| {
                let parts = self.parts.iter();
                parts.map(move |part| format!("{part} AND {condition} {value}"))
            })
            .collect();
        self
    }

    /// Only rows with this, such as `column =`, which no index knows.
    pub(crate) fn sifted(mut self, condition: &'static str, value: Value) -> Self {
        self.rest.push((condition, value));
        self
    }

    /// Only what comes after these values of the order's columns.
    pub(crate) fn after<const N: usize>(self, values: Option<[Value; N]>) -> Self {
        Self {
            after: values.map(Vec::from),
            ..self
        }
    }

    /// SQLite, which takes every organization for a small one, is told the index.
    pub(crate) fn by(self, index: &'static str) -> Self {
        Self {
            index: Some(index),
            ..self
        }
    }

    /// The statement that finds the last row of the window, and its parameters after the
    /// organization; `None` when there is nothing to look for.
    pub(crate) fn end_of_window(
        &self,
        engine: Engine,
        table: &Table,
    ) -> Option<(String, Vec<Value>)> {
        if self.rest.is_empty() {
            return None;
        }
        let mut params = self.params.clone();
        let range = self.range(None, &mut params);
        let selects = self.selects(engine, &self.order.join(", "), table, &range);
        let before = WINDOW - 1;
        let last = format!("LIMIT 1 OFFSET {before}");
        let end = self.merged(engine, &selects, &format!("LIMIT {WINDOW}"), &last);
        Some((end, params))
    }

    /// The statement that finds `limit` rows, not beyond the row at `end`, and its parameters after
    /// the organization.
    pub(crate) fn rows(
        &self,
        engine: Engine,
        table: &Table,
        end: Option<&[Value]>,
        limit: usize,
    ) -> (String, Vec<Value>) {
        let mut params = self.params.clone();
        let mut further = self.range(end, &mut params);
        for (condition, value) in &self.rest {
            let slot = take(&mut params, value.clone());
            further.push_str(&format!(" AND {condition} {slot}"));
        }
        let limit = format!("LIMIT {}", take(&mut params, Value::Int(limit as i64)));
        let selects = self.selects(engine, table::of(table).columns(), table, &further);
        (self.merged(engine, &selects, &limit, &limit), params)
    }

    /// The rows of each part.
    fn selects(&self, engine: Engine, columns: &str, table: &Table, further: &str) -> Vec<String> {
        let by = match (engine, self.index) {
            (Engine::Sqlite, Some(index)) => format!(" INDEXED BY {index}"),
            _ => String::new(),
        };
        let name = table.name;
        let select =
            |part| format!("SELECT {columns} FROM {name}{by} WHERE org_id = $1{part}{further}");
        self.parts.iter().map(select).collect()
    }

    /// The parts in the list's order; `each` is how much of each part may be needed.
    fn merged(&self, engine: Engine, selects: &[String], each: &str, all: &str) -> String {
        let way = if self.falling { " DESC" } else { "" };
        let lead = self.lead.iter().map(|(column, _)| column);
        let columns: Vec<String> = lead
            .chain(self.order)
            .map(|column| format!("{column}{way}"))
            .collect();
        let order = format!("ORDER BY {}", columns.join(", "));
        let parts = match (engine, selects) {
            (_, [one]) => one.clone(),
            (Engine::Sqlite, parts) => parts.join(" UNION ALL "),
            // Postgres keeps the order of an index within a part only if the part asks for it.
            (Engine::Postgres, parts) => {
                let parts: Vec<String> = parts
                    .iter()
                    .map(|part| format!("({part} {order} {each})"))
                    .collect();
                parts.join(" UNION ALL ")
            }
        };
        format!("{parts} {order} {all}")
    }

    /// After the page before, up to the row at `end` and with it.
    fn range(&self, end: Option<&[Value]>, params: &mut Vec<Value>) -> String {
        let after = self.after.as_deref();
        let bounds = if self.falling {
            [("<", "<=", after), (">=", ">=", end)]
        } else {
            [(">", ">=", after), ("<=", "<=", end)]
        };
        let mut range = String::new();
        for (of_row, of_lead, row) in bounds {
            let (mut columns, mut values) = (Vec::new(), Vec::new());
            if let Some((column, value)) = &self.lead {
                columns.push(*column);
                values.push(value);
            }
            if let Some(row) = row {
                columns.extend(self.order);
                values.extend(row);
            }
            let slots: Vec<String> = values
                .into_iter()
                .map(|value| take(params, value.clone()))
                .collect();
            let is = if row.is_some() { of_row } else { of_lead };
            // Both databases compare pairs in the order of their index.
            match (columns.as_slice(), slots.as_slice()) {
                ([], _) => {}
                ([column], [slot]) => range.push_str(&format!(" AND {column} {is} {slot}")),
                _ => {
                    let (columns, slots) = (columns.join(", "), slots.join(", "));
                    range.push_str(&format!(" AND ({columns}) {is} ({slots})"));
                }
            }
        }
        range
    }

    /// The cursor of a page that ends with `row`.
    pub(crate) fn cursor_at(&self, row: &Row) -> Cursor {
        let values: Vec<Value> = self
            .order
            .iter()
            .map(|column| row.get(column).clone())
            .collect();
        Self::cursor(&values)
    }

    /// The cursor of a page that ends with these values of the order's columns.
    pub(crate) fn cursor(values: &[Value]) -> Cursor {
        let texts: Vec<String> = values
            .iter()
            .map(|value| match value {
                Value::Text(text) => text.clone(),
                Value::Int(int) => int.to_string(),
                // Nothing is ordered by these.
                Value::Null | Value::Bool(_) | Value::Bytes(_) => String::new(),
            })
            .collect();
        Cursor(texts.join("."))
    }
}

/// Adds a parameter after the organization, and answers how the statement calls it.
fn take(params: &mut Vec<Value>, value: Value) -> String {
    params.push(value);
    format!("${}", params.len() + 1)
}

/// What a cursor says, if this list made it.
pub(crate) fn after<T: std::str::FromStr>(page: &Page) -> Result<Option<T>, StoreError> {
    page.after
        .as_ref()
        .map(|cursor| cursor.0.parse().map_err(|_| StoreError::BadCursor))
        .transpose()
}
