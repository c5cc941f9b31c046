//! The APIs that the server speaks, and what it knows about requests and replies.
//!
//! An [`Api`] decides three things, all of them here: its paths, the shape of its errors, and the mark that ends a complete stream.
//! A [`Service`] is one path that is relayed to an upstream; [`Framing`] is how the stream of a reply is divided into events or lines, and
//! [`Ending`] knows whether it is complete.

mod ending;
mod framing;

pub use ending::{Ending, Terminal};
pub use framing::{ErrorShape, Framing, StreamTail};

use http::{HeaderMap, Method};

/// An API of model runtimes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// OpenAI's, with rerank as Cohere and Jina have it.
    OpenAi,
}

impl Api {
    /// The paths that are relayed.
    pub const fn services(self) -> &'static [Service] {
        match self {
            Self::OpenAi => OPENAI,
        }
    }

    /// The framing of a reply with these headers.
    pub fn framing(self, service: Service, headers: &HeaderMap) -> Framing {
        match self {
            Self::OpenAi => Framing::new(headers, service.path.starts_with(RESPONSES)),
        }
    }

    /// The shape of an error inside a stream with this framing.
    pub fn error_shape(self, framing: Framing) -> ErrorShape {
        match (self, framing) {
            (Self::OpenAi, Framing::TypedEvents) => ErrorShape::OpenAiEvent,
            (Self::OpenAi, _) => ErrorShape::OpenAi,
        }
    }

    /// The data of the event that ends a complete stream. A broken stream never gets one from this server.
    pub const fn end_mark(self) -> &'static str {
        match self {
            Self::OpenAi => "[DONE]",
        }
    }
}

/// A path that is relayed to an upstream that has the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    api: Api,
    path: &'static str,
}

/// The path whose events have types.
const RESPONSES: &str = "/v1/responses";

const COMPLETIONS: &str = "/v1/completions";

const OPENAI: &[Service] = &[
    Service::openai(CHAT),
    Service::openai(COMPLETIONS),
    Service::openai("/v1/embeddings"),
    Service::openai(RESPONSES),
    Service::openai("/v1/rerank"),
    Service::openai("/v1/moderations"),
    Service::openai("/v1/images/generations"),
    Service::openai("/v1/images/edits"),
    Service::openai("/v1/images/variations"),
    Service::openai("/v1/audio/speech"),
    Service::openai("/v1/audio/transcriptions"),
    Service::openai("/v1/audio/translations"),
];

/// The paths that make an object that an upstream keeps, and name no model.
const OPENAI_CREATING: &[Service] = &[Service::openai("/v1/conversations"), Service::openai(FILES)];

/// A path of one object that an upstream made earlier. It is relayed to that upstream.
#[derive(Debug, Clone, Copy)]
pub struct ObjectService {
    /// The path, with `{id}` for the id, and `{item}` for that of a part of the object.
    pub service: Service,
    /// The methods that it accepts.
    pub methods: &'static [Method],
}

/// Whether upstreams keep the results of a service, so that later requests can name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Never.
    Nothing,
    /// If the request says `"store": true`.
    IfAsked,
    /// Unless the request says `"store": false`.
    UnlessRefused,
}

const CHAT: &str = "/v1/chat/completions";

/// Uploads files. Listing them is not relayed, because each machine has its own.
pub const FILES: &str = "/v1/files";

impl ObjectService {
    /// The paths of all objects.
    pub const ALL: &[Self] = &[
        Self::openai("/v1/responses/{id}", &[Method::GET, Method::DELETE]),
        Self::openai("/v1/responses/{id}/cancel", &[Method::POST]),
        Self::openai("/v1/responses/{id}/input_items", &[Method::GET]),
        Self::openai("/v1/chat/completions/{id}", &[Method::GET, Method::POST, Method::DELETE]),
        Self::openai("/v1/chat/completions/{id}/messages", &[Method::GET]),
        Self::openai("/v1/conversations/{id}", &[Method::GET, Method::POST, Method::DELETE]),
        Self::openai("/v1/conversations/{id}/items", &[Method::GET, Method::POST]),
        Self::openai("/v1/conversations/{id}/items/{item}", &[Method::GET, Method::DELETE]),
        Self::openai("/v1/files/{id}", &[Method::GET, Method::DELETE]),
        Self::openai("/v1/files/{id}/content", &[Method::GET]),
    ];

    const fn openai(path: &'static str, methods: &'static [Method]) -> Self {
        Self { service: Service::openai(path), methods }
    }
}

impl Service {
    /// Every service of every API that names a model.
    pub const ALL: &[Self] = Api::OpenAi.services();

    /// Every service of every API that makes an object, and names no model.
    pub const CREATING: &[Self] = OPENAI_CREATING;

    const fn openai(path: &'static str) -> Self {
        Self { api: Api::OpenAi, path }
    }

    /// The API that the path belongs to.
    pub fn api(self) -> Api {
        self.api
    }

    /// The path, as upstreams know it.
    pub fn path(self) -> &'static str {
        self.path
    }

    /// Whether its requests name a model in their body.
    pub fn names_model(self) -> bool {
        Self::ALL.contains(&self)
    }

    /// Whether upstreams keep its results.
    pub fn keeps(self) -> Keeps {
        match self.path {
            RESPONSES => Keeps::UnlessRefused,
            CHAT => Keeps::IfAsked,
            _ => Keeps::Nothing,
        }
    }

    /// What ends a complete stream.
    pub fn terminal(self) -> Terminal {
        match self.path {
            CHAT | COMPLETIONS => Terminal::FinishReason,
            RESPONSES => Terminal::ResponseEvent,
            _ => Terminal::Unknown,
        }
    }

    /// The framing of a reply with these headers.
    pub fn framing(self, headers: &HeaderMap) -> Framing {
        self.api.framing(self, headers)
    }
}
