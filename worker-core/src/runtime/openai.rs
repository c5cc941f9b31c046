//! Anything OpenAI-compatible: `/v1/models`, and nothing else is sure.

use super::ask::{Asker, Miss};
use super::{Kind, Model, Survey, Target, listing};

pub(super) async fn survey(asker: &Asker, target: &Target) -> Result<Survey, Miss> {
    let entries = listing::read(&asker.get(&target.native("/v1/models")).await?)?;
    let models: Vec<Model> = entries.into_iter().map(listing::Entry::into_model).collect();
    let note = models.is_empty().then(|| "the runtime lists no models".to_owned());
    Ok(Survey { kind: Kind::OpenAi, version: None, models, note })
}
