//! vLLM: `/v1/models` with `max_model_len`, `/health` (whether its engine lives), `/version`.

use serde::Deserialize;

use super::ask::{Asker, Miss};
use super::{Kind, Model, Survey, Target, listing};

#[derive(Deserialize)]
struct Version {
    version: String,
}

pub(super) async fn survey(asker: &Asker, target: &Target) -> Result<Survey, Miss> {
    // The listing is answered by the front, even when the engine behind it is dead.
    match asker.get(&target.native("/health")).await {
        Err(Miss::Status(status, said)) if status.is_server_error() => {
            return Err(Miss::Status(status, said));
        }
        Err(miss) if miss.is_silence() => return Err(miss),
        _ => {}
    }
    let entries = listing::read(&asker.get(&target.native("/v1/models")).await?)?;
    let version = asker.json::<Version>(&target.native("/version")).await.ok();
    // It has in memory what it was started with, and nothing else.
    let models: Vec<Model> =
        entries.into_iter().map(|entry| Model { loaded: Some(true), ..entry.into_model() }).collect();
    let note = models.is_empty().then(|| "vLLM lists no models".to_owned());
    Ok(Survey { kind: Kind::Vllm, version: version.map(|said| said.version), models, note })
}
