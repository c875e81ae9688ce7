use super::Role;

/// One operation of the HTTP API: who may call it, and how.
///
/// This table is the only place that says so. The router refuses to serve a route that is not here,
/// the OpenAPI document quotes it, and the coverage test tries every row with every role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The `operationId` of the OpenAPI document.
    pub id: &'static str,
    /// HTTP method, upper case.
    pub method: &'static str,
    /// Path template.
    pub path: &'static str,
    /// The weakest role that may.
    pub role: Role,
    /// The scope that a key needs.
    pub scope: &'static str,
    /// What a request must present.
    pub by: By,
    /// What it counts against.
    pub limit: Limit,
    /// Whether a person must confirm it, because it cannot be undone.
    pub confirm: bool,
}

/// What a request must present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// An API key.
    Key,
    /// The session of a person who signed in.
    Session,
    /// Either.
    Both,
}

impl By {
    /// Whether an API key will do.
    pub fn takes_key(self) -> bool {
        matches!(self, Self::Key | Self::Both)
    }
}

/// What a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Looking.
    Read,
    /// Changing something of the organization.
    Write,
    /// Reaching a person outside of it.
    Send,
    /// Asking about an address: an API of its own, with a quota of its own.
    Sessions,
}

impl Limit {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Send, Self::Sessions];
}

macro_rules! operations {
    (@confirm) => { false };
    (@confirm confirm) => { true };
    ($($id:ident $method:ident $path:literal $role:ident $scope:literal $by:ident $limit:ident $($confirm:ident)?;)*) => {
        /// Every operation under `/api`, and the address sessions.
        pub const OPERATIONS: &[Operation] = &[$(
            Operation {
                id: stringify!($id),
                method: stringify!($method),
                path: $path,
                role: Role::$role,
                scope: $scope,
                by: By::$by,
                limit: Limit::$limit,
                confirm: operations!(@confirm $($confirm)?),
            },
        )*];
    };
}

operations! {
    getMe                    GET    "/api/me"                                      Viewer   "me:read"             Both Read;
    getOrganization          GET    "/api/organization"                            Viewer   "organization:read"   Both Read;
    updateOrganization       PATCH  "/api/organization"                            Admin    "organization:write"  Both Write;
    getCarrierAccount        GET    "/api/organization/carrier"                    Admin    "organization:read"   Both Read;
    setCarrierAccount        PUT    "/api/organization/carrier"                    Admin    "organization:write"  Both Write confirm;
    listFlows                GET    "/api/flows"                                   Viewer   "flows:read"          Both Read;
    createFlow               POST   "/api/flows"                                   Admin    "flows:write"         Both Write;
    getFlow                  GET    "/api/flows/{id}"                              Viewer   "flows:read"          Both Read;
    updateFlow               PATCH  "/api/flows/{id}"                              Admin    "flows:write"         Both Write;
    deleteFlow               DELETE "/api/flows/{id}"                              Admin    "flows:write"         Both Write confirm;
    duplicateFlow            POST   "/api/flows/{id}/duplicate"                    Admin    "flows:write"         Both Write;
    listFlowVersions         GET    "/api/flows/{id}/versions"                     Viewer   "flows:read"          Both Read;
    listNumbers              GET    "/api/numbers"                                 Viewer   "numbers:read"        Both Read;
    registerNumber           POST   "/api/numbers"                                 Admin    "numbers:write"       Both Write;
    getNumber                GET    "/api/numbers/{id}"                            Viewer   "numbers:read"        Both Read;
    updateNumber             PATCH  "/api/numbers/{id}"                            Admin    "numbers:write"       Both Write;
    listConversations        GET    "/api/sms/conversations"                       Viewer   "sms:read"            Both Read;
    createConversation       POST   "/api/sms/conversations"                       Operator "sms:write"           Both Send;
    getConversation          GET    "/api/sms/conversations/{id}"                  Viewer   "sms:read"            Both Read;
    updateConversation       PATCH  "/api/sms/conversations/{id}"                  Operator "sms:write"           Both Write;
    listConversationMessages GET    "/api/sms/conversations/{id}/messages"         Viewer   "sms:read"            Both Read;
    sendMessage              POST   "/api/sms/conversations/{id}/messages"         Operator "sms:write"           Both Send;
    markConversationRead     POST   "/api/sms/conversations/{id}/read"             Operator "sms:write"           Both Write;
    closeConversation        POST   "/api/sms/conversations/{id}/close"            Operator "sms:write"           Both Write;
    reopenConversation       POST   "/api/sms/conversations/{id}/reopen"           Operator "sms:write"           Both Write;
    listMessages             GET    "/api/sms/messages"                            Viewer   "sms:read"            Both Read;
    getMessage               GET    "/api/sms/messages/{id}"                       Viewer   "sms:read"            Both Read;
    cancelMessage            POST   "/api/sms/messages/{id}/cancel"                Operator "sms:write"           Both Write;
    resendMessage            POST   "/api/sms/messages/{id}/resend"                Operator "sms:write"           Both Send;
    listTemplates            GET    "/api/sms/templates"                           Viewer   "sms:read"            Both Read;
    createTemplate           POST   "/api/sms/templates"                           Operator "sms:write"           Both Write;
    getTemplate              GET    "/api/sms/templates/{id}"                      Viewer   "sms:read"            Both Read;
    updateTemplate           PATCH  "/api/sms/templates/{id}"                      Operator "sms:write"           Both Write;
    deleteTemplate           DELETE "/api/sms/templates/{id}"                      Operator "sms:write"           Both Write confirm;
    listOptOuts              GET    "/api/sms/opt-outs"                            Viewer   "sms:read"            Both Read;
    addOptOut                POST   "/api/sms/opt-outs"                            Operator "sms:write"           Both Write;
    removeOptOut             DELETE "/api/sms/opt-outs/{e164}"                     Admin    "sms:write"           Both Write confirm;
    listWebhooks             GET    "/api/webhooks"                                Viewer   "webhooks:read"       Both Read;
    createWebhook            POST   "/api/webhooks"                                Admin    "webhooks:write"      Both Write;
    getWebhook               GET    "/api/webhooks/{id}"                           Viewer   "webhooks:read"       Both Read;
    updateWebhook            PATCH  "/api/webhooks/{id}"                           Admin    "webhooks:write"      Both Write;
    deleteWebhook            DELETE "/api/webhooks/{id}"                           Admin    "webhooks:write"      Both Write confirm;
    testWebhook              POST   "/api/webhooks/{id}/test"                      Admin    "webhooks:write"      Both Write;
    rotateWebhookSecret      POST   "/api/webhooks/{id}/rotate"                    Admin    "webhooks:write"      Both Write;
    listWebhookDeliveries    GET    "/api/webhooks/{id}/deliveries"                Viewer   "webhooks:read"       Both Read;
    redeliverWebhook         POST   "/api/webhooks/{id}/deliveries/{delivery_id}/redeliver" Admin    "webhooks:write"      Both Write;
    listEvents               GET    "/api/events"                                  Viewer   "events:read"         Both Read;
    streamEvents             GET    "/api/events/stream"                           Viewer   "events:read"         Both Read;
    listUsage                GET    "/api/usage"                                   Viewer   "usage:read"          Both Read;
    listAddressSessions      GET    "/api/address-sessions"                        Viewer   "sessions"            Both Read;
    getAddressSession        GET    "/api/address-sessions/{id}"                   Viewer   "sessions"            Both Read;
    createSession            POST   "/sessions"                                    Operator "sessions"            Key  Sessions;
    getSession               GET    "/sessions/{token}"                            Viewer   "sessions"            Key  Sessions;
    closeSession             DELETE "/sessions/{token}"                            Operator "sessions"            Key  Sessions;
    getInternetServices      GET    "/sessions/{token}/services/internet"          Viewer   "sessions"            Key  Sessions;
    ping                     GET    "/ping"                                        Viewer   "sessions"            Key  Sessions;
    listApiKeys              GET    "/api/keys"                                    Admin    "keys:read"           Both Read;
    createApiKey             POST   "/api/keys"                                    Admin    "keys:write"          Both Write;
    revokeApiKey             DELETE "/api/keys/{id}"                               Admin    "keys:write"          Both Write confirm;
}

impl Operation {
    /// The row of a route, if it has one.
    pub fn find(method: &str, path: &str) -> Option<&'static Self> {
        OPERATIONS
            .iter()
            .find(|operation| operation.method == method && operation.path == path)
    }
}
