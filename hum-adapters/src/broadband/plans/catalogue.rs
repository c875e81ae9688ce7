//! All versions of all plans, and which of them are in effect.
//!
//! A plan is in effect from `effective_from` to `effective_to`, both days included, in UTC; without
//! them it always is. Of several entries with the same provider, sku and place, the one that began
//! last is answered; when it ends, the one before is in effect again. Of those that begin on the
//! same day the one that was imported last stands, so a plan is withdrawn by importing it again
//! with an `effective_to`. A new price can be imported before it holds, and asking for an earlier
//! day answers the earlier price. A plan that is not in a newer file stays, unless that file was
//! imported as the complete list of its providers' plans.

use std::{
    collections::HashMap,
    path::Path,
    sync::{PoisonError, RwLock},
};

use hum_core::{
    broadband::{CatalogueGroup, Money, Offering, Product, ProductCatalog, Technology},
    clock::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::broadband::index::ProviderRecord;

/// The name of the catalogue in the folder of broadband data.
pub const PLANS_FILE: &str = "plans.json";
const FORMAT: u32 = 1;

/// Days since 1970-01-01.
pub type Day = i64;

/// Everything that was imported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    format: u32,
    /// In the order of their imports.
    pub versions: Vec<Version>,
}

/// What one import brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// When.
    pub imported_at: Timestamp,
    /// The name of the file.
    pub file: String,
    /// SHA-1 of the file and of how it was imported, in hexadecimal.
    pub fingerprint: String,
    /// Whether it names all plans of the providers in it.
    pub complete: bool,
    /// The plans.
    pub entries: Vec<Entry>,
}

/// A plan of a provider at a time and a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose.
    pub provider: ProviderKey,
    /// What else the file says about the provider.
    #[serde(default, skip_serializing_if = "ProviderInfo::is_empty")]
    pub info: ProviderInfo,
    /// The plan; its `id` is made when it is answered.
    pub product: Product,
    /// The first day.
    pub effective_from: Option<Day>,
    /// The last day.
    pub effective_to: Option<Day>,
    /// Two letters each; empty: everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
    /// Five digits each; empty: everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zips: Vec<String>,
}

/// Which providers of the availability data are meant. Everything that is given must agree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderKey {
    /// FCC registration number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frn: Option<u64>,
    /// The FCC's id of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<u64>,
    /// Compared without case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
}

/// What a file says about a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderInfo {
    /// As in [`hum_core::broadband::Provider`].
    pub provider_icon: Option<String>,
    /// The same.
    pub provider_logo: Option<String>,
    /// The same.
    pub telephone: Option<String>,
    /// The same.
    pub url: Option<String>,
    /// The same.
    pub button_label: Option<String>,
    /// The same.
    pub promo_text: Option<String>,
    /// The same.
    pub promo_logo_url: Option<String>,
    /// The same.
    pub url_promo_text: Option<String>,
    /// The same.
    pub url_promo_logo_url: Option<String>,
}

impl ProviderInfo {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes what is not said yet.
    fn complete_with(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.provider_icon, &other.provider_icon),
            (&mut self.provider_logo, &other.provider_logo),
            (&mut self.telephone, &other.telephone),
            (&mut self.url, &other.url),
            (&mut self.button_label, &other.button_label),
            (&mut self.promo_text, &other.promo_text),
            (&mut self.promo_logo_url, &other.promo_logo_url),
            (&mut self.url_promo_text, &other.url_promo_text),
            (&mut self.url_promo_logo_url, &other.url_promo_logo_url),
        ] {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
    }
}

impl ProviderKey {
    fn means(&self, provider: &ProviderRecord<'_>) -> bool {
        self.frn.is_none_or(|frn| frn == provider.frn)
            && self.provider_id.is_none_or(|id| id == provider.provider_id)
            && self
                .brand
                .as_deref()
                .is_none_or(|brand| brand.eq_ignore_ascii_case(provider.brand))
    }
}

/// Where and when plans are asked for.
pub struct Asked<'a> {
    /// What the provider offers at the place.
    pub offerings: &'a [Offering],
    /// Two letters; `None`: not known, and plans of some states are left out.
    pub state: Option<&'a str>,
    /// `None`: not known, and plans of some ZIP codes are left out.
    pub zip5: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// All entries of one provider, whenever and wherever they are in effect, with the ids of their
/// products.
pub struct Stock {
    /// What is newer comes first.
    entries: Vec<Stocked>,
    /// What was made of some of the entries, by their numbers: the same at most places.
    made: RwLock<HashMap<Vec<usize>, Sold>>,
}

/// Plans that are sold in a few ZIP codes only make this many different catalogues of one provider,
/// and more are forgotten.
const MADE_AT_MOST: usize = 1_000;

struct Stocked {
    version: u32,
    complete: bool,
    technology: Option<Technology>,
    entry: Entry,
}

/// What a provider sells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sold {
    /// What is known about it besides.
    pub info: ProviderInfo,
    /// By category, position, then price.
    pub catalog: ProductCatalog,
    /// The cheapest month.
    pub min_price: Option<Money>,
}

/// The catalogue with ways to find a provider in it.
pub struct Shelf {
    catalogue: Catalogue,
    by_frn: HashMap<u64, Vec<(u32, u32)>>,
    by_id: HashMap<u64, Vec<(u32, u32)>>,
    by_brand: HashMap<String, Vec<(u32, u32)>>,
}

impl Catalogue {
    /// Nothing.
    pub fn new() -> Self {
        Self {
            format: FORMAT,
            versions: Vec::new(),
        }
    }

    /// Reads what [`Catalogue::to_bytes`] wrote.
    ///
    /// # Errors
    /// A sentence.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let catalogue: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("the catalogue is not readable: {error}"))?;
        if catalogue.format != FORMAT {
            return Err(format!(
                "the catalogue's format is {}, and this hum reads {FORMAT}",
                catalogue.format
            ));
        }
        Ok(catalogue)
    }

    /// The catalogue in a folder; an empty one when there is none.
    ///
    /// # Errors
    /// A sentence.
    pub fn load(folder: &Path) -> Result<Self, String> {
        let path = folder.join(PLANS_FILE);
        match std::fs::read(&path) {
            Ok(bytes) => Self::parse(&bytes).map_err(|why| format!("{}: {why}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::new()),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// As it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new()
    }
}

impl Shelf {
    /// Sorts the entries by whose they are.
    pub fn new(catalogue: Catalogue) -> Self {
        let mut shelf = Self {
            by_frn: HashMap::new(),
            by_id: HashMap::new(),
            by_brand: HashMap::new(),
            catalogue,
        };
        for (version, entries) in (0..).zip(&shelf.catalogue.versions) {
            for (number, entry) in (0..).zip(&entries.entries) {
                let place = match &entry.provider {
                    ProviderKey { frn: Some(frn), .. } => shelf.by_frn.entry(*frn).or_default(),
                    ProviderKey {
                        provider_id: Some(id),
                        ..
                    } => shelf.by_id.entry(*id).or_default(),
                    ProviderKey { brand, .. } => shelf
                        .by_brand
                        .entry(brand.as_deref().unwrap_or_default().to_ascii_lowercase())
                        .or_default(),
                };
                place.push((version, number));
            }
        }
        shelf
    }

    /// What is known about a provider's plans; `product_id` makes the id of a product from its sku.
    pub fn stock(
        &self,
        provider: &ProviderRecord<'_>,
        product_id: impl Fn(&str) -> String,
    ) -> Stock {
        let mut entries: Vec<Stocked> = Vec::new();
        let brand = provider.brand.to_ascii_lowercase();
        let places = [
            self.by_frn.get(&provider.frn),
            self.by_id.get(&provider.provider_id),
            self.by_brand.get(&brand),
        ];
        for (number, place) in places.into_iter().flatten().flatten() {
            let version = &self.catalogue.versions[*number as usize];
            let entry = &version.entries[*place as usize];
            if entry.provider.means(provider) {
                let mut entry = entry.clone();
                entry.product.id = product_id(&entry.product.sku);
                let technology = technology(&entry.product.technology);
                entries.push(Stocked {
                    version: *number,
                    complete: version.complete,
                    technology,
                    entry,
                });
            }
        }
        entries.sort_by_key(|stocked| {
            std::cmp::Reverse((stocked.entry.effective_from, stocked.version))
        });
        Stock {
            entries,
            made: RwLock::default(),
        }
    }
}

impl Stock {
    /// What is sold.
    pub fn sold(&self, asked: &Asked<'_>) -> Sold {
        let shown = self.shown(asked);
        if let Some(sold) = self
            .made
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&shown)
        {
            return sold.clone();
        }
        let sold = Sold::of(shown.iter().map(|number| &self.entries[*number].entry));
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        if made.len() >= MADE_AT_MOST {
            made.clear();
        }
        made.insert(shown, sold.clone());
        sold
    }

    /// The numbers of the entries that are in effect, the newest first.
    fn shown(&self, asked: &Asked<'_>) -> Vec<usize> {
        let day = asked.at.as_seconds().div_euclid(86_400);
        let begun = || {
            self.entries
                .iter()
                .enumerate()
                .filter(|(_, stocked)| stocked.entry.effective_from.is_none_or(|from| from <= day))
        };
        let oldest = begun()
            .filter(|(_, stocked)| stocked.complete)
            .map(|(_, stocked)| stocked.version)
            .max()
            .unwrap_or(0);
        // An entry for the same day is a correction: what it replaces is gone, also when the
        // correction says that it ended.
        let mut standing: Vec<(usize, &Entry)> = Vec::new();
        for (number, stocked) in
            begun().filter(|(_, stocked)| stocked.version >= oldest && stocked.is_offered(asked))
        {
            let entry = &stocked.entry;
            if !standing.iter().any(|(_, newer)| {
                newer.is_alike(entry) && newer.effective_from == entry.effective_from
            }) {
                standing.push((number, entry));
            }
        }
        // One that began later and ended was for a while: after it, the one before is in effect
        // again.
        let mut shown: Vec<usize> = Vec::new();
        for (number, entry) in standing {
            if entry.effective_to.is_none_or(|to| to >= day)
                && !shown
                    .iter()
                    .any(|newer| self.entries[*newer].entry.is_alike(entry))
            {
                shown.push(number);
            }
        }
        shown
    }
}

impl Sold {
    /// Of entries, the newest first.
    fn of<'a>(shown: impl Iterator<Item = &'a Entry>) -> Self {
        let mut info = ProviderInfo::default();
        let mut products: Vec<&Product> = shown
            .inspect(|entry| info.complete_with(&entry.info))
            .map(|entry| &entry.product)
            .collect();
        products
            .sort_by_key(|product| (product.position, product.price.amount_cents, &product.sku));
        let min_price = products
            .iter()
            .map(|product| &product.price)
            .min_by_key(|price| price.amount_cents)
            .cloned();
        Self {
            info,
            catalog: groups(products.into_iter().cloned()).into(),
            min_price,
        }
    }
}

impl Entry {
    /// The same plan at the same place.
    fn is_alike(&self, other: &Self) -> bool {
        self.product.sku == other.product.sku
            && self.states == other.states
            && self.zips == other.zips
    }
}

impl Stocked {
    fn is_offered(&self, asked: &Asked<'_>) -> bool {
        let here = |places: &[String], place: Option<&str>| {
            places.is_empty() || place.is_some_and(|place| places.iter().any(|one| one == place))
        };
        here(&self.entry.states, asked.state)
            && here(&self.entry.zips, asked.zip5)
            && self.technology.is_none_or(|needed| {
                asked
                    .offerings
                    .iter()
                    .any(|offering| offering.technology == needed)
            })
    }
}

/// Products by category, in the order in which the categories come.
fn groups(products: impl Iterator<Item = Product>) -> Vec<CatalogueGroup> {
    let mut groups: Vec<CatalogueGroup> = Vec::new();
    for product in products {
        match groups
            .iter_mut()
            .find(|group| group.category == product.category)
        {
            Some(group) => group.products.push(product),
            None => groups.push(CatalogueGroup {
                category: product.category.clone(),
                category_name: product.category_name.clone(),
                category_description: if product.category == "internet" {
                    "High-speed internet access plans".into()
                } else {
                    String::new()
                },
                products: vec![product],
            }),
        }
    }
    groups
}

/// The technology of a product; `None`: not said, and the plan is sold with all of them.
pub fn technology(name: &str) -> Option<Technology> {
    Technology::ALL
        .iter()
        .copied()
        .find(|technology| technology.as_str().eq_ignore_ascii_case(name))
}
