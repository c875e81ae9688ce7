//! A damaged index is an error or a wrong number, never a panic.

use hum_core::broadband::Place;

use super::*;
use crate::broadband::{
    import::INDEX_FILE,
    index::{Index, IndexError, check::check_file},
    query, sample,
};

fn bytes() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<String> = (0..60)
        .flat_map(|location| {
            let (block, cell) = (
                format!("26125163000100{}", location % 7),
                cell(location as usize % 7),
            );
            [(50, "1000/1000"), (10, "50/5"), (40, "900/30")].map(|(code, speeds)| {
                row(
                    &format!("{}/1/Net {code}", code / 20),
                    location,
                    code,
                    speeds,
                    'X',
                    &block,
                    &cell,
                )
            })
        })
        .collect();
    import(folder.path(), "J25_14nov2025", &rows).unwrap();
    std::fs::read(folder.path().join(INDEX_FILE)).unwrap()
}

/// Whatever can be asked.
fn ask_everything(index: &Index) {
    for precision in [Precision::Rooftop, Precision::ZipCentroid] {
        for block in [None, Some("261251630001003".to_owned())] {
            let place = Place {
                position: HERE,
                precision,
                block_geoid: block,
                zip5: None,
            };
            if let Ok(answer) = query::ask(index, &place) {
                for found in answer.found {
                    let _ = index.provider(found.provider);
                }
            }
        }
    }
    for number in 0..index.cell_count().min(100) {
        let Ok(cell) = index.cell(number) else {
            continue;
        };
        let _ = index
            .cell_offers(&cell)
            .map(|offers| offers.take(1_000).count());
        if let Ok(blocks) = index.blocks(&cell) {
            for block in blocks.take(1_000) {
                let _ = index
                    .block_offers(&block)
                    .map(|offers| offers.take(1_000).count());
            }
        }
    }
}

#[test]
fn no_changed_byte_makes_a_panic() {
    let whole = bytes();
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut opened = 0;
    for round in 0..6_000 {
        let mut damaged = whole.clone();
        for _ in 0..=random(4) {
            // Every third round spares the header, or nothing behind it would be read.
            let at = if round % 3 == 0 {
                random(damaged.len())
            } else {
                512 + random(damaged.len() - 512)
            };
            damaged[at] = match random(4) {
                0 => 0,
                1 => 255,
                2 => damaged[at] ^ 1 << random(8),
                _ => random(256) as u8,
            };
        }
        if let Ok(index) = Index::from_bytes(damaged) {
            opened += 1;
            ask_everything(&index);
        }
    }
    assert!(opened > 3_000, "{opened}");
}

#[test]
fn an_index_that_was_cut_off_is_not_opened() {
    let whole = bytes();
    for len in [0, 1, 8, 511, 512, 513, whole.len() / 2, whole.len() - 1] {
        assert!(
            matches!(
                Index::from_bytes(whole[..len].to_vec()),
                Err(IndexError::Foreign { .. })
            ),
            "{len}"
        );
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(Index::from_bytes(longer).is_err());
    let mut newer = whole;
    newer[8] = 2;
    let error = Index::from_bytes(newer).err().unwrap().to_string();
    assert!(
        error.contains("version 2") && error.contains("import the data again"),
        "{error}"
    );
}

#[test]
fn the_check_finds_every_changed_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(INDEX_FILE);
    let whole = bytes();
    std::fs::write(&path, &whole).unwrap();
    check_file(&path).unwrap();
    for at in (0..whole.len()).step_by(97) {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        std::fs::write(&path, &damaged).unwrap();
        assert!(check_file(&path).is_err(), "byte {at}");
    }
}

#[test]
fn a_row_that_cannot_be_used_is_named_with_line_and_column() {
    let good = row(
        "1/11/Net",
        1,
        50,
        "1000/1000",
        'X',
        "261251630001001",
        &cell(0),
    );
    let changed = |column: usize, value: &str| {
        let mut values: Vec<&str> = good.split(',').collect();
        values[column] = value;
        values.join(",")
    };
    for (column, name, values) in [
        (0, "frn", &["", "x", "12345678901"][..]),
        (1, "provider_id", &["", "-1"]),
        (2, "brand_name", &["", "  "]),
        (3, "location_id", &["", "1.5", "10000000000"]),
        (4, "technology", &["", "51", "500"]),
        (
            5,
            "max_advertised_download_speed",
            &["", "fast", "16777216"],
        ),
        (6, "max_advertised_upload_speed", &["0.5"]),
        (7, "low_latency", &["", "2", "maybe"]),
        (8, "business_residential_code", &["", "Z"]),
        (
            10,
            "block_geoid",
            &["", "26125163000100", "2612516300010011", "26125163000100x"],
        ),
        (
            11,
            "h3_res8_id",
            &[
                "",
                "872ab2c12ffffff",
                "882ab2c127ffff",
                "zzzzzzzzzzzzzzz",
                "882ab2c127ffffe",
            ],
        ),
    ] {
        for value in values {
            let text = format!("{HEADER}\n{good}\n{}\n", changed(column, value));
            let error = sample::from_csv(text.as_bytes(), &Default::default())
                .err()
                .unwrap();
            assert!(
                error.contains(&format!("line 3, column {name}")) && error.contains("must be"),
                "{error}"
            );
        }
    }
    let short = sample::from_csv(
        format!("{HEADER}\n{good}\n1,2,3\n").as_bytes(),
        &Default::default(),
    )
    .err()
    .unwrap();
    assert!(
        short.contains("line 3") && short.contains("3 values"),
        "{short}"
    );
    let header = sample::from_csv(b"frn,provider_id\n", &Default::default())
        .err()
        .unwrap();
    assert!(header.contains("no column brand_name"), "{header}");
}

#[test]
fn a_quote_that_nobody_closes_does_not_fill_the_memory() {
    let mut text = format!("{HEADER}\n1,11,\"Net").into_bytes();
    text.resize(40 << 20, b'x');
    let error = sample::from_csv(&text, &Default::default()).err().unwrap();
    assert!(error.contains("longer than 4 MiB"), "{error}");
}

#[test]
fn a_file_may_have_a_mark_of_its_encoding_and_any_line_ends() {
    let rows = [1, 2].map(|location| {
        row(
            "1/11/Net",
            location,
            50,
            "1000/1000",
            'X',
            "261251630001001",
            &cell(0),
        )
    });
    for (head, end) in [("", "\n"), ("\u{feff}", "\r\n")] {
        let text = format!(
            "{head}{}{end}{}{end}",
            HEADER.to_uppercase(),
            rows.join(end)
        );
        let index = sample::from_csv(text.as_bytes(), &Default::default()).unwrap();
        assert_eq!((index.header().rows, index.header().locations), (2, 2));
    }
}
