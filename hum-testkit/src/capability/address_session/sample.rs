use std::time::Duration;

use hum_core::{
    address::{Address, State},
    address_session::{AddressSession, Found, Geocoded, Internet, SessionRequest, SessionToken},
    broadband::Coverage,
    geocode::{Candidate, Coordinates},
};

use crate::{
    contract::sample::{Sample, with},
    fake::sources::{candidate, provider},
};

impl Sample<'_> {
    /// An address session with every part, closed although something was found.
    pub fn address_session(&self) -> AddressSession {
        let (now, given) = (
            self.world.now(),
            Coordinates {
                latitude: 42.473_421_5,
                longitude: -83.221_873,
            },
        );
        let request = SessionRequest {
            street1: "29090 Tiffany Drive E \u{1F3E0}".into(),
            street2: Some("A2".into()),
            city: Some("Southfield".into()),
            state: Some("MI".into()),
            zip: Some("48034-1234".into()),
            latitude: Some(given.latitude),
            longitude: Some(given.longitude),
            campaign_id: Some("spring \"25\"".into()),
        };
        let providers = vec![provider("Fiber \u{1F44B}", 1_000), provider("Cable", 300)];
        let found = Found {
            geocoding: Geocoded::Matched(Box::new(place(given))),
            internet: Internet::Matched(Coverage {
                data_set: "sample-1".into(),
                providers,
                problems: Vec::new(),
            }),
            problems: vec!["plans are not known here".into()],
        };
        let token = SessionToken::draw(self.world.entropy());
        let expires_at = now + Duration::from_secs(1_800);
        let session =
            AddressSession::open(self.org, &token, request, found, expires_at, self.moment());
        let at = |micros| (now + Duration::from_micros(micros)).as_micros().into();
        with(&session, [("updated_at", at(1)), ("closed_at", at(2))])
    }
}

fn place(given: Coordinates) -> Candidate {
    let address = Address {
        street: "29090 TIFFANY DR E".into(),
        unit: Some("APT A2".into()),
        city: Some("SOUTHFIELD".into()),
        state: Some(State::Michigan),
        zip5: Some("48034".into()),
        plus4: Some("1234".into()),
        urbanization: Some("URB LAS GLADIOLAS".into()),
    };
    Candidate {
        block_geoid: Some("261251623003012".into()),
        ..candidate(&address, Some(given))
    }
}
