//! Who may know whom. That these crates are absent is what makes the core pure and the adapters
//! replaceable.

mod imports;
mod modules;

use std::{collections::BTreeSet, process::Command};

/// Databases, networks, vendors and runtimes: not for the core, at any depth.
const OUTSIDE: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "mio",
    "hyper",
    "axum",
    "tower",
    "reqwest",
    "rustls",
    "rusqlite",
    "libsqlite3-sys",
    "sqlx",
    "sqlx-core",
];

/// Everything that a package is built from, itself included.
fn tree(package: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--package",
            package,
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_core_knows_no_database_network_vendor_or_runtime() {
    let tree = tree("hum-core");
    assert!(
        tree.contains("hum-core") && tree.contains("serde"),
        "cargo tree answered something else: {tree:?}"
    );
    let found: Vec<_> = OUTSIDE
        .iter()
        .filter(|name| tree.contains(**name))
        .collect();
    assert!(found.is_empty(), "hum-core depends on {found:?}");
}

#[test]
fn crates_know_only_the_crates_below_them() {
    for (package, may) in [
        ("hum-core", &["hum-core"][..]),
        ("hum-adapters", &["hum-adapters", "hum-core"]),
        ("hum-http", &["hum-http", "hum-adapters", "hum-core"]),
        ("hum-testkit", &["hum-testkit", "hum-adapters", "hum-core"]),
    ] {
        let ours = tree(package)
            .into_iter()
            .filter(|name| name.starts_with("hum-"));
        let too_many: Vec<_> = ours.filter(|name| !may.contains(&name.as_str())).collect();
        assert!(too_many.is_empty(), "{package} depends on {too_many:?}");
    }
}
