//! The routes and the OpenAPI description agree.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use http::header::ALLOW;
use tower::ServiceExt;

use super::*;
use crate::config::Config;

/// The methods of OpenAPI. Every GET also accepts HEAD.
const METHODS: [Method; 7] =
    [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE];

fn app() -> Arc<App> {
    Arc::new(App::new(Config::for_testing(), None))
}

/// The described methods of each path.
fn described() -> BTreeMap<String, BTreeSet<Method>> {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let methods = |item: &serde_json::Value| {
        METHODS
            .into_iter()
            .filter(|method| item.get(method.as_str().to_ascii_lowercase()).is_some())
            .collect()
    };
    paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

/// A route as the description writes it: without `*` in parameters, and without a slash at the end, because both forms are the same.
fn described_as(route: &str) -> String {
    let route = route.replace("{*", "{");
    let kept = ["/", "/api/client/"].contains(&route.as_str());
    if kept { route } else { route.trim_end_matches('/').to_owned() }
}

#[test]
fn every_path_is_described_and_no_other() {
    let routed: BTreeSet<_> = routes(&app()).paths.iter().map(|(route, _)| described_as(route)).collect();
    let described: BTreeSet<_> = described().into_keys().collect();
    assert_eq!(routed, described);
}

/// OpenAPI marks an operation without a key by an empty security requirement.
#[test]
fn every_path_that_needs_a_key_is_described_so() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    for (route, access) in routes(&app()).paths {
        let item = document["paths"][described_as(&route)].as_object().unwrap();
        for (method, operation) in item {
            let schemes: BTreeSet<_> = operation["security"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|scheme| scheme.as_object().unwrap().keys().map(String::as_str))
                .collect();
            let expect: &[&str] = match access {
                Public => &[],
                Workers => &["worker_key"],
                Needs(_) | Ticketed(_) => &["bearer", "x_api_key"],
            };
            assert_eq!(schemes, expect.iter().copied().collect(), "{method} {route}");
        }
    }
}

#[tokio::test]
async fn every_path_accepts_the_described_methods_and_no_other() {
    let app = app();
    for (path, methods) in described() {
        let url = path.replace("{number}", "1");
        for method in METHODS {
            let request = Request::builder().method(&method).uri(&url).body(Body::empty()).unwrap();
            let response = router(app.clone()).oneshot(request).await.unwrap();
            let accepted = response.status() != http::StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(accepted, methods.contains(&method), "{method} {path}");
            if !accepted {
                let allowed = response.headers()[ALLOW].to_str().unwrap();
                let allowed = allowed.split(',').map(|method| method.parse().unwrap());
                let allowed: BTreeSet<_> = allowed.filter(|method| method != Method::HEAD).collect();
                assert_eq!(allowed, methods, "Allow of {path}");
            }
        }
    }
}

/// Client libraries are generated from the names of operations.
#[test]
fn every_operation_has_a_unique_name_and_every_reference_resolves() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let names: Vec<_> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let reference = reference.split('"').next().unwrap();
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}
