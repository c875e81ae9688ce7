//! INV-71: the counters of a tenant are the sums of what was committed.

use std::collections::BTreeMap;

use hum_core::{counter::Metrics, id::OrgId};

use crate::simulator::Stage;

/// More than a world counts.
const AT_MOST: u32 = 10_000;

/// Somebody looks at the counters of each tenant.
pub(super) fn leave(stage: &Stage) {
    for tenant in stage.tenants.iter() {
        let (shared, org) = (stage.shared.clone(), tenant.caller.org);
        stage.shared.act(async move {
            let monitor = shared.monitor().clone();
            shared
                .request(move |hum| async move {
                    let everything = Metrics::with_prefix("");
                    let counters = hum.reads(org).counters(&everything, AT_MOST).await;
                    // Nothing is committed between the read and this.
                    let known = monitor.mirror(|mirror| known(&mirror.counters, org));
                    let stored: BTreeMap<String, i64> = counters
                        .into_iter()
                        .flatten()
                        .map(|counter| (counter.metric, counter.value))
                        .collect();
                    if stored != known {
                        monitor.violate(
                            "INV-71",
                            format!("{stored:?} is stored, and {known:?} was counted"),
                        );
                    }
                })
                .await;
        });
    }
}

fn known(counters: &BTreeMap<OrgId, BTreeMap<String, i64>>, org: OrgId) -> BTreeMap<String, i64> {
    counters.get(&org).cloned().unwrap_or_default()
}
