//! Wrong adapters of the ports that are neither memory nor carrier.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use hum_adapters::entropy::SystemEntropy;
use hum_core::{
    broadband::{BroadbandMap, Coverage, Place},
    cipher::{CannotOpen, Cipher, Secret},
    clock::Timestamp,
    egress::{Egress, EgressAnswer, EgressError, EgressRequest},
    entropy::Entropy,
    geocode::{Reach, SourceError},
};

use super::{Site, Wrong};
use crate::{chance::Chance, ports::Ports};

/// Gives an event another id each time that it is sent.
struct Renames(Chance);

#[async_trait]
impl Egress for Wrong<dyn Egress, Renames> {
    async fn open(&self, mut request: EgressRequest) -> Result<EgressAnswer, EgressError> {
        for (_, value) in request
            .headers
            .iter_mut()
            .filter(|(name, _)| name == "webhook-id")
        {
            *value = Secret::new(format!("evt_{}", (&self.fault.0 as &dyn Entropy).token()));
        }
        self.right.open(request).await
    }

    fn check(&self, url: &str) -> Result<(), String> {
        self.right.check(url)
    }
}

pub(super) fn new_id_each_attempt(ports: Ports, site: &Site) -> Ports {
    Ports {
        egress: Wrong::new(ports.egress, Renames(site.fate.chance().clone())),
        ..ports
    }
}

/// Seals nothing.
struct Plain;

impl Cipher for Plain {
    fn seal(&self, _: &str, plain: &[u8]) -> Vec<u8> {
        plain.to_vec()
    }

    fn open(&self, _: &str, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
        Ok(sealed.to_vec())
    }
}

pub(super) fn seal_nothing(ports: Ports, _: &Site) -> Ports {
    Ports {
        cipher: Arc::new(Plain),
        ..ports
    }
}

/// Draws from the air, as a server does.
pub(super) fn draw_from_the_air(ports: Ports, _: &Site) -> Ports {
    Ports {
        entropy: Arc::new(SystemEntropy),
        ..ports
    }
}

/// Never says that it has other data.
#[derive(Default)]
struct NeverChanges(OnceLock<String>);

#[async_trait]
impl BroadbandMap for Wrong<dyn BroadbandMap, NeverChanges> {
    fn reach(&self) -> Reach {
        self.right.reach()
    }

    fn data_set(&self) -> String {
        self.fault.0.get_or_init(|| self.right.data_set()).clone()
    }

    async fn providers_at(&self, place: &Place, at: Timestamp) -> Result<Coverage, SourceError> {
        self.right.providers_at(place, at).await
    }
}

pub(super) fn never_other_data(ports: Ports, _: &Site) -> Ports {
    Ports {
        broadband_map: Wrong::new(ports.broadband_map, NeverChanges::default()),
        ..ports
    }
}
