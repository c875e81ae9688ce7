//! This API's own document, at `/sessions/openapi.json`.

use hum_core::access::Operation;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        ComponentsBuilder, ContentBuilder, HeaderBuilder, Info, License, ObjectBuilder,
        OpenApiBuilder, Ref, RefOr, ResponseBuilder, SecurityRequirement,
        path::Operation as Described,
        schema::Type,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    app::App,
    openapi::{idempotency_key, path_parameter},
};

use super::envelope::Refused;

const DESCRIPTION: &str = "\
Internet providers, plans and prices at a US address, with the evidence for each.

Open a session for an address; its token names it in the path of every later request, for 30 minutes after the last one. \
Every call has an API token: `Authorization: Bearer hum_live_…`, with the scope `sessions`. Every answer has the same envelope; \
`request_status` is `ok`, `warning` (done, with issues) or `error`. Every answer to a good token says in `RateLimit` how many \
requests are left.";

/// The document before the routes are added.
pub(super) fn skeleton() -> OpenApiRouter<App> {
    let mut info = Info::new("hum address sessions", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.into());
    info.license = Some(License::new("MIT OR Apache-2.0"));
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let mut schemas = vec![("Refused".to_owned(), Refused::schema())];
    Refused::schemas(&mut schemas);
    let components = ComponentsBuilder::new()
        .security_scheme("api_token", bearer)
        .schemas_from_iter(schemas)
        .build();
    OpenApiRouter::with_openapi(
        OpenApiBuilder::new()
            .info(info)
            .components(Some(components))
            .build(),
    )
}

/// Says what holds for every operation of its kind.
pub(super) fn complete(described: &mut Described, operation: &Operation) {
    described.security = Some(vec![SecurityRequirement::new(
        "api_token",
        Vec::<String>::new(),
    )]);
    let parameters = described.parameters.get_or_insert_default();
    if operation.path.contains("{token}") {
        parameters.push(path_parameter("token", "The session's token.").into());
    }
    if operation.method == "POST" {
        parameters.push(idempotency_key().into());
    }
    let refused = |status: &str, text: &str| {
        let content = ContentBuilder::new()
            .schema(Some(RefOr::Ref(Ref::from_schema_name("Refused"))))
            .build();
        let response = ResponseBuilder::new()
            .description(text)
            .content("application/json", content);
        let seconds = HeaderBuilder::new().schema(Some(
            ObjectBuilder::new().schema_type(Type::Integer).build(),
        ));
        match status {
            "429" | "503" => response
                .header("Retry-After", seconds.description(Some("Seconds.")).build())
                .build(),
            _ => response.build(),
        }
    };
    let mut problem = |status: &str, text: &str| {
        described
            .responses
            .responses
            .entry(status.to_owned())
            .or_insert(RefOr::T(refused(status, text)));
    };
    problem(
        "401",
        "`api_key_required`: no API token, or not one that works.",
    );
    problem(
        "403",
        "`forbidden`: the role is too weak. `insufficient_scope`: the token lacks the scope `sessions`.",
    );
    problem("429", "`rate_limited`: wait as long as `Retry-After` says.");
    problem(
        "503",
        "`unavailable`, `timeout` or `overloaded`: try again; after a POST with the same `Idempotency-Key`.",
    );
    if operation.path.contains("{token}") {
        problem(
            "410",
            "`gone`: the session is expired or closed, or there never was one.",
        );
    }
    if operation.method == "POST" {
        problem("400", "`invalid_json`: the body is not JSON.");
        problem(
            "409",
            "`idempotency_in_progress`: a request with this key is being handled. `conflict`: the key has just expired.",
        );
        problem("413", "`body_too_large`: more than 1 MiB.");
        problem("415", "`unsupported_media_type`: the body must be JSON.");
        problem(
            "422",
            "`invalid`: `data.errors` names every component that cannot be used. `idempotency_mismatch`.",
        );
    }
}
