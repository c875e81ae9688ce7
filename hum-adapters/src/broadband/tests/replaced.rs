use std::time::{Duration, Instant};

use super::*;
use crate::broadband::{import::INDEX_FILE, plans::PlansImport};

fn rows(brand: &str) -> Vec<String> {
    (0..4)
        .map(|location| {
            row(
                &format!("1/11/{brand}"),
                location,
                50,
                "1000/1000",
                'X',
                "261251630001001",
                &cell(0),
            )
        })
        .collect()
}

/// Asks until the answer fits.
#[expect(
    clippy::disallowed_methods,
    reason = "the map looks for files by the real clock"
)]
fn until(map: &LocalBroadbandMap, fits: impl Fn(&Coverage) -> bool) -> Coverage {
    let start = Instant::now();
    loop {
        let coverage = ask(map, &place(Precision::Rooftop, None), now());
        if fits(&coverage) {
            return coverage;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{coverage:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_map_that_is_open_notices_new_data_and_keeps_the_old_when_the_new_is_bad() {
    let folder = tempfile::tempdir().unwrap();
    let map = LocalBroadbandMap::open(folder.path()).unwrap();
    assert!(map.data_set().starts_with("sample-"));

    import(folder.path(), "J25_14nov2025", &rows("One")).unwrap();
    let coverage = until(&map, |coverage| brands(coverage) == ["One"]);
    let first = map.data_set();
    assert!(first.starts_with("fcc-bdc-J25-14nov2025+"), "{first}");
    assert_eq!(coverage.data_set, first);

    // The same release with other rows is another data set.
    import(folder.path(), "J25_14nov2025", &rows("Two")).unwrap();
    until(&map, |coverage| brands(coverage) == ["Two"]);
    let second = map.data_set();
    assert_ne!(second, first);

    // So are other plans.
    let plans = folder.path().join("plans.csv");
    std::fs::write(
        &plans,
        "brand_name,sku,name,download_speed,upload_speed,price\nTwo,A,Plan,100,10,49.99\n",
    )
    .unwrap();
    PlansImport::default()
        .run(folder.path(), &plans, now())
        .unwrap();
    until(&map, |coverage| {
        coverage.providers[0]
            .min_plan_price
            .as_ref()
            .is_some_and(|price| price.amount_cents == 4_999)
    });
    assert_ne!(map.data_set(), second);

    // By renaming, as everybody who publishes here must.
    let bad = folder.path().join("bad");
    std::fs::write(&bad, b"something else").unwrap();
    std::fs::rename(&bad, folder.path().join(INDEX_FILE)).unwrap();
    let coverage = until(&map, |coverage| !coverage.problems.is_empty());
    assert_eq!(brands(&coverage), ["Two"]);
    assert!(
        LocalBroadbandMap::open(folder.path()).is_err(),
        "a server does not start with it"
    );

    import(folder.path(), "D25_1may2026", &rows("Three")).unwrap();
    let coverage = until(&map, |coverage| coverage.problems.is_empty());
    assert_eq!(brands(&coverage), ["Three"]);
}

#[test]
fn two_imports_into_one_folder_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let lock = crate::broadband::durable::lock(&folder.path().join("import.lock")).unwrap();
    assert!(lock.is_some());
    let error = import(folder.path(), "J25_14nov2025", &rows("One"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("another import is running"), "{error}");
    drop(lock);
    import(folder.path(), "J25_14nov2025", &rows("One")).unwrap();
}

#[test]
fn files_without_rows_do_not_replace_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    import(folder.path(), "J25_14nov2025", &rows("One")).unwrap();
    let error = import(folder.path(), "J25_14nov2025", &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("no row to import"), "{error}");
    let map = LocalBroadbandMap::open(folder.path()).unwrap();
    assert_eq!(
        brands(&ask(&map, &place(Precision::Rooftop, None), now())),
        ["One"]
    );
}
