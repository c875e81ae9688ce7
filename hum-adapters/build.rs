//! Lists the migrations: a file in both folders is one, and nobody has to say so again.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The migrations of one database, in their order.
fn names(folder: &Path) -> Vec<String> {
    let files =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = files
        .filter_map(|file| {
            Some(
                file.ok()?
                    .file_name()
                    .to_str()?
                    .strip_suffix(".sql")?
                    .to_owned(),
            )
        })
        .collect();
    names.sort();
    names
}

/// The paths are put together where the list is compiled: what this wrote may be used again after
/// the package was moved.
fn list(database: &str, names: &[String]) -> String {
    let entry = |(index, name): (usize, &String)| {
        let number = index + 1;
        assert!(
            name.starts_with(&format!("{number:04}_")),
            "{name} must begin with {number:04}_: numbers have no gaps"
        );
        let path = format!("/migrations/{database}/{name}.sql");
        let text = format!("include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))");
        format!("Migration {{ number: {number}, name: {name:?}, sql: {text} }},\n")
    };
    names.iter().enumerate().map(entry).collect()
}

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("Cargo says where the package is"))
            .join("migrations");
    let (sqlite, postgres) = (root.join("sqlite"), root.join("postgres"));
    let names_of = names(&sqlite);
    assert_eq!(
        names_of,
        names(&postgres),
        "both databases must have the same migrations, by number and name"
    );
    let text = format!(
        "pub(crate) const SQLITE: &[Migration] = &[\n{}];\npub(crate) const POSTGRES: &[Migration] = &[\n{}];\n",
        list("sqlite", &names_of),
        list("postgres", &names_of)
    );
    let to = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo says where to write"))
        .join("migrations.rs");
    fs::write(&to, text).unwrap_or_else(|error| panic!("{}: {error}", to.display()));
}
