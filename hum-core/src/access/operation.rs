use super::Role;

/// One operation of the HTTP API: who may call it.
///
/// This table is the only place that says so. The router refuses to serve a route that is not here, the OpenAPI
/// document quotes it, and the coverage test tries every row with every role.
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
}

macro_rules! operations {
    ($($id:ident $method:ident $path:literal $role:ident $scope:literal;)*) => {
        /// Every operation under `/api`, and the address sessions.
        pub const OPERATIONS: &[Operation] = &[$(
            Operation { id: stringify!($id), method: stringify!($method), path: $path, role: Role::$role, scope: $scope },
        )*];
    };
}

operations! {
    getMe                    GET    "/api/me"                                      Viewer   "me:read";
    getOrganization          GET    "/api/organization"                            Viewer   "organization:read";
    updateOrganization       PATCH  "/api/organization"                            Admin    "organization:write";
    getCarrierAccount        GET    "/api/organization/carrier"                    Admin    "organization:read";
    setCarrierAccount        PUT    "/api/organization/carrier"                    Admin    "organization:write";
    listFlows                GET    "/api/flows"                                   Viewer   "flows:read";
    createFlow               POST   "/api/flows"                                   Admin    "flows:write";
    getFlow                  GET    "/api/flows/{id}"                              Viewer   "flows:read";
    updateFlow               PATCH  "/api/flows/{id}"                              Admin    "flows:write";
    deleteFlow               DELETE "/api/flows/{id}"                              Admin    "flows:write";
    duplicateFlow            POST   "/api/flows/{id}/duplicate"                    Admin    "flows:write";
    listFlowVersions         GET    "/api/flows/{id}/versions"                     Viewer   "flows:read";
    listNumbers              GET    "/api/numbers"                                 Viewer   "numbers:read";
    registerNumber           POST   "/api/numbers"                                 Admin    "numbers:write";
    getNumber                GET    "/api/numbers/{id}"                            Viewer   "numbers:read";
    updateNumber             PATCH  "/api/numbers/{id}"                            Admin    "numbers:write";
    listConversations        GET    "/api/sms/conversations"                       Viewer   "sms:read";
    createConversation       POST   "/api/sms/conversations"                       Operator "sms:write";
    getConversation          GET    "/api/sms/conversations/{id}"                  Viewer   "sms:read";
    updateConversation       PATCH  "/api/sms/conversations/{id}"                  Operator "sms:write";
    listConversationMessages GET    "/api/sms/conversations/{id}/messages"         Viewer   "sms:read";
    sendMessage              POST   "/api/sms/conversations/{id}/messages"         Operator "sms:write";
    markConversationRead     POST   "/api/sms/conversations/{id}/read"             Operator "sms:write";
    closeConversation        POST   "/api/sms/conversations/{id}/close"            Operator "sms:write";
    reopenConversation       POST   "/api/sms/conversations/{id}/reopen"           Operator "sms:write";
    listMessages             GET    "/api/sms/messages"                            Viewer   "sms:read";
    getMessage               GET    "/api/sms/messages/{id}"                       Viewer   "sms:read";
    cancelMessage            POST   "/api/sms/messages/{id}/cancel"                Operator "sms:write";
    resendMessage            POST   "/api/sms/messages/{id}/resend"                Operator "sms:write";
    listOptOuts              GET    "/api/sms/opt-outs"                            Viewer   "sms:read";
    addOptOut                POST   "/api/sms/opt-outs"                            Operator "sms:write";
    removeOptOut             DELETE "/api/sms/opt-outs/{e164}"                     Admin    "sms:write";
    listWebhooks             GET    "/api/webhooks"                                Viewer   "webhooks:read";
    createWebhook            POST   "/api/webhooks"                                Admin    "webhooks:write";
    getWebhook               GET    "/api/webhooks/{id}"                           Viewer   "webhooks:read";
    updateWebhook            PATCH  "/api/webhooks/{id}"                           Admin    "webhooks:write";
    deleteWebhook            DELETE "/api/webhooks/{id}"                           Admin    "webhooks:write";
    testWebhook              POST   "/api/webhooks/{id}/test"                      Admin    "webhooks:write";
    rotateWebhookSecret      POST   "/api/webhooks/{id}/rotate"                    Admin    "webhooks:write";
    listWebhookDeliveries    GET    "/api/webhooks/{id}/deliveries"                Viewer   "webhooks:read";
    redeliverWebhook         POST   "/api/webhooks/{id}/deliveries/{delivery_id}/redeliver" Admin "webhooks:write";
    listEvents               GET    "/api/events"                                  Viewer   "events:read";
    listAddressSessions      GET    "/api/address-sessions"                        Viewer   "sessions";
    getAddressSession        GET    "/api/address-sessions/{id}"                   Viewer   "sessions";
    createSession            POST   "/sessions"                                    Operator "sessions";
    getSession               GET    "/sessions/{token}"                            Viewer   "sessions";
    closeSession             DELETE "/sessions/{token}"                            Operator "sessions";
    getInternetServices      GET    "/sessions/{token}/services/internet"          Viewer   "sessions";
    ping                     GET    "/ping"                                        Viewer   "sessions";
    listApiKeys              GET    "/api/keys"                                    Admin    "keys:read";
    createApiKey             POST   "/api/keys"                                    Admin    "keys:write";
    revokeApiKey             DELETE "/api/keys/{id}"                               Admin    "keys:write";
}

impl Operation {
    /// The row of a route, if it has one.
    pub fn find(method: &str, path: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.method == method && operation.path == path)
    }
}
