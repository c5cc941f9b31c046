//! The description of the API, and the page that shows it, as a browser gets them.

use crate::support::TestServer;

#[tokio::test]
async fn the_description_is_public_and_tells_of_the_keys() {
    let server = TestServer::with(|config| config.keys.api = vec!["secret".into()]).await;
    let answer = server.client.get(format!("{}/api/client/openapi.json", server.url)).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    let document: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], llamapool_server::VERSION);
    let chat = &document["paths"]["/api/v1/chat/completions"]["post"];
    assert_eq!(chat["security"][0]["bearer"], serde_json::json!([]));
    assert!(chat["responses"]["503"]["headers"]["Retry-After"].is_object(), "{chat}");
    assert!(document["components"]["schemas"]["Snapshot"]["properties"]["workers"].is_object());
    server.stop().await;
}

#[cfg(feature = "api-docs")]
#[tokio::test]
async fn the_page_may_load_nothing_from_elsewhere_and_has_all_it_loads() {
    let server = TestServer::start().await;
    let get = async |path: &str| server.client.get(format!("{}{path}", server.url)).send().await.unwrap();
    let page = get("/api/client").await; // which leads to the page
    assert!(page.url().path().ends_with("/api/client/"), "{}", page.url());
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let html = page.text().await.unwrap();
    let files: Vec<_> =
        html.split(['"']).filter(|part| part.ends_with(".js") || part.ends_with(".css")).collect();
    assert_eq!(files.len(), 4, "{html}");
    for file in files {
        let answer = get(&format!("/api/client/{file}")).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["x-content-type-options"]),
            (200, &"nosniff".parse().unwrap())
        );
    }
    assert_eq!(get("/api/client/other.js").await.status(), 404);
    assert_eq!(get("/api/client/%FF").await.status(), 400);
    server.stop().await;
}

#[cfg(not(feature = "api-docs"))]
#[tokio::test]
async fn without_the_page_its_url_says_so() {
    let server = TestServer::start().await;
    let page = server.client.get(format!("{}/api/client/", server.url)).send().await.unwrap();
    assert_eq!(page.status(), 404);
    assert!(page.text().await.unwrap().contains("/api/client/openapi.json"));
    server.stop().await;
}
