//! LM Studio: `/v1/models` (the models that can be requested now), with details from its own API (`/api/v0`, `/api/v1`).
//!
//! The OpenAI listing decides: with just-in-time loading off, it has only loaded models, while
//! LM Studio's own lists contain everything on disk.

use std::collections::HashMap;

use serde::Deserialize;

use super::probe_client::{ProbeClient, ProbeError};
use super::{Kind, Model, RuntimeInfo, Target, listing};
use llamapool_tunnel::lenient::{list, optional};

/// Since 0.3.6.
#[derive(Deserialize)]
struct First {
    #[serde(deserialize_with = "list")]
    data: Vec<FirstEntry>,
}

#[derive(Deserialize)]
struct FirstEntry {
    id: String,
    /// `loaded` or `not-loaded`; no other runtime has this field, so it identifies LM Studio.
    state: String,
    #[serde(default, deserialize_with = "optional")]
    arch: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    quantization: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    loaded_context_length: Option<u64>,
    #[serde(default, deserialize_with = "optional")]
    max_context_length: Option<u64>,
}

/// Since 0.4: also has sizes.
#[derive(Deserialize)]
struct Second {
    #[serde(deserialize_with = "list")]
    models: Vec<SecondEntry>,
}

#[derive(Deserialize)]
struct SecondEntry {
    key: String,
    #[serde(deserialize_with = "list")]
    loaded_instances: Vec<Instance>,
    #[serde(default, deserialize_with = "optional")]
    architecture: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    quantization: Option<Quantization>,
    #[serde(default, deserialize_with = "optional")]
    size_bytes: Option<u64>,
    #[serde(default, deserialize_with = "optional")]
    params_string: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    max_context_length: Option<u64>,
}

#[derive(Deserialize)]
struct Quantization {
    name: String,
}

#[derive(Deserialize)]
struct Instance {
    #[serde(default, deserialize_with = "optional")]
    config: Option<Config>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "optional")]
    context_length: Option<u64>,
}

/// Whether the runtime is LM Studio. It answers every unknown path with 200, so only the shape of the response counts.
pub(super) async fn is_there(client: &ProbeClient, target: &Target) -> bool {
    client.json::<First>(&target.native("/api/v0/models")).await.is_ok()
        || client.json::<Second>(&target.native("/api/v1/models")).await.is_ok()
}

pub(super) async fn probe(client: &ProbeClient, target: &Target) -> Result<RuntimeInfo, ProbeError> {
    let servable = listing::read(&client.get(&target.native("/v1/models")).await?)?;
    let mut known: HashMap<String, Model> = HashMap::new();
    // Both only add details, and each is missing in some versions.
    if let Ok(first) = client.json::<First>(&target.native("/api/v0/models")).await {
        known.extend(first.data.into_iter().map(|entry| (entry.id.clone(), entry.into_model())));
    }
    if let Ok(second) = client.json::<Second>(&target.native("/api/v1/models")).await {
        for entry in second.models {
            let model = known.remove(&entry.key).unwrap_or_default();
            known.insert(entry.key.clone(), entry.complete(model));
        }
    }
    let models: Vec<Model> = servable
        .into_iter()
        .map(|entry| {
            let plain = entry.into_model();
            match known.remove(&plain.name) {
                Some(detailed) => Model { name: plain.name, ..detailed },
                None => plain,
            }
        })
        .collect();
    let note = models.is_empty().then(|| {
        "LM Studio offers no models: download or load one, or turn on just-in-time loading".to_owned()
    });
    Ok(RuntimeInfo { kind: Kind::LmStudio, version: None, models, note })
}

impl FirstEntry {
    fn into_model(self) -> Model {
        Model {
            name: self.id,
            loaded: Some(self.state == "loaded"),
            context: self.loaded_context_length.or(self.max_context_length),
            quantization: self.quantization,
            family: self.arch,
            ..Model::default()
        }
    }
}

impl SecondEntry {
    /// Adds what only this version of the API has; known values are kept.
    fn complete(self, model: Model) -> Model {
        let as_loaded =
            self.loaded_instances.iter().find_map(|one| one.config.as_ref().and_then(|c| c.context_length));
        Model {
            name: self.key,
            loaded: model.loaded.or(Some(!self.loaded_instances.is_empty())),
            size: self.size_bytes,
            context: as_loaded.or(model.context).or(self.max_context_length),
            quantization: model.quantization.or(self.quantization.map(|how| how.name)),
            family: model.family.or(self.architecture),
            parameters: self.params_string,
            remote: false,
            withheld: false,
        }
    }
}
