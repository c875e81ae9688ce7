//! How long the broadband map takes to answer, at places around the middle of what `generate_bdc`
//! writes.
//!
//! ```sh
//! cargo run --release -p hum-adapters --example ask_broadband -- hum-data/broadband 100000
//! ```

#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::{
    path::Path,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Instant,
};

use hum_adapters::broadband::LocalBroadbandMap;
use hum_core::{
    broadband::{BroadbandMap, Coverage, Place},
    clock::Timestamp,
    geocode::{Coordinates, Precision},
};

/// A local map answers without waiting.
fn ask(map: &LocalBroadbandMap, place: &Place) -> Coverage {
    let mut asking = pin!(map.providers_at(place, Timestamp::from_micros(1_795_305_600_000_000)));
    match asking
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(answer) => answer.expect("an answer"),
        Poll::Pending => panic!("a local map does not wait"),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count] = &arguments[..] else {
        eprintln!("ask_broadband FOLDER COUNT");
        return;
    };
    let count: u64 = count.parse().expect("a number");
    let start = Instant::now();
    let map = LocalBroadbandMap::open(Path::new(folder)).expect("a map");
    println!("opened in {:?}", start.elapsed());
    let start = Instant::now();
    println!("{}: the first answer took {:?}", map.data_set(), {
        ask(&map, &place(0, Precision::Rooftop));
        start.elapsed()
    });
    for precision in [Precision::Rooftop, Precision::ZipCentroid] {
        let (mut times, mut providers) = (Vec::with_capacity(count as usize), 0);
        for number in 0..count {
            let place = place(number, precision);
            let start = Instant::now();
            let coverage = ask(&map, &place);
            times.push(start.elapsed());
            providers += coverage.providers.len() as u64;
        }
        times.sort();
        let at = |percent: u64| times[(count * percent / 100).min(count - 1) as usize];
        println!(
            "{}: {:.1} providers an answer; median {:?}, 90 % {:?}, 99 % {:?}, longest {:?}",
            precision.as_str(),
            providers as f64 / count as f64,
            at(50),
            at(90),
            at(99),
            at(100)
        );
    }
}

/// Within about 25 km, never the same place twice in a row.
fn place(number: u64, precision: Precision) -> Place {
    let spread = |step: u64| (number.wrapping_mul(step) % 10_007) as f64 / 10_007.0 - 0.5;
    Place {
        position: Coordinates {
            latitude: 42.5017 + spread(7_919) * 0.45,
            longitude: -83.2863 + spread(104_729) * 0.6,
        },
        precision,
        block_geoid: None,
        zip5: None,
    }
}
