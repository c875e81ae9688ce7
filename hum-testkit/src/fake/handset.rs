//! Telephones: what people see.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use hum_core::{clock::Timestamp, number::E164};

/// A text between two numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Sender.
    pub from: E164,
    /// Recipient.
    pub to: E164,
    /// The text.
    pub body: String,
}

/// Every telephone of the world, and what arrived on it.
#[derive(Clone, Default)]
pub struct Handsets(Arc<Mutex<Screens>>);

type Screens = BTreeMap<E164, Vec<(Timestamp, Text)>>;

impl Handsets {
    /// A text arrives.
    pub fn arrive(&self, text: Text, at: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(text.to.clone()).or_default().push((at, text));
    }

    /// Everything that arrived on one telephone, in order.
    pub fn received(&self, number: &E164) -> Vec<(Timestamp, Text)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(number).cloned().unwrap_or_default()
    }
}
