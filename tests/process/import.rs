//! `kill -9` at random moments of an import, again and again: the same command ends with the same
//! index, and the index has what a naive count of the rows has.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use hum_adapters::broadband::index::{
    Index, OfferRecord,
    format::{ALL_TECHNOLOGIES, BUSINESS, CODE_R, CODE_X, HIGH_LATENCY, LOW_LATENCY},
};

use crate::load::Dice;

const KILLS: u64 = 60;
const ROWS: u64 = 40_000;
/// More runs than are merged at once, so that merging in steps is killed too.
const ROWS_PER_RUN: &str = "250";

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    cell: u64,
    block: u64,
    location: u64,
    provider: usize,
    technology: u8,
    code: u8,
    low_latency: bool,
    download: u32,
    upload: u32,
}

/// FRN, provider id, brand: in the order of the index. The first two have one brand, and one has a
/// comma.
const PROVIDERS: [(u64, u64, &str); 5] = [
    (11, 130_001, "Example Net"),
    (22, 130_002, "Example Net"),
    (33, 130_003, "Example, Inc."),
    (33, 130_003, "Example Zwei \"Ö\""),
    (9_999_999_999, 130_004, "Example Sky"),
];

fn rows() -> Vec<Row> {
    let mut dice = Dice::new(7);
    let mut rows: Vec<Row> = Vec::new();
    for number in 0..ROWS {
        if number % 50 == 49 {
            // The same row again.
            rows.push(rows[dice.between(0, number - 1) as usize]);
            continue;
        }
        let location = dice.between(0, 6_000 - 1);
        // A location has one cell and one block; a cell has several blocks, and a block may be in
        // two cells.
        let (cell, block) = (location % 53, location % 211);
        let (last, before) = (cell % 7, cell / 7 % 7);
        let cell = 0x0880_0000_001f_ffff | 21 << 45 | before << 24 | last << 21 | 1 << 42;
        let technology = [0, 10, 40, 50, 60, 61, 70, 71, 72][dice.between(0, 9 - 1) as usize];
        rows.push(Row {
            cell,
            block: 261_251_630_001_000 + block,
            location: 1_000_000_000 + location,
            provider: dice.between(0, PROVIDERS.len() as u64 - 1) as usize,
            technology,
            code: b"BRXX"[dice.between(0, 4 - 1) as usize],
            low_latency: technology != 60 || dice.between(0, 9 - 1) == 0,
            download: [0, 10, 100, 940, 2_000, 16_000_000][dice.between(0, 6 - 1) as usize],
            upload: [0, 1, 35, 940][dice.between(0, 4 - 1) as usize],
        });
    }
    rows
}

/// Three files, each with its columns in another order.
fn write_files(folder: &Path, rows: &[Row]) -> Vec<PathBuf> {
    let orders = [
        "frn,provider_id,brand_name,location_id,technology,max_advertised_download_speed,max_advertised_upload_speed,\
         low_latency,business_residential_code,state_usps,block_geoid,h3_res8_id",
        "h3_res8_id,block_geoid,state_usps,business_residential_code,low_latency,max_advertised_upload_speed,\
         max_advertised_download_speed,technology,location_id,brand_name,provider_id,frn",
        "provider_id,frn,location_id,brand_name,technology,max_advertised_download_speed,low_latency,\
         max_advertised_upload_speed,business_residential_code,h3_res8_id,block_geoid",
    ];
    let mut paths = Vec::new();
    for (part, (header, name)) in rows
        .chunks(rows.len() / 3 + 1)
        .zip(orders.iter().zip(["Cable", "Copper", "Other"]))
    {
        let mut text = format!("{header}\r\n");
        for row in part {
            let (frn, provider_id, brand) = PROVIDERS[row.provider];
            for (at, column) in header.split(',').enumerate() {
                let comma = if at > 0 { "," } else { "" };
                let value = match column {
                    "frn" => format!("{frn:010}"),
                    "provider_id" => provider_id.to_string(),
                    "brand_name" => format!("\"{}\"", brand.replace('"', "\"\"")),
                    "location_id" => row.location.to_string(),
                    "technology" => row.technology.to_string(),
                    "max_advertised_download_speed" => row.download.to_string(),
                    "max_advertised_upload_speed" => row.upload.to_string(),
                    "low_latency" => u8::from(row.low_latency).to_string(),
                    "business_residential_code" => char::from(row.code).to_string(),
                    "state_usps" => "MI".into(),
                    "block_geoid" => row.block.to_string(),
                    "h3_res8_id" => format!("{:x}", row.cell),
                    other => panic!("{other}"),
                };
                write!(text, "{comma}{value}").expect("memory");
            }
            text.push_str("\r\n");
        }
        let path = folder.join(format!("bdc_26_{name}_fixed_broadband_J25_14nov2025.csv"));
        fs::write(&path, text).expect("a file");
        paths.push(path);
    }
    paths
}

fn command(data: &Path, files: &[PathBuf], more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hum"));
    command
        .args(["import", "fcc", "--rows-per-run", ROWS_PER_RUN])
        .args(more)
        .args(files);
    command
        .env("HUM_DATA_DIR", data)
        .env("HUM_LOG", "warn")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn ended(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn index(data: &Path) -> Vec<u8> {
    fs::read(data.join("broadband/availability.idx")).expect("an index")
}

#[test]
fn an_import_that_is_killed_again_and_again_ends_with_the_same_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = rows();
    let files = write_files(folder.path(), &rows);
    let whole = folder.path().join("whole");
    let said = ended(&command(&whole, &files, &[]).output().expect("hum runs"));
    assert!(
        said.starts_with("fcc-bdc-J25-14nov2025: 40,000 rows, "),
        "{said}"
    );
    let expected = index(&whole);
    assert_eq!(
        contents(expected.clone()),
        naive(&rows),
        "the index differs from a naive count"
    );

    let killed = folder.path().join("killed");
    let mut dice = Dice::new(20_261_122);
    let (mut kills, mut ends, mut resumed) = (0, 0, 0);
    while kills < KILLS || ends == 0 {
        let mut child = command(&killed, &files, &[]).spawn().expect("hum starts");
        // Long enough to get somewhere, short enough to die everywhere; longer and longer, in case
        // this machine is slow.
        sleep(Duration::from_millis(dice.between(5, 150 + 3 * kills)));
        if child.try_wait().expect("a status").is_none() {
            child.kill().expect("a kill");
            kills += 1;
        }
        let output = child.wait_with_output().expect("an end");
        let error = String::from_utf8_lossy(&output.stderr);
        resumed += u64::from(error.contains("going on after"));
        if output.status.success() {
            ends += 1;
            assert!(
                index(&killed) == expected,
                "another index after {kills} kills"
            );
            assert!(
                !killed.join("broadband/import.work").exists(),
                "the work is done"
            );
        } else {
            assert!(
                error.lines().all(|line| !line.starts_with("hum: ")),
                "after {kills} kills: {error}"
            );
        }
    }
    ended(&command(&killed, &files, &[]).output().expect("hum runs"));
    assert!(index(&killed) == expected, "another index");
    println!(
        "{kills} kills, {ends} imports ended between them, {resumed} went on after an earlier one"
    );
    assert!(
        resumed >= KILLS / 4,
        "{resumed} of {kills} went on: the kills come too early"
    );
}

#[test]
fn the_order_of_files_does_not_change_the_index_and_other_files_are_another_import() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: Vec<Row> = rows().into_iter().take(2_000).collect();
    let mut files = write_files(folder.path(), &rows);
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    ended(&command(&one, &files, &[]).output().expect("hum runs"));
    files.reverse();
    ended(&command(&other, &files, &[]).output().expect("hum runs"));
    assert!(index(&one) == index(&other));

    // A bad row in the last file leaves an unfinished import behind.
    let good = fs::read_to_string(&files[2]).expect("a file");
    fs::write(&files[2], format!("{}x\r\n", good.trim_end())).expect("a file");
    let stopped = command(&one, &files, &[]).output().expect("hum runs");
    let said = String::from_utf8_lossy(&stopped.stderr).into_owned();
    let line = good.lines().count();
    assert!(
        !stopped.status.success() && said.contains(&format!("line {line}, column h3_res8_id")),
        "{said}"
    );
    assert!(
        index(&one) == index(&other),
        "the index before is still there"
    );
    let said = command(&one, &files[..2], &[]).output().expect("hum runs");
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("another import is unfinished"),
        "{said:?}"
    );

    // Without the bad row it goes on where it stopped.
    let said = command(&one, &files, &["--skip-bad-rows"])
        .output()
        .expect("hum runs");
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("going on after 1,999 rows"),
        "{said:?}"
    );
    assert!(
        ended(&said).contains("1,999 rows, 1 bad rows skipped"),
        "{said:?}"
    );

    // A file that changed is refused until somebody says so.
    command(&one, &files, &[]).output().expect("hum runs");
    fs::write(&files[2], good).expect("a file");
    let said = command(&one, &files, &[]).output().expect("hum runs");
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("has changed since this import began"),
        "{said:?}"
    );
    ended(
        &command(&one, &files, &["--restart"])
            .output()
            .expect("hum runs"),
    );
    assert!(index(&one) == index(&other));
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_a_sentence_and_the_import_goes_on_when_there_is_space() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: Vec<Row> = rows().into_iter().take(6_000).collect();
    let files = write_files(folder.path(), &rows);
    let (whole, full) = (folder.path().join("whole"), folder.path().join("full"));
    ended(&command(&whole, &files, &[]).output().expect("hum runs"));

    // The system lets no file grow beyond 20 KiB: runs fit, the index does not.
    let hum = command(&full, &files, &[]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 40; exec \"$0\" \"$@\""])
        .arg(hum.get_program())
        .args(hum.get_args());
    limited.env("HUM_DATA_DIR", &full).env("HUM_LOG", "warn");
    let stopped = limited.output().expect("sh runs");
    let said = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert!(
        !stopped.status.success()
            && said.contains("cannot write")
            && said.contains("run the same command again"),
        "{said}"
    );

    let output = command(&full, &files, &[]).output().expect("hum runs");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("going on after 6,000 rows"),
        "{output:?}"
    );
    ended(&output);
    assert!(index(&full) == index(&whole));
}

/// Known locations and offers by place: a cell, or a block in it. Offers by provider, audience and
/// technology.
type Contents = BTreeMap<(u64, Option<u64>), (u32, BTreeMap<Key, Offer>)>;
type Key = (u16, bool, u8);
type Offer = (u8, u32, u32, u32);

fn contents(bytes: Vec<u8>) -> Contents {
    let index = Index::from_bytes(bytes).expect("an index");
    let offers = |records: &mut dyn Iterator<Item = OfferRecord>| {
        let entry = |record: OfferRecord| {
            let key = (
                record.provider,
                record.flags & BUSINESS != 0,
                record.technology,
            );
            (
                key,
                (record.flags, record.download, record.upload, record.served),
            )
        };
        records.map(entry).collect::<BTreeMap<_, _>>()
    };
    let mut contents = Contents::new();
    for number in 0..index.cell_count() {
        let cell = index.cell(number).expect("a cell");
        let own = offers(&mut index.cell_offers(&cell).expect("offers"));
        contents.insert((cell.cell, None), (cell.known, own));
        for block in index.blocks(&cell).expect("blocks") {
            let own = offers(&mut index.block_offers(&block).expect("offers"));
            contents.insert((cell.cell, Some(block.geoid)), (block.known, own));
        }
    }
    for (number, (frn, provider_id, brand)) in (0..).zip(sorted_providers()) {
        let provider = index.provider(number).expect("a provider");
        assert_eq!(
            (provider.frn, provider.provider_id, provider.brand),
            (frn, provider_id, brand)
        );
    }
    contents
}

fn sorted_providers() -> Vec<(u64, u64, &'static str)> {
    let mut providers = PROVIDERS.to_vec();
    providers.sort();
    providers
}

/// Counts with sets and nothing else.
fn naive(rows: &[Row]) -> Contents {
    let numbers: Vec<u16> = PROVIDERS
        .iter()
        .map(|one| {
            sorted_providers()
                .iter()
                .position(|other| other == one)
                .expect("it") as u16
        })
        .collect();
    let mut known: BTreeMap<(u64, Option<u64>), BTreeSet<u64>> = BTreeMap::new();
    type Served = (BTreeSet<u64>, u8, u32, u32);
    let mut served: BTreeMap<((u64, Option<u64>), Key), Served> = BTreeMap::new();
    for row in rows {
        for place in [(row.cell, None), (row.cell, Some(row.block))] {
            known.entry(place).or_default().insert(row.location);
            for technology in [row.technology, ALL_TECHNOLOGIES] {
                let key = (numbers[row.provider], row.code == b'B', technology);
                let entry = served.entry((place, key)).or_default();
                entry.0.insert(row.location);
                entry.1 |= match row.code {
                    b'B' => BUSINESS,
                    b'R' => CODE_R,
                    _ => CODE_X,
                } | if row.low_latency {
                    LOW_LATENCY
                } else {
                    HIGH_LATENCY
                };
                entry.2 = entry.2.max(row.download);
                entry.3 = entry.3.max(row.upload);
            }
        }
    }
    let mut contents = Contents::new();
    for (place, locations) in known {
        let mut offers: BTreeMap<Key, Offer> = BTreeMap::new();
        for ((_, key), (locations, flags, download, upload)) in
            served.range((place, (0, false, 0))..=(place, (u16::MAX, true, 255)))
        {
            offers.insert(*key, (*flags, *download, *upload, locations.len() as u32));
        }
        // All technologies together are told only when there are several.
        let counts = |provider: u16, business: bool| {
            offers
                .keys()
                .filter(|key| (key.0, key.1) == (provider, business))
                .count()
        };
        let told: BTreeMap<Key, Offer> = offers
            .iter()
            .filter(|(key, _)| key.2 != ALL_TECHNOLOGIES || counts(key.0, key.1) > 2)
            .map(|(k, v)| (*k, *v))
            .collect();
        contents.insert(place, (locations.len() as u32, told));
    }
    contents
}
