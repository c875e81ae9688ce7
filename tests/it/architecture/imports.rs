//! Who imports whom, read from the sources: `use` trees and paths, in the modules right below a
//! folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// For each module of a folder, the modules of the same folder that it names.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// The graph of the modules in `folder`, which the rest of its crate calls `path` (`crate` or
/// `crate::storage`).
pub fn graph(folder: &Path, path: &str) -> Graph {
    let mut graph = Graph::new();
    let mut sources = Vec::new();
    collect(folder, &mut Vec::new(), &mut sources);
    let modules: BTreeSet<String> = sources
        .iter()
        .filter_map(|(place, _)| place.first().cloned())
        .collect();
    for (place, text) in &sources {
        let Some(module) = place.first() else {
            continue;
        };
        let named = named(text, place, path)
            .into_iter()
            .filter(|name| modules.contains(name) && name != module);
        graph.entry(module.clone()).or_default().extend(named);
    }
    graph
}

/// Every source file: its module path below the folder, and its text. The folder's own `mod.rs`,
/// `lib.rs` and `main.rs` put everything together, and so may name everything.
fn collect(folder: &Path, place: &mut Vec<String>, sources: &mut Vec<(Vec<String>, String)>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("a folder of sources")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for entry in entries {
        let stem = entry
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default()
            .to_owned();
        if entry.is_dir() {
            place.push(stem);
            collect(&entry, place, sources);
            place.pop();
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let own = matches!(stem.as_str(), "mod" | "lib" | "main");
            if !own {
                place.push(stem);
            }
            if !place.is_empty() {
                sources.push((
                    place.clone(),
                    fs::read_to_string(&entry).expect("a source file"),
                ));
            }
            if !own {
                place.pop();
            }
        }
    }
}

/// The modules of the folder that a file at `place` names.
pub fn named(text: &str, place: &[String], path: &str) -> BTreeSet<String> {
    let code = without_tests(text);
    let mut names = BTreeSet::new();
    for statement in code.split("use ").skip(1) {
        let Some((tree, _)) = statement.split_once(';') else {
            continue;
        };
        for import in flatten(tree) {
            names.extend(target(&import, place, path));
        }
    }
    // Paths in the middle of code.
    for (at, _) in code.match_indices(&format!("{path}::")) {
        names.extend(target(&code[at..], place, path));
    }
    names
}

/// Code without comments, and without what only tests see.
fn without_tests(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn flatten(tree: &str) -> Vec<String> {
    let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((before, rest)) = tree.split_once('{') else {
        return vec![tree.trim().to_owned()];
    };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, char) in inner.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    let before = before.trim();
    parts
        .into_iter()
        .filter(|part| !part.trim().is_empty())
        .flat_map(flatten)
        .map(|part| format!("{before}{part}"))
        .collect()
}

/// The module of the folder that an import leads to, if it leads into the folder.
fn target(import: &str, place: &[String], path: &str) -> Option<String> {
    let name = |text: &str| {
        let end = text
            .find(|char: char| !char.is_alphanumeric() && char != '_')
            .unwrap_or(text.len());
        text[..end].to_owned()
    };
    if let Some(rest) = import
        .strip_prefix(path)
        .and_then(|rest| rest.strip_prefix("::"))
    {
        return Some(name(rest));
    }
    let (mut rest, mut up) = (import, 0);
    while let Some(next) = rest.strip_prefix("super::") {
        (rest, up) = (next, up + 1);
    }
    (up > 0 && up == place.len()).then(|| name(rest))
}
