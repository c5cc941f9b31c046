//! Probes of scripted runtimes, each of which responds like the real one.

mod fakes;

use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use url::Url;

use super::*;
use fakes::{Fake, llama_cpp, lm_studio, ollama, vllm};

const CONNECT: Duration = Duration::from_secs(5);

fn prober(base: &Url, kind: Kind) -> Prober {
    Prober::new(Some(base.clone()), None, kind, CONNECT)
}

async fn found(fake: &Fake) -> RuntimeInfo {
    prober(&fake.base, Kind::Auto).probe().await.unwrap()
}

async fn reason(fake: &Fake, kind: Kind) -> String {
    prober(&fake.base, kind).probe().await.unwrap_err().to_string()
}

fn model(name: &str) -> Model {
    Model { name: name.to_owned(), ..Model::default() }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test]
async fn ollama_is_known_and_listed() {
    let info = found(&ollama().await).await;
    assert_eq!((info.kind, info.version.as_deref()), (Kind::Ollama, Some("0.14.2")));
    let loaded = Model {
        loaded: Some(true),
        size: Some(4_661_224_676),
        context: Some(8_192),
        quantization: text("Q4_0"),
        family: text("llama"),
        parameters: text("8.0B"),
        ..model("llama3.1:latest")
    };
    let on_disk = Model {
        loaded: Some(false),
        size: Some(274_302_450),
        quantization: text("F16"),
        family: text("nomic-bert"),
        parameters: text("137M"),
        ..model("nomic-embed-text:latest")
    };
    assert_eq!(info.models, [loaded, on_disk]);
    assert_eq!(info.note, None);
}

#[tokio::test]
async fn ollama_without_its_details() {
    let fake =
        ollama().await.says("/api/ps", 500, json!({"error": "oops"})).says("/api/version", 404, json!(null));
    let info = prober(&fake.base, Kind::Ollama).probe().await.unwrap();
    assert_eq!(info.version, None);
    assert_eq!(info.models[0].loaded, None);
    assert_eq!(info.models[0].size, Some(4_661_224_676));
}

#[tokio::test]
async fn ollama_without_models_is_ready() {
    let fake = ollama().await.says("/api/tags", 200, json!({"models": []})).says(
        "/v1/models",
        200,
        json!({"object": "list", "data": null}),
    );
    let info = found(&fake).await;
    assert_eq!((info.kind, info.models.len()), (Kind::Ollama, 0));
    assert!(info.note.unwrap().contains("ollama pull"));
}

#[tokio::test]
async fn llama_cpp_is_known_and_listed() {
    let info = found(&llama_cpp().await).await;
    assert_eq!((info.kind, info.version.as_deref()), (Kind::LlamaCpp, Some("b8681-a1b2c3")));
    let only = Model {
        loaded: Some(true),
        size: Some(4_912_898_304),
        context: Some(16_384),
        quantization: text("Q4_K - Medium"),
        parameters: text("8.0B"),
        ..model("llama-3.1-8b")
    };
    assert_eq!(info.models, [only]);
}

#[tokio::test]
async fn llama_cpp_that_still_loads() {
    let loading = json!({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}});
    let fake = llama_cpp().await.says("/health", 503, loading.clone()).says("/props", 503, loading);
    let mut prober = prober(&fake.base, Kind::Auto);
    let reason = prober.probe().await.unwrap_err().to_string();
    assert!(reason.contains("llama.cpp at ") && reason.contains("loading"), "{reason}");
    fake.change("/health", 200, json!({"status": "ok"}));
    assert_eq!(prober.probe().await.unwrap().models.len(), 1);
}

#[tokio::test]
async fn llama_cpp_with_several_models() {
    let fake = llama_cpp()
        .await
        .says(
            "/v1/models",
            200,
            json!({"object": "list", "data": [
                {"id": "b", "owned_by": "llamacpp", "status": {"value": "unloaded"}},
                {"id": "a", "owned_by": "llamacpp", "status": {"value": "loaded", "args": ["-c", "1"]}},
            ]}),
        )
        .says("/props", 200, json!({"role": "router", "build_info": "b9000-x"}));
    let info = found(&fake).await;
    let loaded: Vec<_> = info.models.iter().map(|model| (model.name.as_str(), model.loaded)).collect();
    assert_eq!(loaded, [("a", Some(true)), ("b", Some(false))]);
}

#[tokio::test]
async fn lm_studio_is_known_and_listed() {
    let info = found(&lm_studio().await).await;
    assert_eq!(info.kind, Kind::LmStudio);
    let loaded = Model {
        loaded: Some(true),
        size: Some(4_683_073_888),
        context: Some(4_096),
        quantization: text("Q4_K_M"),
        family: text("qwen2"),
        parameters: text("7B"),
        ..model("qwen2.5-7b-instruct")
    };
    let on_disk = Model {
        loaded: Some(false),
        context: Some(32_768),
        quantization: text("4bit"),
        family: text("qwen2_vl"),
        ..model("qwen2-vl-7b-instruct")
    };
    assert_eq!(info.models, [on_disk, loaded]);
}

#[tokio::test]
async fn lm_studio_that_loads_nothing_on_demand() {
    let listing = json!({"object": "list", "data": [{"id": "qwen2.5-7b-instruct", "object": "model"}]});
    let fake = lm_studio().await.says("/v1/models", 200, listing);
    let info = found(&fake).await;
    assert_eq!(info.models.len(), 1, "what is only on disk cannot be asked for");
    assert_eq!(info.models[0].loaded, Some(true));
}

#[tokio::test]
async fn lm_studio_with_either_api_of_its_own() {
    let gone = json!({"error": "Unexpected endpoint or method. (GET /api/..)"});
    for path in ["/api/v0/models", "/api/v1/models"] {
        let fake = lm_studio().await.says(path, 200, gone.clone());
        let info = found(&fake).await;
        assert_eq!(info.kind, Kind::LmStudio, "{path}");
        assert_eq!(info.models[1].loaded, Some(true), "{path}");
        assert_eq!(info.models[1].quantization, text("Q4_K_M"), "{path}");
    }
}

#[tokio::test]
async fn vllm_is_known_and_listed() {
    let info = found(&vllm().await).await;
    assert_eq!((info.kind, info.version.as_deref()), (Kind::Vllm, Some("0.11.1")));
    let served =
        Model { loaded: Some(true), context: Some(131_072), ..model("meta-llama/Llama-3.1-8B-Instruct") };
    assert_eq!(info.models, [served]);
}

#[tokio::test]
async fn vllm_whose_engine_is_dead() {
    let fake = vllm().await.says("/health", 500, json!({"error": "EngineDeadError"}));
    let reason = reason(&fake, Kind::Auto).await;
    assert!(reason.contains("vLLM at ") && reason.contains("500"), "{reason}");
}

#[tokio::test]
async fn any_other_that_is_openai_compatible() {
    let fake = Fake::start().await.says(
        "/v1/models",
        200,
        json!({"object": "list", "data": [
            {"id": "z", "object": "model", "created": 1, "owned_by": "me", "context_window": 2_048, "max_context_length": 7},
            {"id": "a"}, {"id": "a"}, {"id": ["no", "name"]}, {"id": "bad\nname"}, 3,
        ]}),
    );
    let info = found(&fake).await;
    assert_eq!((info.kind, info.version), (Kind::OpenAi, None));
    assert_eq!(info.models, [model("a"), Model { context: Some(2_048), ..model("z") }]);

    let empty = Fake::start().await.says("/v1/models", 200, json!({"object": "list", "data": []}));
    let info = found(&empty).await;
    assert_eq!(info.models, []);
    assert!(info.note.unwrap().contains("no models"));
}

#[tokio::test]
async fn the_base_may_end_with_v1_or_lie_deeper() {
    let fake = ollama().await;
    for path in ["v1", "v1/"] {
        let base = fake.base.join(path).unwrap();
        assert_eq!(prober(&base, Kind::Auto).probe().await.unwrap().kind, Kind::Ollama);
    }
    let deeper = Fake::start().await.says("/openai/v1/models", 200, json!({"data": [{"id": "m"}]}));
    let base = deeper.base.join("openai/v1").unwrap();
    let mut prober = prober(&base, Kind::Auto);
    assert_eq!(prober.probe().await.unwrap().models, [model("m")]);
    assert_eq!(prober.base(), Some(&base));
}

#[tokio::test]
async fn a_404_in_json_is_no_healthy_runtime_without_models() {
    let fake = Fake::start().await;
    for kind in Kind::ALL {
        let reason = reason(&fake, kind).await;
        assert!(reason.contains("404") && reason.contains("COMPLETION_BASE_URL"), "{kind}: {reason}");
    }
}

#[tokio::test]
async fn rubbish_is_no_runtime() {
    let page = "<html>Welcome to nginx</html>";
    let endless = format!("{{\"data\":[{}", "[".repeat(100_000));
    for (status, body) in
        [(200, page), (200, ""), (200, "{\"data\": 7}"), (200, "[]"), (200, endless.as_str())]
    {
        let fake = Fake::with_fallback(status, body).await;
        for kind in Kind::ALL {
            let reason = reason(&fake, kind).await;
            assert!(reason.contains("not with a list of models"), "{kind}, {body:.20}: {reason}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_it() {
    let fake = Fake::endless().await;
    let reason = reason(&fake, Kind::OpenAi).await;
    assert!(reason.contains("too long"), "{reason}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let real = ollama().await;
    let fake = Fake::redirecting(&real.base).await;
    let reason = reason(&fake, Kind::Auto).await;
    assert!(reason.contains("307"), "{reason}");
    assert_eq!(real.keys_seen(), Vec::<Option<String>>::new(), "nobody was sent there");
}

#[tokio::test]
async fn a_key_is_sent_and_its_lack_is_told() {
    let fake = Fake::start().await.locked("s3cret").says("/v1/models", 200, json!({"data": [{"id": "m"}]}));
    let open = Some(fake.base.clone());
    let reason = reason(&fake, Kind::Auto).await;
    assert!(reason.contains("requires an API key") && reason.contains("COMPLETION_API_KEY"), "{reason}");

    let wrong = Some(SecretString::from("wrong"));
    let refused = Prober::new(open.clone(), wrong, Kind::Auto, CONNECT).probe().await.unwrap_err();
    assert!(refused.reason.contains("rejected the API key"), "{refused}");

    let right = Some(SecretString::from("s3cret"));
    assert_eq!(Prober::new(open, right, Kind::Auto, CONNECT).probe().await.unwrap().models, [model("m")]);
}

#[tokio::test]
async fn llama_cpp_shows_a_wrong_key_only_beside_the_listing() {
    let fake = llama_cpp().await.says("/props", 401, json!({"error": {"message": "Invalid API Key"}}));
    let reason = reason(&fake, Kind::Auto).await;
    assert!(reason.contains("llama.cpp at ") && reason.contains("COMPLETION_API_KEY"), "{reason}");
}

#[tokio::test]
async fn a_runtime_that_goes_and_comes_back() {
    let fake = ollama().await;
    let mut prober = prober(&fake.base, Kind::Auto);
    prober.probe().await.unwrap();
    let port = fake.stop().await;
    let reason = prober.probe().await.unwrap_err().to_string();
    assert!(
        reason.starts_with("Ollama at http://127.0.0.1:") && reason.ends_with("is it running?"),
        "{reason}"
    );
    let _back = ollama().await.also_at(port).await;
    assert_eq!(prober.probe().await.unwrap().kind, Kind::Ollama);
}

#[tokio::test]
async fn another_runtime_in_the_place_of_the_first() {
    let fake = ollama().await;
    let mut prober = prober(&fake.base, Kind::Auto);
    prober.probe().await.unwrap();
    let port = fake.stop().await;
    let _other = vllm().await.also_at(port).await;
    assert_eq!(prober.probe().await.unwrap().kind, Kind::Vllm);
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_hangs() {
    let fake = Fake::hanging().await;
    let reason = reason(&fake, Kind::Vllm).await;
    assert!(reason.contains("vLLM at ") && reason.contains("does not respond"), "{reason}");
}

#[tokio::test]
async fn the_usual_ports_in_their_order() {
    let (studio, cpp) = (lm_studio().await, llama_cpp().await);
    let gone = ollama().await.stop().await;
    let ports = vec![(Kind::Ollama, gone), (Kind::LmStudio, studio.port()), (Kind::LlamaCpp, cpp.port())];
    let mut prober = Prober::new(None, None, Kind::Auto, CONNECT).with_ports(ports);
    assert_eq!(prober.base(), None);
    assert_eq!(prober.probe().await.unwrap().kind, Kind::LmStudio);
    assert_eq!(prober.base(), Some(&studio.base));

    studio.stop().await;
    assert_eq!(prober.probe().await.unwrap().kind, Kind::LlamaCpp);
    assert_eq!(prober.base(), Some(&cpp.base));

    cpp.stop().await;
    let reason = prober.probe().await.unwrap_err().to_string();
    assert!(reason.starts_with("llama.cpp at ") && reason.ends_with("is it running?"), "{reason}");
}

#[tokio::test]
async fn nothing_on_the_usual_ports() {
    let page = Fake::with_fallback(200, "<html>my blog</html>").await;
    let locked = Fake::start().await.locked("key");
    let ports = vec![(Kind::LlamaCpp, page.port()), (Kind::Vllm, locked.port())];
    let mut prober = Prober::new(None, None, Kind::Auto, CONNECT).with_ports(ports);
    let reason = prober.probe().await.unwrap_err().to_string();
    assert!(reason.starts_with("no LLM runtime found") && reason.contains("llama.cpp on port"), "{reason}");
    assert!(reason.contains("requires an API key"), "{reason}");
    assert_eq!(prober.base(), None);
}

#[tokio::test]
async fn our_own_server_is_no_runtime() {
    let ours = Fake::start().await.with_header(llamapool_tunnel::dial::VERSION_HEADER, "2.0.0").says(
        "/v1/models",
        200,
        json!({"object": "list", "data": [{"id": "m"}]}),
    );
    let ports = vec![(Kind::LlamaCpp, ours.port())];
    let mut around = Prober::new(None, None, Kind::Auto, CONNECT).with_ports(ports.clone());
    assert!(around.probe().await.unwrap_err().reason.starts_with("no LLM runtime found"));
    let mut around = Prober::new(None, None, Kind::OpenAi, CONNECT).with_ports(ports);
    assert!(around.probe().await.is_err());

    let reason = reason(&ours, Kind::Auto).await;
    assert!(reason.contains("llamapool server"), "{reason}");
    // Chained pools, which must be configured explicitly.
    assert_eq!(prober(&ours.base, Kind::OpenAi).probe().await.unwrap().models, [model("m")]);
}

#[tokio::test]
async fn all_that_answer_are_found() {
    let (studio, first, second) = (lm_studio().await, ollama().await, vllm().await);
    let locked = Fake::start().await.locked("key");
    let page = Fake::with_fallback(200, "<html>my blog</html>").await;
    let gone = ollama().await.stop().await;
    let ours = Fake::start().await.with_header(llamapool_tunnel::dial::VERSION_HEADER, "2.0.0").says(
        "/v1/models",
        200,
        json!({"object": "list", "data": [{"id": "m"}]}),
    );
    let ports = [
        (Kind::Ollama, first.port()),
        (Kind::LmStudio, studio.port()),
        (Kind::LlamaCpp, second.port()),
        (Kind::Vllm, locked.port()),
        (Kind::Vllm, page.port()),
        (Kind::Vllm, gone),
        (Kind::Vllm, ours.port()),
    ];
    let found = super::discovery::on(&ports).await;
    let kinds: Vec<_> = found.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [Kind::Ollama, Kind::LmStudio, Kind::Vllm, Kind::Vllm], "by what they are");
    assert_eq!(found[0].url, first.base);
    assert!(found[..3].iter().all(|one| !one.models.is_empty() && one.problem.is_none()), "{found:?}");
    assert!(
        found[3].models.is_empty() && found[3].problem.as_deref().unwrap().contains("requires an API key")
    );
}
