//! llama.cpp's `llama-server`: `/v1/models` (the models), `/health` (whether the model is in memory), `/props`.

use http::StatusCode;
use serde::Deserialize;

use super::probe_client::{ProbeClient, ProbeError};
use super::{Kind, Model, RuntimeInfo, Target, listing};
use llamapool_tunnel::lenient::optional;

/// Its properties; with several models (router mode) only some of them.
#[derive(Default, Deserialize)]
struct Props {
    #[serde(default, deserialize_with = "optional")]
    build_info: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    default_generation_settings: Option<Settings>,
    #[serde(default, deserialize_with = "optional")]
    model_ftype: Option<String>,
    /// The weights are unloaded until the next request.
    #[serde(default, deserialize_with = "optional")]
    is_sleeping: Option<bool>,
    #[serde(default, deserialize_with = "optional")]
    role: Option<String>,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(default, deserialize_with = "optional")]
    n_ctx: Option<u64>,
}

pub(super) async fn probe(client: &ProbeClient, target: &Target) -> Result<RuntimeInfo, ProbeError> {
    awake(client, target).await?;
    let entries = listing::read(&client.get(&target.native("/v1/models")).await?)?;
    let props = match client.json::<Props>(&target.native("/props")).await {
        Ok(props) => props,
        // The listing needs no key, so this is where a wrong key is detected.
        Err(error) if error.is_locked() => return Err(error),
        Err(_) => Props::default(),
    };
    let mut models: Vec<Model> = entries.into_iter().map(listing::Entry::into_model).collect();
    if let ([only], None) = (models.as_mut_slice(), &props.role) {
        complete(only, &props);
    }
    let note = models.is_empty().then(|| "llama.cpp lists no models".to_owned());
    Ok(RuntimeInfo { kind: Kind::LlamaCpp, version: props.build_info, models, note })
}

/// It lists its model while still loading it.
async fn awake(client: &ProbeClient, target: &Target) -> Result<(), ProbeError> {
    match client.get(&target.native("/health")).await {
        Err(ProbeError::Status(StatusCode::SERVICE_UNAVAILABLE, _)) => Err(ProbeError::Loading),
        Err(error) if error.is_silence() => Err(error),
        // Derivatives of llama.cpp may lack the path.
        _ => Ok(()),
    }
}

/// The one model that it was started with.
fn complete(model: &mut Model, props: &Props) {
    model.loaded = Some(props.is_sleeping != Some(true));
    let context = props.default_generation_settings.as_ref().and_then(|settings| settings.n_ctx);
    model.context = context.filter(|tokens| *tokens > 0).or(model.context);
    model.quantization = model.quantization.take().or_else(|| props.model_ftype.clone());
}
