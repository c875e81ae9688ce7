//! Who serves a place, and how far to believe it.
//!
//! The evidence is looked for where the place is and then around it:
//!
//! 1. the place's **block**, when it is known and in the index (its parts in the seven cells are
//!    added up);
//! 2. the **cell** of the place;
//! 3. the six cells around it, the nearest first. The FCC derives a location's cell from a finer
//!    one, so a location may lie just outside of its cell; and a point at the edge of a cell has
//!    neighbours in the next one. What is only found here is never more than `unknown`.
//!
//! The middle of a **ZIP** code proves nothing about an address in it: all seven cells are added
//! up, and it is `unknown`.
//!
//! A provider that is not in the place's block, although the block is in the index, but elsewhere
//! in the cell, is `unknown` too: the finer evidence is against it.

use h3o::{CellIndex, LatLng, Resolution};
use hum_core::{
    broadband::{Confidence, Evidence, Grain, Offering, Place, Technology},
    geocode::{Coordinates, Precision},
};

use super::{
    index::{
        CellRecord, Damaged, Index, OfferRecord,
        format::{ALL_TECHNOLOGIES, BUSINESS, HIGH_LATENCY},
    },
    technology,
};

/// `confirmed` needs this many known locations: one house that is served says little about the next
/// one.
const ENOUGH_LOCATIONS: u64 = 3;

/// A provider and why it is in the answer.
pub struct Found {
    /// Its number in the index.
    pub provider: u16,
    /// The fastest first.
    pub offerings: Vec<Offering>,
    /// Why.
    pub evidence: Evidence,
    /// Whether it is only in the cells around.
    around: bool,
}

/// An answer of the index.
pub struct Answer {
    /// The best evidence first.
    pub found: Vec<Found>,
    /// The state's FIPS code, where a block says it.
    pub state_fips: Option<u8>,
}

/// What is being gathered about a provider.
struct Gathered {
    provider: u16,
    grain: Grain,
    known: u64,
    served: u64,
    /// Which of the seven cells.
    cell: usize,
    /// Whether something finer is against it.
    doubted: bool,
    offerings: Vec<Offering>,
}

struct Seven {
    cells: [(Option<CellIndex>, Option<CellRecord>); 7],
    distances: [f64; 7],
}

/// Asks the index.
///
/// # Errors
/// The index contradicts itself.
pub fn ask(index: &Index, place: &Place) -> Result<Answer, Damaged> {
    let none = Answer {
        found: Vec::new(),
        state_fips: None,
    };
    let Ok(point) = LatLng::new(place.position.latitude, place.position.longitude) else {
        return Ok(none);
    };
    let seven = look_up(index, point.to_cell(Resolution::Eight), place.position)?;
    let geoid = place
        .block_geoid
        .as_deref()
        .filter(|geoid| geoid.len() == 15)
        .and_then(|geoid| geoid.parse::<u64>().ok());
    let mut gathered = Vec::with_capacity(16);
    match place.precision {
        Precision::ZipCentroid => zip(index, &seven, &mut gathered)?,
        Precision::Rooftop | Precision::Range => address(index, &seven, geoid, &mut gathered)?,
    }
    let state_fips = match geoid {
        Some(geoid) => u8::try_from(geoid / 10_000_000_000_000).ok(),
        None => state(index, &seven)?,
    };
    let mut found: Vec<Found> = gathered
        .into_iter()
        .map(|gathered| gathered.judge(index, &seven))
        .collect();
    found.sort_by(|a, b| {
        let rank = |found: &Found| {
            let best = found.offerings.first().map_or((0, 0), |offering| {
                (offering.max_download_speed, offering.max_upload_speed)
            });
            (
                found.around,
                found.evidence.confidence,
                std::cmp::Reverse(best),
                found.provider,
            )
        };
        rank(a).cmp(&rank(b))
    });
    Ok(Answer { found, state_fips })
}

/// The cell and those around it, the nearest first.
fn look_up(index: &Index, center: CellIndex, position: Coordinates) -> Result<Seven, Damaged> {
    let mut seven = Seven {
        cells: [(None, None); 7],
        distances: [f64::MAX; 7],
    };
    // There is no quick way around the twelve pentagons, all of which are in the sea.
    for (at, cell) in center.grid_disk_fast(1).flatten().take(7).enumerate() {
        let middle = LatLng::from(cell);
        let middle = Coordinates {
            latitude: middle.lat(),
            longitude: middle.lng(),
        };
        seven.cells[at] = (Some(cell), index.find(u64::from(cell))?);
        seven.distances[at] = position.distance_m(middle);
    }
    // The first one is the place's own.
    let mut order = [0, 1, 2, 3, 4, 5, 6];
    order[1..].sort_by(|a, b| seven.distances[*a].total_cmp(&seven.distances[*b]));
    Ok(Seven {
        cells: order.map(|at| seven.cells[at]),
        distances: order.map(|at| seven.distances[at]),
    })
}

impl Seven {
    fn records(&self) -> impl Iterator<Item = (usize, &CellRecord)> {
        self.cells
            .iter()
            .enumerate()
            .filter_map(|(at, (_, record))| record.as_ref().map(|record| (at, record)))
    }
}

fn zip(index: &Index, seven: &Seven, gathered: &mut Vec<Gathered>) -> Result<(), Damaged> {
    let known = seven
        .records()
        .map(|(_, record)| u64::from(record.known))
        .sum();
    for (at, record) in seven.records() {
        add(gathered, index.cell_offers(record)?, |provider| {
            Gathered::new(provider, Grain::Zip, known, at)
        });
    }
    Ok(())
}

fn address(
    index: &Index,
    seven: &Seven,
    geoid: Option<u64>,
    gathered: &mut Vec<Gathered>,
) -> Result<(), Damaged> {
    let mut parts = Vec::new();
    if let Some(geoid) = geoid {
        for (at, record) in seven.records() {
            if let Some(block) = index.find_block(record, geoid)? {
                parts.push((at, block));
            }
        }
    }
    let known = parts.iter().map(|(_, block)| u64::from(block.known)).sum();
    for (at, block) in &parts {
        add(gathered, index.block_offers(block)?, |provider| {
            Gathered::new(provider, Grain::Block, known, *at)
        });
    }
    for (at, record) in seven.records() {
        let before = gathered.len();
        let (found, offers) = (&*gathered, index.cell_offers(record)?);
        let is_new = |offer: &OfferRecord| {
            found[..before]
                .iter()
                .all(|found| found.provider != offer.provider)
        };
        let mut new = Vec::new();
        add(&mut new, offers.filter(is_new), |provider| Gathered {
            doubted: at > 0 || !parts.is_empty(),
            ..Gathered::new(provider, Grain::Cell, u64::from(record.known), at)
        });
        gathered.append(&mut new);
    }
    Ok(())
}

/// Adds the offers for homes of one cell or block. Those of a provider come together.
fn add(
    gathered: &mut Vec<Gathered>,
    offers: impl Iterator<Item = OfferRecord>,
    new: impl Fn(u16) -> Gathered,
) {
    let mut last: Option<(usize, u32)> = None;
    for offer in offers.filter(|offer| offer.flags & BUSINESS == 0) {
        let (at, counted) = match last {
            Some((at, counted)) if gathered[at].provider == offer.provider => (at, counted),
            _ => match gathered
                .iter()
                .position(|gathered| gathered.provider == offer.provider)
            {
                Some(at) => (at, 0),
                None => {
                    gathered.push(new(offer.provider));
                    (gathered.len() - 1, 0)
                }
            },
        };
        let entry = &mut gathered[at];
        // All technologies together serve as many as each of them, or more.
        if offer.served > counted {
            entry.served += u64::from(offer.served - counted);
        }
        last = Some((at, counted.max(offer.served)));
        if offer.technology != ALL_TECHNOLOGIES {
            entry.offer(&offer);
        }
    }
}

impl Gathered {
    fn new(provider: u16, grain: Grain, known: u64, cell: usize) -> Self {
        Self {
            provider,
            grain,
            known,
            served: 0,
            cell,
            doubted: false,
            offerings: Vec::with_capacity(2),
        }
    }

    fn offer(&mut self, offer: &OfferRecord) {
        let technology = technology::from_code(offer.technology).unwrap_or(Technology::Other);
        let low_latency = Some(offer.flags & HIGH_LATENCY == 0);
        match self
            .offerings
            .iter_mut()
            .find(|offering| offering.technology == technology)
        {
            Some(offering) => {
                // Of two networks of one kind (geostationary and not), the faster one speaks for
                // both.
                if (offer.download, offer.upload)
                    > (offering.max_download_speed, offering.max_upload_speed)
                {
                    offering.low_latency = low_latency;
                }
                offering.max_download_speed = offering.max_download_speed.max(offer.download);
                offering.max_upload_speed = offering.max_upload_speed.max(offer.upload);
            }
            None => self.offerings.push(Offering {
                technology,
                technology_category: technology.category(),
                max_download_speed: offer.download,
                max_upload_speed: offer.upload,
                low_latency,
            }),
        }
    }

    fn judge(mut self, index: &Index, seven: &Seven) -> Found {
        self.offerings.sort_by_key(|offering| {
            (
                std::cmp::Reverse((offering.max_download_speed, offering.max_upload_speed)),
                offering.technology,
            )
        });
        let distance = seven.distances.get(self.cell).copied().unwrap_or(f64::MAX);
        let confidence = if self.doubted || self.grain == Grain::Zip {
            Confidence::Unknown
        } else if self.served == self.known && self.known >= ENOUGH_LOCATIONS {
            Confidence::Confirmed
        } else if self.served * 2 >= self.known {
            Confidence::Likely
        } else {
            Confidence::Unknown
        };
        let share = if self.known == 0 {
            None
        } else {
            Some((self.served as f64 / self.known as f64).min(1.0))
        };
        Found {
            provider: self.provider,
            offerings: self.offerings,
            around: self.cell > 0 && self.grain == Grain::Cell,
            evidence: Evidence {
                source: index.source().to_owned(),
                vintage: index.vintage().to_owned(),
                grain: self.grain,
                distance_m: (distance < 1e9).then_some(distance.round() as u32),
                share_of_locations_served: share,
                confidence,
            },
        }
    }
}

/// The state of the nearest block. Near a border it may be the other one.
fn state(index: &Index, seven: &Seven) -> Result<Option<u8>, Damaged> {
    for (_, record) in seven.records() {
        if let Some(block) = index.blocks(record)?.next() {
            return Ok(u8::try_from(block.geoid / 10_000_000_000_000).ok());
        }
    }
    Ok(None)
}
