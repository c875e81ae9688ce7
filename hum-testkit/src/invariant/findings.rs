use hum_core::clock::Timestamp;

/// Something that must never be, was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant, such as `INV-02`.
    pub invariant: &'static str,
    /// When, in the world.
    pub at: Timestamp,
    /// What was seen.
    pub detail: String,
}

/// A run that is far off the road is not described at length.
const AT_MOST: usize = 50;

/// What was found to be wrong.
pub struct Findings {
    /// The world's time.
    pub now: Timestamp,
    /// So far.
    pub violations: Vec<Violation>,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            now: Timestamp::from_micros(0),
            violations: Vec::new(),
        }
    }
}

impl Findings {
    /// Adds one.
    pub fn add(&mut self, invariant: &'static str, detail: String) {
        if self.violations.len() < AT_MOST {
            self.violations.push(Violation {
                invariant,
                at: self.now,
                detail,
            });
        }
    }
}
