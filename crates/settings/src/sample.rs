//! A configuration for the tests, with settings of every kind and names of older versions.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{
    Changes, Compare, Concern, DrainTimeout, ListOf, ProgramConfig, Reader, Retired, Section, Setting, kind,
};

#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) server: Server,
    pub(crate) identity: Identity,
    pub(crate) runtime: Runtime,
    pub(crate) drain_timeout: DrainTimeout,
    pub(crate) log: Log,
}

concern! {
    /// The server the worker works for.
    pub(crate) struct Server: "Server" {
        /// Address of the server.
        url: Url = Setting::new("server_url", server_url()).default("ws://localhost:8080/");

        /// Key that lets workers in.
        client_key: Option<SecretString> =
            Setting::new("client_key", kind::secret().optional()).formerly("worker_key");

        /// Certificates to trust besides the system's own.
        ca_file: Option<PathBuf> = Setting::new("ca_file", kind::path().optional());

        /// Connect again when the server is away.
        reconnect: bool = Setting::new("reconnect", kind::switch()).default("true").short('r');
    }
}

concern! {
    /// Who the worker is.
    pub(crate) struct Identity: "Identity" {
        /// Name for people.
        name: String = Setting::new("client_name", kind::name().optional().map(Option::unwrap_or_default))
            .formerly("worker_name").default_words("the name of this machine");

        /// Address of the local status.
        status_addr: Option<SocketAddr> = Setting::new("status_addr", loopback().optional()).default_words("off");
    }
}

concern! {
    /// The LLM runtime behind the worker.
    pub(crate) struct Runtime: "Runtime" {
        /// Address of the runtime.
        base_url: Option<Url> = Setting::new("completion_base_url", kind::http_url().optional())
            .formerly("ollama_base_url").formerly("ollama_url").default_words("found");

        /// Key for the runtime.
        api_key: Option<SecretString> =
            Setting::new("completion_api_key", kind::secret().optional()).formerly("ollama_api_key");

        /// What the runtime is.
        kind: &'static str = Setting::new("runtime_kind", kind::one_of(KINDS)).formerly("api_style").default("auto");

        /// Requests the runtime works on at the same time.
        max_concurrency: u64 = Setting::new("max_concurrency", kind::count(1..=4096)).default("2");

        /// How often the runtime is asked for its models.
        poll_interval: Duration = Setting::new("model_poll_interval", kind::duration()).default("30s");

        /// Serve the built-in demo model.
        demo: bool = Setting::new("demo", kind::switch()).default("false");
    }
}

concern! {
    /// What is logged.
    pub(crate) struct Log: "Logs" {
        /// How much is logged.
        level: String = Setting::new("log_level", kind::name()).shorthand("debug", "debug").default("info").live();

        /// Size at which a log file is continued in another.
        max_size: u64 = Setting::new("log_max_size", kind::bytes(65_536..=1 << 40)).default("50MiB");
    }
}

const KINDS: &[(&str, &str)] = &[("auto", "auto"), ("ollama", "ollama"), ("vllm", "vllm")];

fn server_url() -> kind::Kind<Url> {
    let parse = |text: &str| {
        let whole = if text.contains("://") { text.to_owned() } else { format!("ws://{text}") };
        Url::parse(&whole).ok().filter(|url| matches!(url.scheme(), "ws" | "wss"))
    };
    kind::Kind::new("URL", "ws:// or wss:// with a host, or host:port", parse)
}

fn loopback() -> kind::Kind<SocketAddr> {
    kind::socket_addr().only("a loopback address with a port", |addr| addr.ip().is_loopback())
}

impl Concern for Worker {
    fn read(from: &mut Reader<'_>) -> Self {
        Self {
            server: Server::read(from),
            identity: Identity::read(from),
            runtime: Runtime::read(from),
            drain_timeout: from.concern("Stopping").read(DrainTimeout::setting("1m")),
            log: Log::read(from),
        }
    }
}

impl ProgramConfig for Worker {
    const PROGRAM: &'static str = "llamapool-worker";
    const ABOUT: &'static str = "A worker, for the tests.";
    const RETIRED: &'static [Retired] =
        &[Retired { keys: &["embedding_batch_size"], why: "the server does not split embeddings" }];
}

/// A configuration with everything that can be nested.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Nested {
    pub(crate) port: Port,
}

concern! {
    /// What is at the top.
    pub(crate) struct Port: "Listening" {
        /// Where to listen.
        port: u16 = Setting::new("port", kind::port()).default("8080").live();

        /// What is cached.
        cache: Cache = Section::new("cache");

        /// HTTP servers that take requests.
        endpoints: Vec<Endpoint> = ListOf::new("endpoints")
            .unique("name", |endpoint: &Endpoint| Some(endpoint.name.clone()))
            .unique("api_key", |endpoint: &Endpoint| Some(endpoint.api_key.as_ref()?.expose_secret().to_owned()));
    }
}

concern! {
    /// What is cached.
    pub(crate) struct Cache: "Cache" {
        /// Entries that are kept.
        size: u64 = Setting::new("size", kind::count(0..=1_000)).default("100").formerly("entries");

        /// Key of the cache.
        key: Option<SecretString> = Setting::new("key", kind::secret().optional());
    }
}

concern! {
    /// An HTTP server that takes requests.
    pub(crate) struct Endpoint: "Endpoints" {
        /// Its name.
        name: String = Setting::new("name", kind::name()).example("gpu-box").required();

        /// Where it is.
        url: Url = Setting::new("url", kind::http_url()).example("http://gpu-box:8000/v1").required();

        /// Its key.
        api_key: Option<SecretString> = Setting::new("api_key", kind::secret().optional()).live();

        /// Models it has.
        models: Vec<String> = Setting::new("models", kind::name().list());

        /// How long to wait.
        wait: Duration = Setting::new("wait", kind::duration()).default("30s");

        /// Headers to add.
        headers: Vec<Header> = ListOf::new("headers");
    }
}

concern! {
    /// A header.
    pub(crate) struct Header: "Headers" {
        /// Its name.
        name: String = Setting::new("name", kind::name()).example("x-team").required();

        /// Its value.
        value: String = Setting::new("value", kind::name()).default("1").secret();
    }
}

impl Concern for Nested {
    fn read(from: &mut Reader<'_>) -> Self {
        Self { port: Port::read(from) }
    }
}

impl Compare for Nested {
    fn compare(old: &Self, new: &Self, changes: &mut Changes) {
        Port::compare(&old.port, &new.port, changes);
    }
}

impl ProgramConfig for Nested {
    const PROGRAM: &'static str = "nested";
    const ABOUT: &'static str = "A program, for the tests.";
    const RETIRED: &'static [Retired] = &[];
}
