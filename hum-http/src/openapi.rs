//! The OpenAPI document: generated from the handlers, then completed from the table of operations.

use std::sync::OnceLock;

use hum_core::access::{OPERATIONS, Operation};
use utoipa::{
    ToSchema as _,
    openapi::{
        ComponentsBuilder, ContentBuilder, Header, HeaderBuilder, Info, License, ObjectBuilder,
        OpenApi, OpenApiBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
        SecurityRequirement,
        path::{Operation as Described, Parameter, ParameterBuilder, ParameterIn, PathItem},
        schema::Type,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;
use yaml_serde::Value;

use crate::{app::App, error::Problem};

const DESCRIPTION: &str = "\
AI voice and SMS operations: texts come in, agents answer them, people take over, systems get the events.

Every call has a key: `Authorization: Bearer hum_live_…`. A key has a role and scopes; each operation says which it needs. \
Errors are problems (RFC 9457) with a `code` for programs. Lists have `limit` and `cursor`. Every POST takes an \
`Idempotency-Key`: the same key and request have one effect and one answer, for 72 hours. `RateLimit` says how many more requests \
of this class the key and its organization may make; one too many is answered with 429 and has no effect.";

/// The document before the routes are added.
pub(crate) fn skeleton() -> OpenApiRouter<App> {
    let mut info = Info::new("hum API", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.into());
    info.license = Some(License::new("MIT OR Apache-2.0"));
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let mut schemas = vec![(
        "Problem".to_owned(),
        <Problem as utoipa::PartialSchema>::schema(),
    )];
    Problem::schemas(&mut schemas);
    let components = ComponentsBuilder::new()
        .security_scheme("api_key", bearer)
        .response(TOO_MANY, too_many())
        .schemas_from_iter(schemas)
        .build();
    OpenApiRouter::with_openapi(
        OpenApiBuilder::new()
            .info(info)
            .components(Some(components))
            .build(),
    )
}

/// Says of an operation what the table says, and what holds for all of its API.
pub(crate) type Complete = fn(&mut Described, &Operation);

/// The document as it is served. It is made when it is first asked for: starting must not wait for
/// it.
#[derive(Default)]
pub(crate) struct Document {
    api: OpenApi,
    complete: Option<Complete>,
    value: OnceLock<Value>,
    json: OnceLock<String>,
    yaml: OnceLock<String>,
}

impl Document {
    pub fn new(api: OpenApi, complete: Complete) -> Self {
        Self {
            api,
            complete: Some(complete),
            ..Self::default()
        }
    }

    /// As JSON.
    pub fn json(&self) -> &str {
        self.json
            .get_or_init(|| serde_json::to_string_pretty(self.value()).unwrap_or_default())
    }

    /// As YAML.
    pub fn yaml(&self) -> &str {
        self.yaml
            .get_or_init(|| yaml_serde::to_string(self.value()).unwrap_or_default())
    }

    /// A value that keeps the order of fields, unlike one of serde_json.
    fn value(&self) -> &Value {
        self.value.get_or_init(|| {
            let mut api = self.api.clone();
            let ours: Vec<&Operation> = OPERATIONS
                .iter()
                .filter(|operation| api.paths.paths.contains_key(operation.path))
                .collect();
            for operation in &ours {
                let item = api.paths.paths.get_mut(operation.path);
                if let (Some(described), Some(complete)) = (
                    item.and_then(|item| described(item, operation.method)),
                    self.complete,
                ) {
                    complete(described, operation);
                }
            }
            let mut value = yaml_serde::to_value(&api).unwrap_or_default();
            for operation in ours {
                // utoipa keeps extensions in an order that changes, and the committed document must
                // not.
                let described =
                    &mut value["paths"][operation.path][operation.method.to_lowercase().as_str()];
                described["x-required-role"] = operation.role.as_str().into();
                described["x-required-scope"] = operation.scope.into();
            }
            value
        })
    }
}

fn described<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Described> {
    match method {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

/// Says what the table says, and what holds for every operation.
pub(crate) fn complete(described: &mut Described, operation: &Operation) {
    let needs = format!(
        "Needs the role `{}` and the scope `{}`.",
        operation.role.as_str(),
        operation.scope
    );
    described.description = Some(match described.description.take() {
        Some(text) if !text.is_empty() => format!("{text}\n\n{needs}"),
        _ => needs,
    });
    described.security = Some(vec![SecurityRequirement::new(
        "api_key",
        Vec::<String>::new(),
    )]);

    let parameters = described.parameters.get_or_insert_default();
    let template = operation
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    for (index, name) in template.enumerate() {
        let description = if name == "e164" {
            "A telephone number; its + is written %2B."
        } else {
            "The name of the record."
        };
        parameters.insert(index, path_parameter(name, description).into());
    }
    if operation.method == "POST" {
        parameters.push(idempotency_key().into());
    }

    for (status, response) in &mut described.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = done(status).into();
        }
    }
    let mut problem = |status: &str, text: &str| {
        described
            .responses
            .responses
            .entry(status.to_owned())
            .or_insert_with(|| RefOr::T(a_problem(text).build()));
    };
    problem("401", "`api_key_required`: no key, or not one that works.");
    problem(
        "403",
        "`forbidden`: the role is too weak. `insufficient_scope`: the key lacks the scope.",
    );
    if operation.path.contains('{') || operation.id == "getCarrierAccount" {
        problem(
            "404",
            "`not_found`: there is no such thing in this organization.",
        );
    }
    if operation.method != "GET" {
        problem(
            "409",
            "`conflict`: its state does not allow this. `idempotency_in_progress`: wait and ask again.",
        );
    }
    if matches!(operation.method, "POST" | "PATCH" | "PUT") {
        problem("400", "`invalid_json`: the body is not JSON.");
        problem("413", "`body_too_large`: more than 1 MiB.");
        problem("415", "`unsupported_media_type`: the body must be JSON.");
    }
    problem(
        "422",
        "`invalid`: `errors` says which fields are wrong. `idempotency_mismatch`: the key belongs to another request.",
    );
    problem(
        "default",
        "Any other problem. Be ready for 503, with `Retry-After`.",
    );
    let too_many = RefOr::Ref(Ref::from_response_name(TOO_MANY));
    let responses = &mut described.responses.responses;
    responses.entry("429".into()).or_insert(too_many);
}

fn a_problem(text: &str) -> ResponseBuilder {
    let content = ContentBuilder::new()
        .schema(Some(RefOr::Ref(Ref::from_schema_name("Problem"))))
        .build();
    ResponseBuilder::new()
        .description(text)
        .content("application/problem+json", content)
}

/// The name of [`too_many`].
const TOO_MANY: &str = "TooManyRequests";

/// What every operation may answer: each has a limit.
fn too_many() -> Response {
    let policies = "The budgets that the request counts against: `q` requests in `w` seconds.";
    let left = "What is left of each: `r` requests; in `t` seconds it is whole again.";
    a_problem("`rate_limited`: wait as long as `Retry-After` says; `violated-policies` names what is used up.")
        .header("Retry-After", a_header(Type::Integer, "Seconds."))
        .header("RateLimit-Policy", a_header(Type::String, policies))
        .header("RateLimit", a_header(Type::String, left))
        .build()
}

fn a_header(holds: Type, description: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(holds).build()))
        .description(Some(description))
        .build()
}

fn done(status: &str) -> &'static str {
    match status {
        "201" => "It was made.",
        "202" => "It is under way.",
        "204" => "It is done.",
        _ => "As asked.",
    }
}

pub(crate) fn path_parameter(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

pub(crate) fn idempotency_key() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(255))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "The same key and request have one effect and one answer, for 72 hours.",
        ))
        .schema(Some(text))
        .build()
}
