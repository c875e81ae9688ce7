use std::time::Duration;

/// How to reach Twilio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwilioConfig {
    /// The origin of the API, `HUM_TWILIO_API_URL`: another one for tests and for Twilio's regions.
    pub api_url: String,
    /// From the first lookup to the last byte. Twilio itself was seen to take up to 26 s before it
    /// gives up (<https://www.twilio.com/docs/errors/20500>): less than 30 s only makes more texts
    /// of which nobody knows whether they were sent.
    pub timeout: Duration,
}

impl TwilioConfig {
    /// Where Twilio is.
    pub const API_URL: &'static str = "https://api.twilio.com";
}

impl Default for TwilioConfig {
    fn default() -> Self {
        Self {
            api_url: Self::API_URL.into(),
            timeout: Duration::from_secs(30),
        }
    }
}
