//! What stands before every operation: the table, the key, how often, the role, the scope.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{Method, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use hum_core::access::{Caller, Operation};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::{app::App, error::ApiError, metrics};

use super::rate_limit;

/// Puts the guard before the routes of one path. The path is taken from the routes themselves, so
/// it is the same wherever the router is nested.
pub(crate) fn guarded(
    app: &App,
    (schemas, paths, routes): UtoipaMethodRouter<App>,
) -> UtoipaMethodRouter<App> {
    let path = paths.paths.keys().next().cloned().unwrap_or_default();
    let state = (app.clone(), Arc::from(path));
    (
        schemas,
        paths,
        routes.route_layer(middleware::from_fn_with_state(state, guard)),
    )
}

async fn guard(
    State((app, path)): State<(App, Arc<str>)>,
    request: Request,
    next: Next,
) -> Response {
    let Some(operation) = operation_of(request.method(), &path) else {
        return crate::error::no_such_path().await.into_response();
    };
    metrics::name(&request, operation.id);
    let key = bearer(&request).unwrap_or_default();
    let caller = match app.hum.api_keys().authenticate(key).await {
        Ok(caller) => caller,
        Err(refused) => return ApiError::from(refused).into_response(),
    };
    let now = app.hum.clock().monotonic();
    let count = app.hum.rate_limits().count(&caller, operation.limit, now);
    let admitted = rate_limit::admit(&count).and_then(|()| admit(caller, operation, request));
    let mut response = match admitted {
        Ok(request) => next.run(request).await,
        Err(refused) => refused.into_response(),
    };
    rate_limit::write(&count, response.headers_mut());
    response
}

/// The row of the table. A route that is not in it is not served, whoever asks.
fn operation_of(method: &Method, path: &str) -> Option<&'static Operation> {
    Operation::find(
        if *method == Method::HEAD {
            "GET"
        } else {
            method.as_str()
        },
        path,
    )
}

/// Lets a request in if its key may.
fn admit(caller: Caller, operation: &Operation, mut request: Request) -> Result<Request, ApiError> {
    caller.may(operation)?;
    // An API beside this one may ignore what it does not know.
    let takes_query = ["list", "stream"]
        .iter()
        .any(|verb| operation.id.starts_with(verb));
    if operation.path.starts_with("/api/") && !takes_query {
        let query = request.uri().query().unwrap_or_default();
        if let Some((name, _)) = form_urlencoded::parse(query.as_bytes()).next() {
            return Err(ApiError::invalid(
                name,
                "there is no such query parameter here",
            ));
        }
    }
    request.extensions_mut().insert(caller.org);
    request.extensions_mut().insert(caller);
    Ok(request)
}

fn bearer(request: &Request) -> Option<&str> {
    let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
    let value = values
        .next()
        .filter(|_| values.next().is_none())?
        .to_str()
        .ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}
