use hum_core::{
    id::{FlowId, NumberId},
    number::Number,
    organization::{CarrierAccount, KeywordReplies, Organization},
};

use crate::contract::sample::{ACCOUNT, Sample, e164};

impl Sample<'_> {
    /// The organization.
    pub fn organization(&self) -> Organization {
        Organization {
            id: self.org,
            slug: format!("acme-{}", self.world.entropy().token()),
            name: "Acme \u{1F44B} GmbH".into(),
            keyword_replies: KeywordReplies::Hum,
            created_at: self.world.now(),
            version: 0,
        }
    }

    /// Its account.
    pub fn carrier_account(&self) -> CarrierAccount {
        CarrierAccount {
            org: self.org,
            account_sid: format!("AC{}", self.world.entropy().token()),
            auth_token: vec![0, 1, 255],
            secondary_auth_token: Some(vec![7; 40]),
            updated_at: self.world.now(),
            version: 0,
        }
    }

    /// A number that `flow` answers.
    pub fn number(&self, text: &str, flow: Option<FlowId>) -> Number {
        Number {
            id: NumberId::new(self.world.now(), self.world.entropy()),
            org: self.org,
            e164: e164(text),
            carrier_account: ACCOUNT.into(),
            friendly_name: "Main line".into(),
            flow_id: None,
            sms_flow_id: flow,
            sms_enabled: true,
            created_at: self.world.now(),
            version: 0,
        }
    }
}
