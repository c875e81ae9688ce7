use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use hum_core::id;

use crate::error::ApiError;

/// The first id of the path. What cannot be an id is answered like one that does not exist.
pub(crate) struct Id<T>(pub T);

/// The first two ids of the path.
pub(crate) struct Id2<T, U>(pub T, pub U);

fn parse<T: id::Id>(text: Option<&str>) -> Result<T, ApiError> {
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| ApiError::not_found(T::KIND))
}

/// The parameters of hum's own template: when the router is nested below another template, that
/// one's come first.
async fn last<const N: usize, S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<[String; N]> {
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let values: Vec<String> = params.iter().map(|(_, value)| value.to_owned()).collect();
    let skip = values.len().checked_sub(N)?;
    values
        .into_iter()
        .skip(skip)
        .collect::<Vec<_>>()
        .try_into()
        .ok()
}

/// The last parameter of the path, whatever it is: a token that cannot be one is like one that
/// expired.
pub(crate) struct Token(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Token {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Ok(Self(
            last::<1, S>(parts, state)
                .await
                .map(|[token]| token)
                .unwrap_or_default(),
        ))
    }
}

impl<T: id::Id, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = last::<1, S>(parts, state).await;
        Ok(Self(parse(params.as_ref().map(|[id]| id.as_str()))?))
    }
}

impl<T: id::Id, U: id::Id, S: Send + Sync> FromRequestParts<S> for Id2<T, U> {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = last::<2, S>(parts, state).await;
        let [first, second] = params.map_or([None, None], |params| params.map(Some));
        Ok(Self(parse(first.as_deref())?, parse(second.as_deref())?))
    }
}
