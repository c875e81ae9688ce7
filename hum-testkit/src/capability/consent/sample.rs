use hum_core::{
    consent::{Consent, ConsentSource},
    number::E164,
};

use crate::contract::sample::Sample;

impl Sample<'_> {
    /// What a contact said.
    pub fn consent(&self, contact: E164) -> Consent {
        let mut consent = Consent::unsaid(self.org, contact);
        consent.opt_out(ConsentSource::Keyword, self.world.now());
        consent
    }
}
