mod view;
mod wire;

use axum::{Json, extract::State, response::Response};
use hum_core::{
    id::ConversationId,
    sms::{Conversation, Message, MessageFilter, Sent},
};
use serde_json::Value;
use utoipa_axum::{router::UtoipaMethodRouter, routes};

use crate::{
    app::App,
    error::ApiError,
    extract::{Body, Caller, Command, Id, List, NoBody, PageParams, PageView},
    view::json,
};

use super::messages::{MessageStatusQuery, MessageView, sent};
use view::{ConversationView, StartedView};
use wire::{ConversationChange, ConversationQuery, SendMessage, StartConversation};

pub(super) fn routes() -> Vec<UtoipaMethodRouter<App>> {
    vec![
        routes!(list, create),
        routes!(show, update),
        routes!(messages, send),
        routes!(read),
        routes!(close),
        routes!(reopen),
    ]
}

fn started(sent: &Sent) -> (u16, Value) {
    (
        if sent.created { 201 } else { 200 },
        json(StartedView::from(sent)),
    )
}

fn changed(conversation: &Conversation) -> (u16, Value) {
    (200, json(ConversationView::from(conversation)))
}

/// List conversations, the latest message first.
#[utoipa::path(
    get,
    path = "/api/sms/conversations",
    operation_id = "listConversations",
    tag = "Conversations",
    params(PageParams, ConversationQuery),
    responses((status = 200, body = PageView<ConversationView>)),
)]
async fn list(
    caller: Caller,
    State(app): State<App>,
    list: List<ConversationQuery>,
) -> Result<Json<PageView<ConversationView>>, ApiError> {
    let conversations = app
        .hum
        .reads(caller.org)
        .list_conversations(&list.filter.into(), &list.page)
        .await?;
    Ok(Json(PageView::of(conversations, |conversation| {
        ConversationView::from(&conversation)
    })))
}

/// Start a conversation, or find the one that exists.
///
/// With `initial_message` a text is sent, and a closed conversation is opened.
#[utoipa::path(
    post,
    path = "/api/sms/conversations",
    operation_id = "createConversation",
    tag = "Conversations",
    request_body = StartConversation,
    responses(
        (status = 201, description = "It is new.", body = StartedView),
        (status = 200, description = "It existed.", body = StartedView),
    ),
)]
async fn create(
    caller: Caller,
    State(app): State<App>,
    Command { body, once }: Command<StartConversation>,
) -> Result<Response, ApiError> {
    let new = body.try_into()?;
    once.answer(started, |remember| {
        app.hum.sms().start_conversation(&caller, new, remember)
    })
    .await
}

/// One conversation.
#[utoipa::path(
    get,
    path = "/api/sms/conversations/{id}",
    operation_id = "getConversation",
    tag = "Conversations",
    responses((status = 200, body = ConversationView)),
)]
async fn show(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<ConversationId>,
) -> Result<Json<ConversationView>, ApiError> {
    Ok(Json(ConversationView::from(
        &find(&app, &caller, id).await?,
    )))
}

/// Change who has a conversation, whether it is open, whether the agent speaks, until when it is
/// hidden.
#[utoipa::path(
    patch,
    path = "/api/sms/conversations/{id}",
    operation_id = "updateConversation",
    tag = "Conversations",
    request_body = ConversationChange,
    responses((status = 200, body = ConversationView)),
)]
async fn update(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<ConversationId>,
    Body(change): Body<ConversationChange>,
) -> Result<Json<ConversationView>, ApiError> {
    let conversation = app
        .hum
        .sms()
        .update_conversation(&caller, id, change.into())
        .await?;
    Ok(Json(ConversationView::from(&conversation)))
}

/// List a conversation's messages, the newest first.
#[utoipa::path(
    get,
    path = "/api/sms/conversations/{id}/messages",
    operation_id = "listConversationMessages",
    tag = "Conversations",
    params(PageParams, MessageStatusQuery),
    responses((status = 200, body = PageView<MessageView>)),
)]
async fn messages(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<ConversationId>,
    list: List<MessageStatusQuery>,
) -> Result<Json<PageView<MessageView>>, ApiError> {
    find(&app, &caller, id).await?;
    let filter = MessageFilter {
        conversation: Some(id),
        status: list.filter.status()?,
    };
    let messages = app
        .hum
        .reads(caller.org)
        .list_messages(&filter, &list.page)
        .await?;
    Ok(Json(PageView::of(messages, |message: Message| {
        MessageView::from(&message)
    })))
}

/// Send a text.
///
/// To a contact who is opted out nothing is sent: the message is stored with status `opted_out`.
#[utoipa::path(
    post,
    path = "/api/sms/conversations/{id}/messages",
    operation_id = "sendMessage",
    tag = "Conversations",
    request_body = SendMessage,
    responses((status = 201, body = MessageView)),
)]
async fn send(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<ConversationId>,
    Command { body, once }: Command<SendMessage>,
) -> Result<Response, ApiError> {
    let new = body.at("")?;
    once.answer(sent, |remember| {
        app.hum.sms().send(&caller, id, new, remember)
    })
    .await
}

/// Set the unread count to zero.
#[utoipa::path(
    post,
    path = "/api/sms/conversations/{id}/read",
    operation_id = "markConversationRead",
    tag = "Conversations",
    responses((status = 200, body = ConversationView)),
)]
async fn read(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<ConversationId>,
    Command { once, .. }: Command<NoBody>,
) -> Result<Response, ApiError> {
    once.answer(changed, |remember| {
        app.hum.sms().mark_read(&caller, id, remember)
    })
    .await
}

/// Close a conversation.
#[utoipa::path(
    post,
    path = "/api/sms/conversations/{id}/close",
    operation_id = "closeConversation",
    tag = "Conversations",
    responses((status = 200, body = ConversationView)),
)]
async fn close(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<ConversationId>,
    Command { once, .. }: Command<NoBody>,
) -> Result<Response, ApiError> {
    once.answer(changed, |remember| {
        app.hum.sms().close(&caller, id, remember)
    })
    .await
}

/// Open a conversation again, and clear its snooze.
#[utoipa::path(
    post,
    path = "/api/sms/conversations/{id}/reopen",
    operation_id = "reopenConversation",
    tag = "Conversations",
    responses((status = 200, body = ConversationView)),
)]
async fn reopen(
    caller: Caller,
    State(app): State<App>,
    Id(id): Id<ConversationId>,
    Command { once, .. }: Command<NoBody>,
) -> Result<Response, ApiError> {
    once.answer(changed, |remember| {
        app.hum.sms().reopen(&caller, id, remember)
    })
    .await
}

async fn find(app: &App, caller: &Caller, id: ConversationId) -> Result<Conversation, ApiError> {
    app.hum
        .reads(caller.org)
        .conversation(id)
        .await?
        .ok_or_else(|| ApiError::not_found("conversation"))
}
