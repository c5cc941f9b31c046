//! Spellings of the model API's paths. Clients join a base URL and a path, and runtimes answer on more than one path, so one request is written in
//! many ways. All of them become the canonical `/v1/…` here, before anything looks at the path: routes, CORS, the origin guard and upstreams know
//! spelling only. Administrative paths have one spelling, so that a proxy in front can block them.

use http::uri::PathAndQuery;
use http::{Request, Uri};

use crate::protocol::{ObjectService, Service};

/// The model list.
const MODELS: &str = "/v1/models";

/// Prefixes of base URLs: of this server and of Open WebUI, and of gateways that serve several APIs.
const PREFIXES: [&str; 2] = ["api", "openai"];

/// Other names of a service, without the version: those of llama.cpp.
const ALIASES: [(&str, &str); 1] = [("reranking", "rerank")];

/// The service that runtimes also offer as version 2, in the same shape (Cohere's).
const IN_VERSION_2: &str = "rerank";

/// A path of Ollama's own API, whose shape differs from that of the service with this name.
const OLLAMAS: (&str, &str) = ("api", "embeddings");

/// Writes the path of a request in its canonical spelling.
pub(crate) fn normalize<B>(request: &mut Request<B>) {
    let uri = request.uri();
    let Some(path) = canonical(uri.path()) else { return };
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::from_maybe_shared(target).ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

/// The canonical spelling of a path; `None` if it already is canonical, or not a path of the model API.
fn canonical(path: &str) -> Option<String> {
    if path == MODELS || services().any(|service| service.path() == path) {
        return None;
    }
    let mut rest = path;
    let mut prefix = None;
    while let Some(found) = PREFIXES.iter().find(|name| prefix != Some(**name) && segment(rest).0 == **name) {
        (prefix, rest) = (Some(*found), segment(rest).1);
    }
    let (version, below) = match segment(rest) {
        (version @ ("v1" | "v2"), below) => (Some(version), below),
        _ => (None, rest),
    };
    let (first, id) = segment(below);
    if first == "models" && version != Some("v2") {
        let id = id.trim_start_matches('/');
        let known = if id.is_empty() { MODELS.to_owned() } else { format!("{MODELS}/{id}") };
        return (known != path).then_some(known);
    }
    let name = below.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    if prefix.is_none() && version.is_none() && name == "health" {
        return Some("/healthz".to_owned());
    }
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(&*name, |(_, name)| name);
    let is_other = (version == Some("v2") && name != IN_VERSION_2)
        || (version.is_none() && (prefix, name) == (Some(OLLAMAS.0), OLLAMAS.1));
    if is_other {
        return None;
    }
    let service = services().find(|service| below_version(service.path()) == name);
    let known = service.map_or_else(|| object_path(name), |service| Some(service.path().to_owned()));
    known.filter(|known| known != path)
}

/// The services with a path of their own.
fn services() -> impl Iterator<Item = &'static Service> + Clone {
    Service::ALL.iter().chain(Service::CREATING)
}

/// The canonical path of an object, of which `name` is the part below the version.
fn object_path(name: &str) -> Option<String> {
    let is_of = |pattern: &'static str| {
        let (mut pattern, mut parts) = (below_version(pattern).split('/'), name.split('/'));
        loop {
            match (pattern.next(), parts.next()) {
                (None, None) => return true,
                (Some(wanted), Some(part)) if wanted == part || wanted.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let is_known = ObjectService::ALL.iter().any(|object| is_of(object.service.path()));
    is_known.then(|| format!("/v1/{name}"))
}

/// The first segment of a path, and what follows it. Empty segments do not count.
fn segment(path: &str) -> (&str, &str) {
    let path = path.trim_start_matches('/');
    path.split_at(path.find('/').unwrap_or(path.len()))
}

fn below_version(path: &'static str) -> &'static str {
    path.strip_prefix("/v1/").unwrap_or(path)
}

/// The path of the model API that an unknown path was probably meant to be.
pub(crate) fn nearest(path: &str) -> Option<&'static str> {
    let path = path.trim_end_matches('/').to_ascii_lowercase();
    let known = services().map(|service| service.path()).chain([MODELS]);
    let ends_so = known.clone().find(|known| path.ends_with(&known["/v1".len()..]));
    let begins_so = || known.clone().find(|known| path.len() > "/v1".len() && known.starts_with(&path));
    let models = (path == "/v1").then_some(MODELS);
    models
        .or(ends_so)
        .or_else(begins_so)
        .or_else(|| llamapool_settings::nearest::nearest(&path, known.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_one_canonical_path() {
        let check = |spelling: &str, expect: &str| {
            assert_eq!(canonical(spelling).as_deref().unwrap_or(spelling), expect, "{spelling}");
        };
        let chat = "/v1/chat/completions";
        for spelling in [
            chat,
            "/v1/chat/completions/",
            "//v1/chat/completions",
            "/v1//chat//completions//",
            "/chat/completions",
            "/api/v1/chat/completions",
            "/api//v1/chat/completions",
            "/api/chat/completions",
            "/openai/v1/chat/completions",
            "/api/openai/v1/chat/completions",
            "/openai/chat/completions",
        ] {
            check(spelling, chat);
        }
        for spelling in ["/rerank", "/v2/rerank", "/v1/reranking", "/reranking", "/api/v1/rerank"] {
            check(spelling, "/v1/rerank");
        }
        for spelling in ["/v1/models", "/models", "/v1//models", "/v1/models/", "/api/models", "//models//"] {
            check(spelling, "/v1/models");
        }
        check("/models/org/m", "/v1/models/org/m");
        check("/v1//models//org/m/", "/v1/models/org/m/");
        check("/api/v1/models/a%2Fb", "/v1/models/a%2Fb");
        check("/health", "/healthz");
        check("//v1/responses/resp_1", "/v1/responses/resp_1");
        check("/openai/v1/responses/resp_1/cancel/", "/v1/responses/resp_1/cancel");
        check("/chat/completions/c1/messages", "/v1/chat/completions/c1/messages");
        check("/v1/responses/resp_1/input_items", "/v1/responses/resp_1/input_items");
        check("/api/v1/files/", "/v1/files");
        check("/conversations/conv_1/items/msg_1", "/v1/conversations/conv_1/items/msg_1");
    }

    #[test]
    fn other_paths_are_left_alone() {
        for path in [
            "/",
            "/v1",
            "/state/",
            "//state",
            "/api/state",
            "//api/state",
            "/api/state/workers/a/drain",
            "//metrics",
            "/api/embeddings",
            "/api/chat",
            "/api/tags",
            "/v2/chat/completions",
            "/v1/chat",
            "/v1/V1/chat/completions",
            "/api/api/v1/models",
        ] {
            assert_eq!(canonical(path), None, "{path}");
        }
    }

    #[test]
    fn an_unknown_path_is_compared_with_the_known_ones() {
        let check = |path, expect: Option<&str>| assert_eq!(nearest(path), expect, "{path}");
        check("/v1/v1/chat/completions", Some("/v1/chat/completions"));
        check("/v1/chat/completion", Some("/v1/chat/completions"));
        check("/v1/Chat", Some("/v1/chat/completions"));
        check("/v1/embedding", Some("/v1/embeddings"));
        check("/v1/model", Some("/v1/models"));
        check("/v1", Some("/v1/models"));
        check("/nowhere", None);
        check("/", None);
    }
}
