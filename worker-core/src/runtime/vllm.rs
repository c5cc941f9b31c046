//! vLLM: `/v1/models` with `max_model_len`, `/health` (whether its engine is running), `/version`.

use serde::Deserialize;

use super::probe_client::{ProbeClient, ProbeError};
use super::{Kind, Model, RuntimeInfo, Target, listing};

#[derive(Deserialize)]
struct Version {
    version: String,
}

pub(super) async fn probe(client: &ProbeClient, target: &Target) -> Result<RuntimeInfo, ProbeError> {
    // The API server answers the listing even if the engine behind it has died.
    match client.get(&target.native("/health")).await {
        Err(ProbeError::Status(status, said)) if status.is_server_error() => {
            return Err(ProbeError::Status(status, said));
        }
        Err(error) if error.is_silence() => return Err(error),
        _ => {}
    }
    let entries = listing::read(&client.get(&target.native("/v1/models")).await?)?;
    let version = client.json::<Version>(&target.native("/version")).await.ok();
    // It has exactly the model in memory that it was started with.
    let models: Vec<Model> =
        entries.into_iter().map(|entry| Model { loaded: Some(true), ..entry.into_model() }).collect();
    let note = models.is_empty().then(|| "vLLM lists no models".to_owned());
    Ok(RuntimeInfo { kind: Kind::Vllm, version: version.map(|said| said.version), models, note })
}
