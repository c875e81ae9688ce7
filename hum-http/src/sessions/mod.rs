//! Address sessions: `/sessions` and `/ping`, as the Hum API of letshum.com documents them (its
//! fourth generation), with evidence besides. Every answer, also every refusal, is in this API's
//! envelope.

mod envelope;
mod openapi;
mod request;
mod view;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use hum_core::address_session::{AddressSession, CreatedSession, Internet};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    api::guard::guarded,
    app::App,
    error::{ApiError, ErrorCode, no_such_path},
    extract::{Caller, Command, Token},
    openapi::Document,
    view::{Time, json},
};

use envelope::Empty;
use request::CreateSession;
use view::{Envelope, Meta, Providers, service_address};

pub(crate) use view::{
    AgentStatus, LocationView, SessionParams, candidates, location, service_address as address_of,
};

/// The routes of this API.
pub(crate) fn router(app: &App) -> Router<App> {
    let guarded = operations().into_iter().map(|routes| guarded(app, routes));
    let routes = guarded.fold(openapi::skeleton(), |router, routes| router.routes(routes));
    let (routes, description) = routes.split_for_parts();
    let document = std::sync::Arc::new(Document::new(description, openapi::complete));
    let show = move || async move {
        (
            [(header::CONTENT_TYPE, "application/json")],
            document.json().to_owned(),
        )
    };
    routes
        .route("/sessions/openapi.json", get(show))
        // What is not there below this path is of this API too, and refused in its envelope.
        .route("/sessions/", any(no_such_path))
        .nest("/sessions", Router::new().fallback(no_such_path))
}

fn operations() -> Vec<UtoipaMethodRouter<App>> {
    vec![
        routes!(create),
        routes!(show, close),
        routes!(internet),
        routes!(ping),
    ]
}

/// Puts whatever routes refuse into the envelope of this API.
pub(crate) fn in_envelopes(app: &App) -> impl Fn(Response) -> Response + Clone + use<> {
    let app = app.clone();
    move |response| envelope::render(response, &app)
}

fn gone() -> ApiError {
    ApiError::new(
        ErrorCode::Gone,
        "the session is expired or closed, or there never was one",
    )
}

/// `ok`, or `warning` when somebody should read the problems.
fn status_of(session: &AddressSession) -> &'static str {
    if session.found().has_issues() {
        "warning"
    } else {
        "ok"
    }
}

type Created<'a> = Envelope<Providers<'a>, Meta<'a>>;

fn created(created: &CreatedSession) -> Created<'_> {
    let CreatedSession {
        session,
        token,
        answered_at,
    } = created;
    let message = match (session.found().has_issues(), session.found().is_pending()) {
        (false, false) => "Session created successfully.",
        (false, true) => "Session created successfully; some agents are still at work.",
        (true, _) => "Session created, with issues; meta says which.",
    };
    Envelope {
        message: message.into(),
        request_status: status_of(session),
        data: Providers::of(session),
        meta: Meta::of(session, token.reveal(), *answered_at),
    }
}

/// Open a session for an address.
///
/// The answer has the providers that are known by then, and in `meta` the token for all later
/// requests. When `meta.agent_status` has a `pending` agent, ask `GET /sessions/{token}` every 2 to
/// 3 seconds.
#[utoipa::path(
    post,
    path = "/sessions",
    operation_id = "createSession",
    tag = "Sessions",
    request_body = CreateSession,
    responses(
        (
            status = 201,
            body = Envelope<Providers<'static>,
            Meta<'static>>,
            description = "Session created successfully.",
        ),
    ),
)]
async fn create(
    caller: Caller,
    State(app): State<App>,
    Command { body, once }: Command<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let request = request::read(&body)?;
    once.answer_with(
        |result| (201, json(created(result))),
        |result| long(StatusCode::CREATED, &created(&result)),
        |remember| {
            app.hum
                .address_sessions()
                .create(&caller, request, remember)
        },
    )
    .await
}

/// Where a session's address is.
#[derive(Serialize, ToSchema)]
#[schema(as = ServiceAddress)]
struct Found {
    /// Null until it is found.
    #[schema(example = "29090 TIFFANY DR E, SOUTHFIELD, MI 48034")]
    service_address: Option<String>,
}

/// Get the state of a session.
#[utoipa::path(
    get,
    path = "/sessions/{token}",
    operation_id = "getSession",
    tag = "Sessions",
    responses(
        (status = 200, body = Envelope<Found, Meta<'static>>, description = "Every agent is done."),
        (
            status = 202,
            body = Envelope<Found,
            Meta<'static>>,
            description = "Some agents are still at work.",
        ),
    ),
)]
async fn show(
    caller: Caller,
    State(app): State<App>,
    Token(token): Token,
) -> Result<Response, ApiError> {
    let session = app
        .hum
        .address_sessions()
        .use_session(&caller, &token)
        .await?
        .ok_or_else(gone)?;
    let body = Envelope {
        message: "Session data retrieved successfully".into(),
        request_status: status_of(&session),
        data: Found {
            service_address: service_address(&session),
        },
        meta: Meta::of(&session, &token, app.hum.clock().now()),
    };
    Ok((done(!session.found().is_pending()), Json(body)).into_response())
}

/// Close a session: its token is worth nothing any more, and what was found is deleted.
#[utoipa::path(
    delete,
    path = "/sessions/{token}",
    operation_id = "closeSession",
    tag = "Sessions",
    responses(
        (
            status = 200,
            body = Envelope<Empty,
            Meta<'static>>,
            description = "Session closed successfully.",
        ),
    ),
)]
async fn close(
    caller: Caller,
    State(app): State<App>,
    Token(token): Token,
) -> Result<Response, ApiError> {
    let session = app
        .hum
        .address_sessions()
        .close(&caller, &token)
        .await?
        .ok_or_else(gone)?;
    let body = Envelope {
        message: "Session closed successfully".into(),
        request_status: "ok",
        data: Empty {},
        meta: Meta::of(&session, &token, app.hum.clock().now()),
    };
    Ok(Json(body).into_response())
}

/// Get the internet providers and plans at the address.
#[utoipa::path(
    get,
    path = "/sessions/{token}/services/internet",
    operation_id = "getInternetServices",
    tag = "Services",
    responses(
        (
            status = 200,
            body = Envelope<Providers<'static>,
            Meta<'static>>,
            description = "The providers.",
        ),
        (
            status = 202,
            body = Envelope<Providers<'static>,
            Meta<'static>>,
            description = "The internet agent is still at work.",
        ),
    ),
)]
async fn internet(
    caller: Caller,
    State(app): State<App>,
    Token(token): Token,
) -> Result<Response, ApiError> {
    let session = app
        .hum
        .address_sessions()
        .use_session(&caller, &token)
        .await?
        .ok_or_else(gone)?;
    let message = match service_address(&session) {
        Some(address) => format!("Service coverage for {address}"),
        None => "Service coverage is not known".into(),
    };
    let body = Envelope {
        message,
        request_status: status_of(&session),
        data: Providers::of(&session),
        meta: Meta::of(&session, &token, app.hum.clock().now()),
    };
    Ok(long(
        done(session.found().internet != Internet::Pending),
        &body,
    ))
}

/// The service hums, and the token is good.
#[derive(Serialize, ToSchema)]
struct Pong {
    #[schema(example = "🎤 We're humming along!")]
    message: &'static str,
    #[schema(example = "ok")]
    request_status: &'static str,
    data: Empty,
    timestamp: Time,
}

/// Check that the service is up and the token is good.
#[utoipa::path(
    get,
    path = "/ping",
    operation_id = "ping",
    tag = "Health",
    responses((status = 200, body = Pong, description = "Up, and the token is good.")),
)]
async fn ping(State(app): State<App>) -> Json<Pong> {
    let timestamp = Time(app.hum.clock().now());
    Json(Pong {
        message: "🎤 We're humming along!",
        request_status: "ok",
        data: Empty {},
        timestamp,
    })
}

/// An answer with providers: usually some kilobytes, so it gets its memory at once instead of by
/// doubling.
fn long(status: StatusCode, body: &impl Serialize) -> Response {
    let mut json = Vec::with_capacity(16 * 1024);
    match serde_json::to_writer(&mut json, body) {
        Ok(()) => (status, [(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => ApiError::new(ErrorCode::Internal, error.to_string()).into_response(),
    }
}

fn done(done: bool) -> StatusCode {
    if done {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    }
}
