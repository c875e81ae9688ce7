use axum::{Json, extract::State, response::Response};
use hum_core::{
    id::{ConversationId, MessageId},
    sms::{Message, MessageFilter, MessageStatus},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    extract::{Caller, Command, Id, List, NoBody, PageParams, PageView},
    view::{Ref, Time, json},
};

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![
        routes!(list),
        routes!(show),
        routes!(cancel),
        routes!(resend),
    ]
}

/// One text, in or out.
#[derive(Serialize, ToSchema)]
pub(super) struct MessageView {
    id: Ref,
    conversation_id: Ref,
    /// Gap-free in the conversation, from 1.
    seq: i64,
    /// `inbound` or `outbound`.
    direction: &'static str,
    /// Who wrote it: `contact`, `ai`, `human`, `api` or `confirmation`.
    source: &'static str,
    body: String,
    media_urls: Vec<String>,
    /// Where it stands. `in_doubt`: the carrier did not answer, so it may have left; hum never
    /// sends it again by itself.
    status: &'static str,
    /// Why it failed or was withheld, for people.
    detail: Option<String>,
    /// The carrier's id.
    carrier_sid: Option<String>,
    /// The carrier's error code.
    error_code: Option<u32>,
    /// How many segments were billed.
    segments: Option<u32>,
    /// The carrier contradicted itself about what became of it.
    carrier_conflict: bool,
    /// The message that this one repeats.
    resend_of: Option<Ref>,
    created_at: Time,
    updated_at: Time,
}

impl From<&Message> for MessageView {
    fn from(message: &Message) -> Self {
        Self {
            id: Ref::to(message.id),
            conversation_id: Ref::to(message.conversation),
            seq: message.seq,
            direction: message.direction.as_str(),
            source: message.source.as_str(),
            body: message.body.clone(),
            media_urls: message.media.clone(),
            status: message.status().as_str(),
            detail: message.detail().map(str::to_owned),
            carrier_sid: message.carrier().sid.clone(),
            error_code: message.carrier().error_code(),
            segments: message.carrier().segments,
            carrier_conflict: message.carrier().conflict(),
            resend_of: message.resend_of.map(Ref::to),
            created_at: Time(message.created_at),
            updated_at: Time(message.updated_at()),
        }
    }
}

/// Which messages of a conversation to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MessageStatusQuery {
    /// Only those with this status, such as `in_doubt`.
    status: Option<String>,
}

/// Which messages to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MessageQuery {
    /// Only those with this status, such as `in_doubt`.
    status: Option<String>,
    /// Only those of one conversation.
    #[param(value_type = Option<String>)]
    conversation_id: Option<ConversationId>,
}

impl MessageStatusQuery {
    pub fn status(&self) -> Result<Option<&'static str>, ApiError> {
        known_status(self.status.as_deref())
    }
}

fn known_status(status: Option<&str>) -> Result<Option<&'static str>, ApiError> {
    let Some(status) = status else {
        return Ok(None);
    };
    match MessageStatus::NAMES
        .into_iter()
        .find(|name| *name == status)
    {
        Some(name) => Ok(Some(name)),
        None => Err(ApiError::invalid(
            "status",
            format!("must be one of {}", MessageStatus::NAMES.join(", ")),
        )),
    }
}

/// The answer to a message that was made.
pub(super) fn sent(message: &Message) -> (u16, Value) {
    (201, json(MessageView::from(message)))
}

fn changed(message: &Message) -> (u16, Value) {
    (200, json(MessageView::from(message)))
}

/// List messages of all conversations, the newest first.
#[utoipa::path(
    get,
    path = "/api/sms/messages",
    operation_id = "listMessages",
    tag = "Messages",
    params(PageParams, MessageQuery),
    responses((status = 200, body = PageView<MessageView>)),
)]
async fn list(
    caller: Caller,
    State(app): State<App>,
    list: List<MessageQuery>,
) -> Result<Json<PageView<MessageView>>, ApiError> {
    let filter = MessageFilter {
        conversation: list.filter.conversation_id,
        status: known_status(list.filter.status.as_deref())?,
    };
    let messages = app
        .hum
        .reads(caller.org)
        .list_messages(&filter, &list.page)
        .await?;
    Ok(Json(PageView::of(messages, |message| {
        MessageView::from(&message)
    })))
}

/// One message.
#[utoipa::path(
    get,
    path = "/api/sms/messages/{id}",
    operation_id = "getMessage",
    tag = "Messages",
    responses((status = 200, body = MessageView)),
)]
async fn show(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<MessageId>,
) -> Result<Json<MessageView>, ApiError> {
    let message = app
        .hum
        .reads(caller.org)
        .message(id)
        .await?
        .ok_or_else(|| ApiError::not_found("message"))?;
    Ok(Json(MessageView::from(&message)))
}

/// Cancel a message that waits. After this it is never handed to the carrier.
#[utoipa::path(
    post,
    path = "/api/sms/messages/{id}/cancel",
    operation_id = "cancelMessage",
    tag = "Messages",
    responses((status = 200, body = MessageView)),
)]
async fn cancel(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<MessageId>,
    Command { once, .. }: Command<NoBody>,
) -> Result<Response, ApiError> {
    once.answer(changed, |remember| {
        app.hum.sms().cancel(&caller, id, remember)
    })
    .await
}

/// Send a message that is in doubt or failed again, as a new message.
///
/// The contact may get the text twice when the first one was in doubt.
#[utoipa::path(
    post,
    path = "/api/sms/messages/{id}/resend",
    operation_id = "resendMessage",
    tag = "Messages",
    responses((status = 201, body = MessageView)),
)]
async fn resend(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<MessageId>,
    Command { once, .. }: Command<NoBody>,
) -> Result<Response, ApiError> {
    once.answer(sent, |remember| app.hum.sms().resend(&caller, id, remember))
        .await
}
