//! hum-adapters

pub mod broadband;
pub mod bus;
pub mod cipher;
pub mod clock;
pub mod egress;
pub mod entropy;
mod failed_request;
pub mod geocode;
pub mod language_model;
pub mod storage;
pub mod telephony;
mod tls;

pub use tls::install_tls;
