use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::{
    api::guard::{admit, operation_of},
    app::App,
    edge::Label,
    error::{ApiError, ErrorCode},
};

/// Puts the guard before the routes of one path: the same key, role and scope as everywhere, and the rate limit.
pub(super) fn guarded(app: &App, (schemas, paths, routes): UtoipaMethodRouter<App>) -> UtoipaMethodRouter<App> {
    let path = paths.paths.keys().next().cloned().unwrap_or_default();
    let state = (app.clone(), Arc::from(path));
    (schemas, paths, routes.route_layer(middleware::from_fn_with_state(state, guard)))
}

async fn guard(State((app, path)): State<(App, Arc<str>)>, request: Request, next: Next) -> Response {
    let Some(operation) = operation_of(request.method(), &path) else {
        return crate::error::no_such_path().await.into_response();
    };
    let (mut response, standing) = match admit(&app, operation, request).await {
        Ok(request) => {
            let key = request.extensions().get::<hum_core::access::Caller>().and_then(|caller| caller.key);
            let standing = app.session_limit.count(key);
            match standing.filter(|standing| standing.is_over()) {
                Some(over) => (too_many(over.retry_after()), standing),
                None => (next.run(request).await, standing),
            }
        }
        Err(refused) => (refused.into_response(), None),
    };
    if let Some(standing) = standing {
        standing.write(&mut response);
    }
    response.extensions_mut().insert(Label(operation.id));
    response
}

fn too_many(seconds: u64) -> Response {
    let error = ApiError::new(ErrorCode::RateLimited, format!("too many requests; try again in {seconds} s"));
    let mut response = error.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}
