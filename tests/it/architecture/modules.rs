//! Which modules may know which. The tables are the architecture: an arrow that is not in one is a
//! mistake, or a decision that belongs in its line.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::imports::{Graph, graph, named};

/// A folder, how its crate calls it, and for each of its modules those that it may know.
struct Layer {
    folder: &'static str,
    path: &'static str,
    may: &'static [(&'static str, &'static [&'static str])],
}

/// Every capability knows the kernel and, one way, the capabilities below it. Only `app` knows all.
const CORE: Layer = Layer {
    folder: "hum-core/src",
    path: "crate",
    may: &[
        ("kernel", &[]),
        ("access", &["kernel"]),
        ("address", &["kernel"]),
        ("telephony", &["kernel"]),
        ("usage", &["kernel"]),
        ("language_model", &["kernel"]),
        ("geocode", &["kernel", "address"]),
        ("broadband", &["kernel", "geocode"]),
        (
            "address_session",
            &["kernel", "access", "address", "broadband", "geocode"],
        ),
        ("organization", &["kernel", "access", "telephony"]),
        ("flow", &["kernel", "access"]),
        ("number", &["kernel", "access", "flow", "organization"]),
        ("consent", &["kernel", "access"]),
        (
            "sms",
            &[
                "kernel",
                "access",
                "consent",
                "flow",
                "number",
                "organization",
                "telephony",
                "usage",
            ],
        ),
        ("webhook", &["kernel", "access", "usage"]),
        (
            "tool",
            &[
                "kernel",
                "address",
                "address_session",
                "broadband",
                "language_model",
                "sms",
            ],
        ),
        (
            "turn",
            &[
                "kernel",
                "consent",
                "flow",
                "language_model",
                "number",
                "sms",
                "tool",
                "usage",
            ],
        ),
        (
            "app",
            &[
                "kernel",
                "access",
                "address",
                "address_session",
                "broadband",
                "consent",
                "flow",
                "geocode",
                "language_model",
                "number",
                "organization",
                "sms",
                "telephony",
                "tool",
                "turn",
                "usage",
                "webhook",
            ],
        ),
    ],
};

/// Writing knows no single table: records are rows. A capability's file only reads.
const STORAGE: Layer = Layer {
    folder: "hum-adapters/src/storage",
    path: "crate::storage",
    may: &[
        ("table", &["job"]),
        ("job", &["table"]),
        ("op", &["job", "table"]),
        ("room", &["job", "op"]),
        ("explain", &[]),
        ("joined", &[]),
        ("list", &["table"]),
        (
            "query",
            &["explain", "joined", "list", "postgres", "sqlite", "table"],
        ),
        ("migration", &["list", "query"]),
        ("schema", &["list", "query"]),
        ("event", &["query", "table"]),
        ("counter", &["query", "table"]),
        ("organization", &["query", "table"]),
        ("flow", &["list", "query", "table"]),
        ("consent", &["list", "query", "table"]),
        ("sms", &["joined", "list", "query", "table"]),
        ("turn", &["query", "table"]),
        ("webhook", &["joined", "list", "query", "table"]),
        ("address_session", &["list", "query", "table"]),
        ("system", &["migration", "query", "sms", "table"]),
        (
            "sqlite",
            &[
                "counter",
                "event",
                "explain",
                "job",
                "migration",
                "op",
                "query",
                "room",
                "schema",
                "table",
            ],
        ),
        (
            "postgres",
            &[
                "counter",
                "event",
                "explain",
                "job",
                "migration",
                "op",
                "query",
                "room",
                "schema",
                "table",
            ],
        ),
    ],
};

/// What surrounds every request knows nobody, and `error` knows nothing but itself.
const HTTP: Layer = Layer {
    folder: "hum-http/src",
    path: "crate",
    may: &[
        ("config", &[]),
        ("edge", &[]),
        ("error", &[]),
        ("event_streams", &["error"]),
        ("view", &[]),
        ("metrics", &["app", "edge", "error"]),
        ("openapi", &["app", "error"]),
        ("extract", &["app", "error"]),
        ("docs", &["app"]),
        ("health", &["app", "error", "metrics"]),
        (
            "api",
            &[
                "app",
                "error",
                "event_streams",
                "extract",
                "metrics",
                "openapi",
                "sessions",
                "view",
            ],
        ),
        (
            "sessions",
            &["api", "app", "error", "extract", "openapi", "view"],
        ),
        ("carrier", &["app", "error", "extract", "metrics"]),
        ("dev", &["app", "error", "extract", "view"]),
        (
            "app",
            &[
                "api", "carrier", "dev", "docs", "edge", "error", "extract", "health", "metrics",
                "openapi", "sessions",
            ],
        ),
        ("assemble", &["cli", "config"]),
        ("cli", &["assemble", "config"]),
    ],
};

/// A bug is planted from outside: what it is planted in knows nothing of it. Only the world puts
/// everything together.
const TESTKIT: Layer = Layer {
    folder: "hum-testkit/src",
    path: "crate",
    may: &[
        ("chance", &[]),
        ("clock", &[]),
        ("contract", &[]),
        ("ports", &[]),
        ("postgres", &[]),
        ("trace", &[]),
        ("options", &["chance"]),
        ("executor", &["chance", "process"]),
        ("process", &["chance", "clock", "executor", "options"]),
        ("invariant", &["capability", "clock", "monitor", "process"]),
        (
            "monitor",
            &["capability", "clock", "invariant", "process", "trace"],
        ),
        (
            "fake",
            &["capability", "chance", "clock", "monitor", "process"],
        ),
        (
            "capability",
            &[
                "chance",
                "contract",
                "fake",
                "invariant",
                "monitor",
                "process",
                "simulator",
                "world",
            ],
        ),
        (
            "planted",
            &[
                "chance",
                "clock",
                "invariant",
                "monitor",
                "ports",
                "process",
            ],
        ),
        (
            "world",
            &[
                "capability",
                "chance",
                "clock",
                "executor",
                "fake",
                "invariant",
                "monitor",
                "options",
                "planted",
                "ports",
                "process",
            ],
        ),
        (
            "simulator",
            &[
                "capability",
                "chance",
                "invariant",
                "monitor",
                "options",
                "planted",
                "world",
            ],
        ),
        ("bin", &[]),
    ],
};

fn layers() -> [Layer; 4] {
    [CORE, STORAGE, HTTP, TESTKIT]
}
fn read(layer: &Layer) -> Graph {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned();
    graph(&root.join(layer.folder), layer.path)
}

/// Arrows that are not in the table, and modules that are not.
fn wrong(layer: &Layer, graph: &Graph) -> Vec<String> {
    let may: BTreeMap<&str, &[&str]> = layer.may.iter().copied().collect();
    let mut wrong = Vec::new();
    for (module, knows) in graph {
        match may.get(module.as_str()) {
            None => wrong.push(format!("{}: {module} is not in the table", layer.folder)),
            Some(may) => wrong.extend(
                knows
                    .iter()
                    .filter(|known| !may.contains(&known.as_str()))
                    .map(|known| format!("{}: {module} must not know {known}", layer.folder)),
            ),
        }
    }
    wrong
}

/// Modules that reach themselves.
fn in_circles(graph: &Graph) -> BTreeSet<String> {
    let reaches = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            for next in graph.get(module).into_iter().flatten() {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    graph
        .keys()
        .filter(|module| reaches(module).contains(module))
        .cloned()
        .collect()
}

#[test]
fn modules_know_only_what_the_tables_say() {
    let wrong: Vec<String> = layers()
        .iter()
        .flat_map(|layer| wrong(layer, &read(layer)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Prints the graph: `cargo test -p hum-tests --test it the_core_has_no_circles -- --nocapture`.
#[test]
fn the_core_has_no_circles() {
    let graph = read(&CORE);
    for (module, knows) in &graph {
        println!(
            "{module}: {}",
            knows
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    assert!(
        graph.len() > 10 && graph["sms"].contains("kernel"),
        "the sources were not read: {graph:?}"
    );
    assert_eq!(in_circles(&graph), BTreeSet::new());
}

/// The checker sees an import in each of the ways that one can be written.
#[test]
fn a_wrong_import_is_seen() {
    for text in [
        "use crate::sms::Message;",
        "use crate::{kernel::id::OrgId, sms::{Message, Sms}};",
        "use super::sms::Message;",
        "pub use super::{kernel::id::OrgId, sms::Message};",
        "fn f() -> crate::sms::Message { todo!() }",
    ] {
        let place = ["consent".to_owned()];
        assert!(named(text, &place, "crate").contains("sms"), "{text}");
        let graph = Graph::from([("consent".into(), named(text, &place, "crate"))]);
        assert!(
            wrong(&CORE, &graph).contains(&"hum-core/src: consent must not know sms".to_owned()),
            "{text}"
        );
    }
    let deeper = ["sms".to_owned(), "send".to_owned()];
    assert!(named("use super::super::webhook::Webhook;", &deeper, "crate").contains("webhook"));
    assert!(
        !named("use super::webhook::Webhook;", &deeper, "crate").contains("webhook"),
        "that is its own folder"
    );
    assert!(!named("// use crate::sms::Message;", &deeper, "crate").contains("sms"));
}
