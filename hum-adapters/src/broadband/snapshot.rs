//! One state of the data: an index and the plans that go with it. Never changed; another state is
//! another snapshot.

use std::{path::Path, sync::OnceLock, time::SystemTime};

use hum_core::{
    broadband::{Coverage, Place, Promo, Provider},
    clock::Timestamp,
};

use super::{
    import::INDEX_FILE,
    index::{Damaged, Index, ProviderRecord},
    plans::{
        Catalogue, PLANS_FILE,
        catalogue::{Asked, Shelf, Stock},
        state::of_fips,
    },
    query::{self, Found},
    sample, uuid,
};

/// An index with plans.
pub struct Snapshot {
    index: Index,
    shelf: Shelf,
    data_set: String,
    /// By the number of the provider, made when somebody asks for it.
    known: Vec<OnceLock<Known>>,
    /// Which files this is.
    pub files: Files,
}

/// What does not depend on the question.
struct Known {
    id: String,
    stock: Stock,
}

/// Which files there are, so that others are noticed. Files that are renamed over each other are
/// other files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Files {
    index: Option<Identity>,
    plans: Option<Identity>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    inode: u64,
    len: u64,
    modified: Option<SystemTime>,
}

impl Files {
    /// Those in a folder now.
    pub fn in_folder(folder: &Path) -> Self {
        let identity = |name| {
            std::fs::metadata(folder.join(name))
                .ok()
                .map(|metadata| Identity::of(&metadata))
        };
        Self {
            index: identity(INDEX_FILE),
            plans: identity(PLANS_FILE),
        }
    }
}

impl Identity {
    fn of(metadata: &std::fs::Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self {
            inode,
            len: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

impl Snapshot {
    /// What is in a folder now: the sample when there is no index.
    ///
    /// # Errors
    /// A sentence.
    pub fn load(folder: &Path) -> Result<Self, String> {
        // Before the files are read: when they change meanwhile, the next look notices.
        let files = Files::in_folder(folder);
        let mut catalogue = Catalogue::load(folder)?;
        let path = folder.join(INDEX_FILE);
        let index = if files.index.is_some() {
            Index::open(&path).map_err(|error| error.to_string())?.1
        } else {
            catalogue.versions.insert(0, sample::plans()?);
            sample::index()?
        };
        Ok(Self::new(index, catalogue, files))
    }

    fn new(index: Index, catalogue: Catalogue, files: Files) -> Self {
        // The same name for other bytes, or other plans, would let answers that were kept live on.
        let mut crc = crc32fast::Hasher::new_with_initial(index.fingerprint());
        for version in &catalogue.versions {
            crc.update(version.fingerprint.as_bytes());
        }
        let data_set = format!("{}+{:08x}", index.data_set(), crc.finalize());
        let known = (0..index.provider_count().min(1 << 16))
            .map(|_| OnceLock::new())
            .collect();
        Self {
            index,
            shelf: Shelf::new(catalogue),
            data_set,
            known,
            files,
        }
    }

    /// The name of the data set, and eight digits that change with the index and with the plans.
    pub fn data_set(&self) -> &str {
        &self.data_set
    }

    /// Who offers internet at a place.
    ///
    /// # Errors
    /// The index contradicts itself.
    pub fn coverage(&self, place: &Place, at: Timestamp) -> Result<Coverage, Damaged> {
        let answer = query::ask(&self.index, place)?;
        let state = answer.state_fips.and_then(of_fips);
        let providers = answer
            .found
            .into_iter()
            .map(|found| self.provider(found, state, place.zip5.as_deref(), at));
        Ok(Coverage {
            data_set: self.data_set.clone(),
            providers: providers.collect::<Result<_, _>>()?,
            problems: Vec::new(),
        })
    }

    fn known(&self, record: &ProviderRecord<'_>) -> Known {
        let id = uuid::of(&format!(
            "{:010}|{}|{}",
            record.frn, record.provider_id, record.brand
        ));
        let stock = self
            .shelf
            .stock(record, |sku| uuid::of(&format!("{id}|{sku}")));
        Known { id, stock }
    }

    fn provider(
        &self,
        found: Found,
        state: Option<&str>,
        zip5: Option<&str>,
        at: Timestamp,
    ) -> Result<Provider, Damaged> {
        let record = self.index.provider(found.provider)?;
        let known = self
            .known
            .get(usize::from(found.provider))
            .map(|known| known.get_or_init(|| self.known(&record)));
        // The index has a record of the provider, so it has a place here.
        let Some(known) = known else {
            return Err(Damaged {
                what: "provider",
                number: 0,
                why: "is one too many",
            });
        };
        let sold = known.stock.sold(&Asked {
            offerings: &found.offerings,
            state,
            zip5,
            at,
        });
        let text = |text: Option<String>| text.unwrap_or_default();
        let info = sold.info;
        Ok(Provider {
            provider_id: known.id.clone(),
            provider_name: record.brand.to_owned(),
            provider_icon: info.provider_icon,
            provider_logo: info.provider_logo,
            telephone: info.telephone,
            url: info.url,
            min_plan_price: sold.min_price,
            button_label: info.button_label,
            provider_promo: Promo {
                promo_text: text(info.promo_text),
                promo_logo_url: text(info.promo_logo_url),
            },
            url_promo: Promo {
                promo_text: text(info.url_promo_text),
                promo_logo_url: text(info.url_promo_logo_url),
            },
            offerings: found.offerings,
            product_catalog: sold.catalog,
            evidence: found.evidence,
        })
    }
}
