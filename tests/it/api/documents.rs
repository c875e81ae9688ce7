//! The description of the API is the API: router, table, document and the committed copy say the
//! same.

use std::{collections::BTreeSet, fs, path::PathBuf};

use axum::{body::Body, http::Method};
use hum_core::access::OPERATIONS;
use serde_json::Value;

use crate::support::TestApp;

/// Where each document is served, and where its committed copy is.
const DOCUMENTS: [(&str, &str); 2] = [
    ("/openapi.json", "openapi.json"),
    ("/sessions/openapi.json", "openapi-sessions.json"),
];

fn document_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(name)
}

async fn documents(app: &TestApp) -> Vec<Value> {
    let mut documents = Vec::new();
    for (path, _) in DOCUMENTS {
        documents.push(app.stranger.get(path).await.expect(200));
    }
    documents
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, String, &Value)> {
    document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(move |(method, operation)| (path.as_str(), method.to_uppercase(), operation))
        })
}

#[tokio::test]
async fn the_committed_documents_are_the_served_ones() {
    let app = TestApp::on_sqlite().await;
    for (path, name) in DOCUMENTS {
        let served = app.stranger.get(path).await.text + "\n";
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            fs::write(document_path(name), &served).expect("the document can be written");
        }
        let committed = fs::read_to_string(document_path(name)).unwrap_or_default();
        assert!(
            committed == served,
            "docs/{name} is not what the handlers say; write it again with UPDATE_OPENAPI=1 cargo test -p hum-tests --test it the_committed_documents"
        );
    }
}

#[tokio::test]
async fn router_table_and_documents_agree() {
    let app = TestApp::on_sqlite().await;
    let mut described = BTreeSet::new();
    for document in documents(&app).await {
        for (path, method, operation) in operations(&document) {
            described.insert((
                operation["operationId"].as_str().unwrap().to_owned(),
                method,
                path.to_owned(),
            ));
        }
    }
    let table: BTreeSet<_> = OPERATIONS
        .iter()
        .map(|one| {
            (
                one.id.to_owned(),
                one.method.to_owned(),
                one.path.to_owned(),
            )
        })
        .collect();
    assert_eq!(described, table);
    for operation in OPERATIONS {
        let names = ["{id}", "{delivery_id}", "{e164}", "{token}"];
        let path = names.iter().fold(operation.path.to_owned(), |path, name| {
            path.replace(name, "x")
        });
        let method: Method = operation.method.parse().unwrap();
        let reply = app.stranger.call(method, &path, &[], Body::empty()).await;
        assert_eq!(reply.status, 401, "{} is routed, and guarded", operation.id);
    }
}

#[tokio::test]
async fn every_operation_says_what_it_needs() {
    let app = TestApp::on_sqlite().await;
    for document in documents(&app).await {
        says_what_it_needs(&document);
    }
}

fn says_what_it_needs(document: &Value) {
    assert_eq!(document["openapi"], "3.1.0");
    for (_, method, described) in operations(document) {
        let id = described["operationId"].as_str().unwrap();
        let operation = OPERATIONS
            .iter()
            .find(|operation| operation.id == id)
            .unwrap();
        assert_eq!(
            described["x-required-role"],
            operation.role.as_str(),
            "{id}"
        );
        assert_eq!(described["x-required-scope"], operation.scope, "{id}");
        assert!(described["summary"].is_string(), "{id} has a summary");
        assert!(
            described["responses"]["401"].is_object() && described["responses"]["403"].is_object(),
            "{id}"
        );
        let too_many = &described["responses"]["429"];
        let too_many = match too_many["$ref"].as_str() {
            Some(reference) => document.pointer(&reference[1..]).unwrap(),
            None => too_many,
        };
        assert!(
            too_many["headers"]["Retry-After"].is_object(),
            "{id} has a limit"
        );
        let parameters = described["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let has = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
        assert_eq!(has("Idempotency-Key"), method == "POST", "{id}");
        for segment in operation
            .path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{'))
        {
            assert!(
                has(segment.trim_end_matches('}')),
                "{id} describes {segment}"
            );
        }
    }
    let references = serde_json::to_string(document).unwrap();
    for reference in references
        .split("#/components/schemas/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
    {
        assert!(
            document["components"]["schemas"][reference].is_object(),
            "{reference} is described"
        );
    }
}

#[tokio::test]
async fn the_reading_page_works_offline_and_executes_nothing() {
    let app = TestApp::on_sqlite().await;
    let page = app.stranger.get("/docs").await;
    let policy = page.header("content-security-policy").unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'")
            && policy.contains("script-src 'self'")
            && !policy.contains("unsafe-eval")
    );
    assert!(
        !page.text.contains("http://") && !page.text.contains("https://"),
        "nothing is loaded from elsewhere"
    );
    for path in ["/docs/redoc.standalone.js", "/openapi.yaml", "/llms.txt"] {
        assert_eq!(app.stranger.get(path).await.status, 200, "{path}");
    }
    assert!(
        app.stranger
            .get("/openapi.yaml")
            .await
            .text
            .starts_with("openapi: 3.1.0")
    );
}
