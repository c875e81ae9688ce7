use std::collections::BTreeMap;

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hum_core::page::{Cursor, Page, Paged};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;

/// Which part of a list is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only describes the parameters")]
pub(crate) struct PageParams {
    /// How many items at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// The query of a list: its page and its filter. Anything else in the query is refused.
pub(crate) struct List<F> {
    /// Which part.
    pub page: Page,
    /// Which items.
    pub filter: F,
}

/// A list that cannot be filtered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFilter {}

/// A query without a page.
pub(crate) struct Filter<F>(pub F);

fn query(parts: &Parts) -> Result<BTreeMap<String, String>, ApiError> {
    let mut params = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        if value.contains('\0') {
            return Err(ApiError::invalid(name, "must not contain a NUL character"));
        }
        if params
            .insert(name.clone().into_owned(), value.into_owned())
            .is_some()
        {
            return Err(ApiError::invalid(name, "must be given once"));
        }
    }
    Ok(params)
}

fn filter<F: DeserializeOwned>(params: BTreeMap<String, String>) -> Result<F, ApiError> {
    let texts: serde_json::Map<String, Value> = params
        .into_iter()
        .map(|(name, text)| (name, Value::String(text)))
        .collect();
    serde_path_to_error::deserialize(Value::Object(texts)).map_err(|error| {
        let name = error.path().to_string();
        ApiError::invalid(name, error.into_inner().to_string())
    })
}

fn number(name: &str, text: Option<String>, default: u32, max: u32) -> Result<u32, ApiError> {
    let Some(text) = text else { return Ok(default) };
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| ApiError::invalid(name, format!("must be a number from 1 to {max}")))
}

/// How many, from a query that has other things too.
fn limit(params: &mut BTreeMap<String, String>) -> Result<u32, ApiError> {
    number(
        "limit",
        params.remove("limit"),
        Page::DEFAULT_LIMIT,
        Page::MAX_LIMIT,
    )
}

impl<F: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for List<F> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut params = query(parts)?;
        let limit = limit(&mut params)?;
        let after = params
            .remove("cursor")
            .map(|cursor| open(&cursor))
            .transpose()?;
        Ok(Self {
            page: Page { limit, after },
            filter: filter(params)?,
        })
    }
}

impl<F: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Filter<F> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(filter(query(parts)?)?))
    }
}

/// Cursors are opaque to clients; what is inside may hold any character.
fn open(text: &str) -> Result<Cursor, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let cursor = bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .filter(|cursor| !cursor.contains('\0'));
    cursor.map(Cursor).ok_or_else(|| {
        ApiError::invalid(
            "cursor",
            "not a cursor of this list; start again without it",
        )
    })
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct PageView<T> {
    /// The items, in the list's order. With several filters there may be fewer than `limit`, or
    /// none, although there are more: go on while there is a `next_cursor`.
    pub data: Vec<T>,
    /// Where the next page starts; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T> PageView<T> {
    /// A page as clients see it.
    pub fn of<U>(paged: Paged<U>, view: impl FnMut(U) -> T) -> Self {
        Self {
            data: paged.items.into_iter().map(view).collect(),
            next_cursor: paged.next.map(|cursor| URL_SAFE_NO_PAD.encode(cursor.0)),
        }
    }
}
