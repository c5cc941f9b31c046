//! Ollama: `/api/tags` (the models), `/api/ps` (the models in memory), `/api/version`.

use std::collections::HashMap;

use serde::Deserialize;

use super::offered::is_cloud;
use super::probe_client::{ProbeClient, ProbeError};
use super::{Kind, Model, RuntimeInfo, Target};
use llamapool_tunnel::lenient::{list, optional};

#[derive(Deserialize)]
struct Tags {
    #[serde(deserialize_with = "list")]
    models: Vec<Tag>,
}

/// A model on disk, or in memory.
#[derive(Deserialize)]
struct Tag {
    name: String,
    #[serde(default, deserialize_with = "optional")]
    size: Option<u64>,
    #[serde(default, deserialize_with = "optional")]
    details: Option<Details>,
    /// The host where the model runs, if it is remote.
    #[serde(default, deserialize_with = "optional")]
    remote_host: Option<String>,
    /// Its name there.
    #[serde(default, deserialize_with = "optional")]
    remote_model: Option<String>,
    /// Only in `/api/ps`: the context length it was loaded with.
    #[serde(default, deserialize_with = "optional")]
    context_length: Option<u64>,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default, deserialize_with = "optional")]
    family: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    parameter_size: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    quantization_level: Option<String>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

/// Whether the runtime is Ollama: other programs imitate one of the two responses, but hardly both.
pub(super) async fn is_there(client: &ProbeClient, target: &Target) -> bool {
    version(client, target).await.is_some() && client.json::<Tags>(&target.native("/api/tags")).await.is_ok()
}

pub(super) async fn probe(client: &ProbeClient, target: &Target) -> Result<RuntimeInfo, ProbeError> {
    let tags: Tags = client.json(&target.native("/api/tags")).await?;
    // The models in memory and the version are details: without them, the models are still listed.
    let in_memory = client.json::<Tags>(&target.native("/api/ps")).await.ok();
    let in_memory: Option<HashMap<String, Option<u64>>> =
        in_memory.map(|ps| ps.models.into_iter().map(|tag| (tag.name, tag.context_length)).collect());
    let models: Vec<Model> = tags.models.into_iter().map(|tag| model(tag, in_memory.as_ref())).collect();
    let note =
        models.is_empty().then(|| "Ollama has no models yet: download one with `ollama pull`".to_owned());
    Ok(RuntimeInfo { kind: Kind::Ollama, version: version(client, target).await, models, note })
}

async fn version(client: &ProbeClient, target: &Target) -> Option<String> {
    client.json::<Version>(&target.native("/api/version")).await.ok().map(|said| said.version)
}

fn model(tag: Tag, in_memory: Option<&HashMap<String, Option<u64>>>) -> Model {
    let says_so = [tag.remote_host, tag.remote_model].into_iter().flatten().any(|remote| !remote.is_empty());
    let details = tag.details.unwrap_or_default();
    Model {
        loaded: in_memory.map(|all| all.contains_key(&tag.name)),
        context: in_memory.and_then(|all| all.get(&tag.name).copied().flatten()),
        remote: says_so || is_cloud(&tag.name),
        name: tag.name,
        size: tag.size.filter(|bytes| *bytes > 0),
        quantization: details.quantization_level,
        family: details.family,
        parameters: details.parameter_size,
        withheld: false,
    }
}
