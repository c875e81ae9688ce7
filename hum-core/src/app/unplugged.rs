//! What stands at a port that nobody plugged an adapter into: it refuses, in a sentence, and does
//! nothing.
//!
//! So a service that embeds only the address sessions needs no carrier, and one that only texts
//! needs no map.

use async_trait::async_trait;

use crate::{
    address::Address,
    broadband::{BroadbandMap, Coverage, Place},
    geocode::{Coordinates, Geocoder, Geocoding, Reach, SourceError},
    kernel::{
        clock::Timestamp,
        egress::{Egress, EgressAnswer, EgressError, EgressRequest},
    },
    language_model::{LanguageModel, ModelError, ModelRequest, ModelStream},
    telephony::{
        Accepted, CarrierCredentials, CarrierForm, CarrierMessage, CarrierWebhooks, InboundSms,
        ListQuery, OutboundSms, RefusedForm, SendError, StatusCallback, TelephonyError, Texting,
    },
};

/// Nothing is plugged in here.
pub(crate) struct Unplugged;

const NO_CARRIER: &str = "no carrier is plugged in";
const NO_EGRESS: &str = "no way out is plugged in";

#[async_trait]
impl Texting for Unplugged {
    async fn send(&self, _: &CarrierCredentials, _: &OutboundSms) -> Result<Accepted, SendError> {
        Err(SendError::Rejected {
            code: None,
            detail: NO_CARRIER.into(),
        })
    }

    fn status_callback_url(&self, public_url: &str, _: &str) -> String {
        public_url.to_owned()
    }

    async fn fetch(
        &self,
        _: &CarrierCredentials,
        _: &str,
    ) -> Result<Option<CarrierMessage>, TelephonyError> {
        Err(TelephonyError(NO_CARRIER.into()))
    }

    async fn list(
        &self,
        _: &CarrierCredentials,
        _: &ListQuery,
    ) -> Result<Vec<CarrierMessage>, TelephonyError> {
        Err(TelephonyError(NO_CARRIER.into()))
    }
}

impl CarrierWebhooks for Unplugged {
    fn claimed_account<'a>(&self, _: &'a CarrierForm) -> Option<&'a str> {
        None
    }

    fn verify(&self, _: &CarrierCredentials, _: &CarrierForm) -> Result<(), RefusedForm> {
        Err(RefusedForm::BadSignature)
    }

    fn inbound(&self, _: &CarrierForm) -> Result<InboundSms, RefusedForm> {
        Err(RefusedForm::BadSignature)
    }

    fn status(&self, _: &CarrierForm) -> Result<StatusCallback, RefusedForm> {
        Err(RefusedForm::BadSignature)
    }
}

#[async_trait]
impl LanguageModel for Unplugged {
    async fn respond(&self, _: ModelRequest) -> Result<ModelStream, ModelError> {
        Err(ModelError::Rejected(
            "no language model is plugged in".into(),
        ))
    }
}

#[async_trait]
impl Egress for Unplugged {
    async fn open(&self, _: EgressRequest) -> Result<EgressAnswer, EgressError> {
        Err(EgressError::Refused(NO_EGRESS.into()))
    }

    fn check(&self, _: &str) -> Result<(), String> {
        Err(NO_EGRESS.into())
    }
}

#[async_trait]
impl Geocoder for Unplugged {
    fn reach(&self) -> Reach {
        Reach::Local
    }

    async fn geocode(&self, _: &Address, _: Option<Coordinates>) -> Result<Geocoding, SourceError> {
        Err(SourceError::Refused {
            source_name: "the geocoder".into(),
            detail: "none is plugged in".into(),
        })
    }
}

#[async_trait]
impl BroadbandMap for Unplugged {
    fn reach(&self) -> Reach {
        Reach::Local
    }

    fn data_set(&self) -> String {
        String::new()
    }

    async fn providers_at(&self, _: &Place, _: Timestamp) -> Result<Coverage, SourceError> {
        Err(SourceError::Refused {
            source_name: "the broadband map".into(),
            detail: "none is plugged in".into(),
        })
    }
}
