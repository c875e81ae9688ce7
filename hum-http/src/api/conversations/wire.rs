use std::collections::BTreeMap;

use hum_core::{
    clock::Timestamp,
    id::{NumberId, TemplateId},
    number::E164,
    sms::{
        ConversationFilter, ConversationPatch, NewConversation, NewMessage, Source, TemplateUse,
    },
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    error::ApiError,
    extract::{Flag, Patch},
    view::{Phone, Ref, Time},
};

/// Which conversations to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ConversationQuery {
    /// Only open, or only closed ones.
    #[param(inline)]
    status: Option<StatusName>,
    /// Only those of one person.
    assignee: Option<String>,
    /// Only those on one number.
    #[param(value_type = Option<String>)]
    twilio_number_id: Option<NumberId>,
    /// Only those with one contact; the + must be written %2B.
    #[param(value_type = Option<String>)]
    contact_e164: Option<E164>,
    /// `true`: only those with unread texts.
    #[param(inline)]
    unread: Option<YesNo>,
}

/// Open or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StatusName {
    Open,
    Closed,
}

/// A flag in a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum YesNo {
    True,
    False,
}

/// A conversation to be started from this side, or found.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StartConversation {
    /// One of the organization's numbers.
    #[schema(value_type = Ref)]
    twilio_number_id: NumberId,
    #[schema(value_type = Phone)]
    contact_e164: E164,
    #[serde(default)]
    initial_message: Option<SendMessage>,
}

/// A text to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendMessage {
    /// May be left out with media, and must be with a template.
    #[serde(default)]
    #[schema(max_length = 1600)]
    body: String,
    /// A template instead of a body.
    #[serde(default)]
    #[schema(value_type = Option<Ref>)]
    template_id: Option<TemplateId>,
    /// What stands for the template's variables: a text for each, and no other.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// Absolute http or https URLs.
    #[serde(default)]
    #[schema(max_items = 10)]
    media_urls: Vec<String>,
    /// `human` pauses the agent.
    #[serde(default)]
    source: SourceName,
}

/// Who writes: the organization's system, or a person.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SourceName {
    #[default]
    Api,
    Human,
}

/// Changes of a conversation. What is left out stays.
#[derive(Deserialize, ToSchema, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct ConversationChange {
    /// Who has it; null for nobody.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    assignee: Patch<Option<String>>,
    #[serde(default)]
    #[schema(value_type = StatusName)]
    status: Patch<StatusName>,
    /// Whether the agent keeps silent.
    #[serde(default)]
    #[schema(value_type = Flag)]
    ai_paused: Patch<Flag>,
    /// Until when it is hidden; null to show it.
    #[serde(default)]
    #[schema(value_type = Option<Time>)]
    snoozed_until: Patch<Option<Timestamp>>,
}

impl From<ConversationQuery> for ConversationFilter {
    fn from(query: ConversationQuery) -> Self {
        Self {
            open: query.status.map(|status| status == StatusName::Open),
            assignee: query.assignee,
            number: query.twilio_number_id,
            contact: query.contact_e164,
            unread: query.unread == Some(YesNo::True),
        }
    }
}

impl TryFrom<StartConversation> for NewConversation {
    type Error = ApiError;
    fn try_from(start: StartConversation) -> Result<Self, ApiError> {
        let initial_message = start
            .initial_message
            .map(|message| message.at("/initial_message"))
            .transpose()?;
        Ok(Self {
            number: start.twilio_number_id,
            contact: start.contact_e164,
            initial_message,
        })
    }
}

impl SendMessage {
    /// What is to be sent; `at` is where it was asked for.
    pub(super) fn at(self, at: &str) -> Result<NewMessage, ApiError> {
        let source = match self.source {
            SourceName::Api => Source::Api,
            SourceName::Human => Source::Human,
        };
        if self.template_id.is_none() && !self.variables.is_empty() {
            return Err(ApiError::invalid(
                format!("{at}/variables"),
                "needs a template_id, whose variables these are",
            ));
        }
        let template = self.template_id.map(|id| TemplateUse {
            id,
            variables: self.variables,
        });
        Ok(NewMessage {
            body: self.body,
            template,
            media: self.media_urls,
            source,
        })
    }
}

impl From<ConversationChange> for ConversationPatch {
    fn from(change: ConversationChange) -> Self {
        Self {
            assignee: change.assignee.0,
            open: change.status.0.map(|status| status == StatusName::Open),
            ai_paused: change.ai_paused.0.map(|flag| flag.0),
            snoozed_until: change.snoozed_until.0,
        }
    }
}
