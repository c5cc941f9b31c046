//! Any OpenAI-compatible runtime: only `/v1/models` can be relied on.

use super::probe_client::{ProbeClient, ProbeError};
use super::{Kind, Model, RuntimeInfo, Target, listing};

pub(super) async fn probe(client: &ProbeClient, target: &Target) -> Result<RuntimeInfo, ProbeError> {
    let entries = listing::read(&client.get(&target.native("/v1/models")).await?)?;
    let models: Vec<Model> = entries.into_iter().map(listing::Entry::into_model).collect();
    let note = models.is_empty().then(|| "the runtime lists no models".to_owned());
    Ok(RuntimeInfo { kind: Kind::OpenAi, version: None, models, note })
}
