//! `/v1/models` in its common form, with the additional fields of some runtimes.

use serde::Deserialize;

use super::Model;
use super::probe_client::{Answer, ProbeError};
use llamapool_tunnel::lenient::{list, optional};

/// The usual form: a list under `data`. Ollama sends null for an empty list.
#[derive(Debug, Deserialize)]
struct Named {
    #[serde(default, deserialize_with = "list")]
    data: Vec<Entry>,
    #[serde(default, deserialize_with = "optional")]
    object: Option<String>,
}

/// Some runtimes send a bare list.
#[derive(Debug, Deserialize)]
struct Bare(#[serde(deserialize_with = "list")] Vec<Entry>);

/// The entries of a listing; one without entries must at least declare that it is a list.
pub(super) fn read(answer: &Answer) -> Result<Vec<Entry>, ProbeError> {
    if let Ok(Bare(entries)) = answer.json::<Bare>() {
        return if entries.is_empty() { Err(ProbeError::Rubbish) } else { Ok(entries) };
    }
    let named: Named = answer.json()?;
    if named.data.is_empty() && named.object.as_deref() != Some("list") {
        return Err(ProbeError::Rubbish);
    }
    Ok(named.data)
}

/// One model, with all optional fields; each runtime fills a few of them.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    id: String,
    #[serde(default, deserialize_with = "optional")]
    owned_by: Option<String>,
    /// vLLM and SGLang: the maximum context length it was started with.
    #[serde(default, deserialize_with = "optional")]
    max_model_len: Option<u64>,
    /// Various runtimes: the model's maximum context length.
    #[serde(default, deserialize_with = "optional")]
    context_length: Option<u64>,
    #[serde(default, deserialize_with = "optional")]
    context_window: Option<u64>,
    /// llama.cpp with a single model.
    #[serde(default, deserialize_with = "optional")]
    meta: Option<Meta>,
    /// llama.cpp with several models, and llama-swap: whether the model is in memory.
    #[serde(default, deserialize_with = "optional")]
    status: Option<Status>,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    #[serde(default, deserialize_with = "optional")]
    n_ctx: Option<u64>,
    #[serde(default, deserialize_with = "optional")]
    n_ctx_train: Option<u64>,
    #[serde(default, deserialize_with = "optional")]
    n_params: Option<u64>,
    #[serde(default, deserialize_with = "optional")]
    size: Option<u64>,
    #[serde(default, deserialize_with = "optional")]
    ftype: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Status {
    value: String,
}

impl Entry {
    pub(super) fn is_owned_by(&self, owner: &str) -> bool {
        self.owned_by.as_deref() == Some(owner)
    }

    pub(super) fn into_model(self) -> Model {
        let meta = self.meta.unwrap_or_default();
        Model {
            name: self.id,
            loaded: self.status.and_then(|status| loaded(&status.value)),
            size: meta.size.filter(|bytes| *bytes > 0),
            context: self
                .max_model_len
                .or(meta.n_ctx)
                .or(self.context_length)
                .or(self.context_window)
                .or(meta.n_ctx_train)
                .filter(|tokens| *tokens > 0),
            quantization: meta.ftype,
            family: None,
            parameters: meta.n_params.filter(|count| *count > 0).map(spoken),
            remote: false,
            withheld: false,
        }
    }
}

fn loaded(status: &str) -> Option<bool> {
    match status {
        "loaded" | "ready" => Some(true),
        "unloaded" | "loading" | "sleeping" | "stopped" | "starting" | "downloading" => Some(false),
        _ => None,
    }
}

/// A count of parameters as people write it: `8.0B`, `494M`.
fn spoken(count: u64) -> String {
    const MILLION: u64 = 1_000_000;
    if count >= 1_000 * MILLION {
        let tenths = count / (100 * MILLION);
        return format!("{}.{}B", tenths / 10, tenths % 10);
    }
    if count >= MILLION { format!("{}M", count / MILLION) } else { count.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, names: Result<&[&str], ProbeError>) {
        let found = read(&Answer { headers: http::HeaderMap::new(), body: json.into() });
        let found = found.map(|entries| entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>());
        assert_eq!(found, names.map(|names| names.iter().map(|name| (*name).to_owned()).collect()), "{json}");
    }

    #[test]
    fn forms_of_a_listing() {
        check(r#"{"object":"list","data":[{"id":"a"},{"id":"b","object":"model"}]}"#, Ok(&["a", "b"]));
        check(r#"{"data":[{"id":"a"}]}"#, Ok(&["a"]));
        check(r#"[{"id":"a"}]"#, Ok(&["a"]));
        check(r#"{"object":"list","data":[]}"#, Ok(&[]));
        check(r#"{"object":"list","data":null}"#, Ok(&[]));
        check(r#"{"object":"list","data":[{"id":7},"x",null,{"id":"a"}]}"#, Ok(&["a"]));
    }

    #[test]
    fn what_is_no_listing() {
        for json in [
            r#"{"error":"Unexpected endpoint"}"#,
            "{}",
            r#""ok""#,
            "7",
            "null",
            "[]",
            "<html>",
            r#"{"data":"x"}"#,
        ] {
            check(json, Err(ProbeError::Rubbish));
        }
    }

    #[test]
    fn parameters_as_people_write_them() {
        for (count, text) in
            [(8_030_261_248, "8.0B"), (494_032_768, "494M"), (1_200, "1200"), (70_553_706_496, "70.5B")]
        {
            assert_eq!(spoken(count), text);
        }
    }
}
