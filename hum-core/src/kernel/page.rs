//! Paging through lists.

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many items at most: 1 to 200.
    pub limit: u32,
    /// The cursor that the previous page ended with.
    pub after: Option<Cursor>,
}

impl Page {
    /// How many items a page has when nobody says.
    pub const DEFAULT_LIMIT: u32 = 50;
    /// How many items a page has at most.
    pub const MAX_LIMIT: u32 = 200;

    /// The first page of `limit` items.
    pub fn first(limit: u32) -> Self {
        Self { limit, after: None }
    }
}

/// The sort key of the last item of a page. Opaque outside the store that made it.
///
/// A cursor that the store cannot read is `StoreError::BadCursor`, which people see as 422.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// One page and where the next one starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// The items, in the list's order. Fewer than were asked for, or none, need not be the last
    /// ones.
    pub items: Vec<T>,
    /// `None` on the last page.
    pub next: Option<Cursor>,
}
