//! The routes and their description are the same.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use http::header::ALLOW;
use tower::ServiceExt;

use super::*;

/// Those of OpenAPI. HEAD goes with every GET.
const METHODS: [Method; 7] =
    [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE];

/// What is described: the methods of each path.
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

/// A route as the description has it: a path with a slash at its end is the same as without, and what a part may be is told elsewhere.
fn plain(route: &str) -> String {
    let route = route.replace("{*", "{");
    let kept = ["/", "/api/client/"].contains(&route.as_str());
    if kept { route } else { route.trim_end_matches('/').to_owned() }
}

#[test]
fn every_path_is_described_and_no_other() {
    let there: BTreeSet<_> = routes(&Config::for_testing()).paths.iter().map(|route| plain(route)).collect();
    let told: BTreeSet<_> = described().into_keys().collect();
    assert_eq!(there, told);
}

#[tokio::test]
async fn every_path_takes_the_methods_that_are_described_and_no_other() {
    let app = Arc::new(App::new(Config::for_testing()));
    for (path, methods) in described() {
        let asked = path.replace("{number}", "1");
        for method in METHODS {
            let request = Request::builder().method(&method).uri(&asked).body(Body::empty()).unwrap();
            let answer = router(app.clone()).oneshot(request).await.unwrap();
            let taken = answer.status() != http::StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(taken, methods.contains(&method), "{method} {path}");
            if !taken {
                let allowed = answer.headers()[ALLOW].to_str().unwrap();
                let allowed = allowed.split(',').map(|method| method.parse().unwrap());
                let allowed: BTreeSet<_> = allowed.filter(|method| method != Method::HEAD).collect();
                assert_eq!(allowed, methods, "Allow of {path}");
            }
        }
    }
}

/// Names of operations are what programs are generated from.
#[test]
fn every_operation_has_a_name_of_its_own_and_every_reference_an_end() {
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
