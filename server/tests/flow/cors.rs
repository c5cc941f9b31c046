//! What browsers are told about pages of other sites: the exact headers, on every kind of answer.

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use llamapool_server::config::Origin;
use llamapool_tunnel::{Incoming, head};
use reqwest::Response;

use crate::support::{ScriptedWorker, TestServer, response};

const PAGE: &str = "https://app.example.com";
const OTHER: &str = "https://evil.example";

async fn server(allowed: &[Origin], key: Option<&str>) -> TestServer {
    let allowed = allowed.to_vec();
    let keys = key.map(Into::into).into_iter().collect();
    TestServer::with(move |config| (config.cors.allowed, config.keys.api) = (allowed, keys)).await
}

fn listed() -> [Origin; 1] {
    [Origin::Exact(PAGE.to_owned())]
}

impl TestServer {
    async fn from(&self, origin: &str, method: Method, path: &str) -> Response {
        self.client
            .request(method, format!("{}{path}", self.url))
            .header("origin", origin)
            .send()
            .await
            .unwrap()
    }

    async fn preflight(&self, origin: &str) -> Response {
        let ask = self.client.request(Method::OPTIONS, format!("{}/v1/chat/completions", self.url));
        let ask = ask.header("origin", origin).header("access-control-request-method", "POST");
        let wanted = "authorization,content-type,openai-organization,x-api-key,x-stainless-os";
        ask.header("access-control-request-headers", wanted).send().await.unwrap()
    }
}

fn text<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

fn varies(answer: &Response) -> bool {
    answer.headers().get_all("vary").iter().any(|value| value.to_str().unwrap().contains("origin"))
}

fn of_cors(answer: &Response) -> usize {
    answer.headers().keys().filter(|name| name.as_str().starts_with("access-control-")).count()
}

#[tokio::test]
async fn a_browser_that_asks_first_is_told_without_a_key() {
    let server = server(&listed(), Some("secret")).await;
    let answer = server.preflight(PAGE).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(text(&answer, "access-control-allow-origin"), Some(PAGE));
    assert_eq!(text(&answer, "access-control-allow-methods"), Some("GET, HEAD, POST, PUT, DELETE"));
    let headers = text(&answer, "access-control-allow-headers").unwrap();
    assert!(headers.contains("authorization") && headers.contains("x-stainless-os"), "{headers}");
    assert_eq!(text(&answer, "access-control-max-age"), Some("7200"));
    assert_eq!(text(&answer, "access-control-allow-credentials"), None);
    assert!(varies(&answer));
    let refused = server.preflight(OTHER).await;
    assert_eq!((of_cors(&refused), varies(&refused)), (0, true));
    server.stop().await;
}

#[tokio::test]
async fn errors_can_be_read_by_whom_answers_can() {
    let server = server(&listed(), Some("secret")).await;
    for (path, status) in [
        ("/v1/models", 401),
        ("/api/nowhere", 404),
        ("/v1", 404),
        ("/nowhere", 404),
        ("/chat/completions", 405),
        ("/v1/chat/completions", 405),
    ] {
        let answer = server.from(PAGE, Method::GET, path).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(text(&answer, "access-control-allow-origin"), Some(PAGE), "{path}");
        let readable = text(&answer, "access-control-expose-headers").unwrap();
        assert!(
            ["x-request-id", "retry-after", "x-llamapool-worker"].iter().all(|name| readable.contains(name))
        );
        assert!(varies(&answer), "{path}");
        let answer = server.from(OTHER, Method::GET, path).await;
        assert_eq!(
            (answer.status().as_u16(), of_cors(&answer), varies(&answer)),
            (status, 0, true),
            "{path}"
        );
    }
    let page = server.from(PAGE, Method::GET, "/api/client/").await;
    assert_eq!(page.status(), 200);
    let dashboard = server.from(PAGE, Method::GET, "/state").await;
    assert_eq!((of_cors(&dashboard), varies(&dashboard)), (0, false), "the dashboard is for itself");
    server.stop().await;
}

#[tokio::test]
async fn a_stream_can_be_read_and_what_a_runtime_says_of_origins_is_replaced() {
    let server = server(&listed(), None).await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.chat("m").header("origin", PAGE).send();
    let answered = async {
        let Incoming { mut responder, .. } = worker.next().await;
        responder.respond(careless("text/event-stream"), Bytes::from_static(b"data: 1\n\n"), false);
        responder
    };
    let (answer, responder) = tokio::join!(asked, answered);
    let answer = answer.unwrap();
    assert_eq!(answer.headers().get_all("access-control-allow-origin").iter().collect::<Vec<_>>(), [PAGE]);
    assert_eq!(text(&answer, "access-control-allow-credentials"), None);
    assert!(varies(&answer));
    assert_eq!(answer.bytes_stream().next().await.unwrap().unwrap(), "data: 1\n\n");
    drop(responder);
    server.stop().await;
}

/// Ollama allows some origins by itself: that would open the pool to pages which its owner has not allowed.
#[tokio::test]
async fn without_the_setting_nobody_is_allowed_whatever_a_runtime_says() {
    let server = server(&[], None).await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.chat("m").header("origin", &server.url).send();
    let answered = async {
        let Incoming { mut responder, .. } = worker.next().await;
        responder.respond(careless("application/json"), Bytes::from_static(b"{}"), true);
    };
    let (answer, ()) = tokio::join!(asked, answered);
    let answer = answer.unwrap();
    assert_eq!((answer.status().as_u16(), of_cors(&answer), varies(&answer)), (200, 0, false));
    assert_eq!(server.preflight(PAGE).await.status(), StatusCode::FORBIDDEN);
    server.stop().await;
}

/// A head that says more than its runtime may.
fn careless(content_type: &'static str) -> Bytes {
    let mut headers = HeaderMap::new();
    let all = [
        ("content-type", content_type),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
    ];
    headers.extend(all.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))));
    head::encode_response(StatusCode::OK, &headers).unwrap()
}

#[tokio::test]
async fn a_star_is_for_everybody_and_never_with_credentials() {
    let server = server(&[Origin::Any], None).await;
    let answer = server.from(OTHER, Method::GET, "/v1/models").await;
    assert_eq!((text(&answer, "access-control-allow-origin"), answer.status().as_u16()), (Some("*"), 200));
    assert_eq!(text(&answer, "access-control-allow-credentials"), None);
    assert_eq!(text(&server.preflight(OTHER).await, "access-control-allow-origin"), Some("*"));
    server.stop().await;
}

#[tokio::test]
async fn who_may_read_may_give_orders_but_a_star_needs_a_key_for_that() {
    let check = async |allowed: &[Origin], key: Option<&str>, origin: &str, expect: u16| {
        let server = server(allowed, key).await;
        let order = server.client.post(format!("{}/api/state/requests/1/cancel", server.url));
        let order = order.bearer_auth(key.unwrap_or_default()).header("origin", origin);
        assert_eq!(order.send().await.unwrap().status(), expect, "{allowed:?} {key:?} {origin}");
        server.stop().await;
    };
    check(&listed(), None, PAGE, 404).await;
    check(&listed(), None, OTHER, 403).await;
    check(&[Origin::Any], None, OTHER, 403).await;
    check(&[Origin::Any], Some("secret"), OTHER, 404).await;
    check(&[], Some("secret"), PAGE, 403).await;
}

#[tokio::test]
async fn programs_are_not_concerned() {
    let server = server(&listed(), None).await;
    let mut worker = ScriptedWorker::join(&server, "a", 1, &["m"]).await;
    server.until_models(1).await;
    let asked = server.ask("m");
    worker.next().await.responder.respond(response(200, "application/json"), Bytes::from_static(b"{}"), true);
    let answer = asked.await.unwrap();
    assert_eq!((of_cors(&answer), varies(&answer)), (0, true));
    let options = server.client.request(Method::OPTIONS, format!("{}/v1/models", server.url));
    assert_eq!(options.send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    server.stop().await;
}
