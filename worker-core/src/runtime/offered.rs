//! The models that the pool may request, under all names that the runtime accepts for them.

use std::collections::HashSet;
use std::sync::Arc;

use super::hidden_models::{HiddenModels, spelled_as_listed};
use super::{Kind, Model};

/// The tag, or the end of the tag, of a model that runs in Ollama's cloud.
const CLOUD: &str = "cloud";

/// Which models a worker offers.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    hidden: HiddenModels,
    refuses_remote: bool,
    /// Ollama accepts the name of a cloud model that it does not list.
    has_cloud: bool,
    /// The names of the runtime's models that are offered, and of those that are remote.
    offered: Arc<HashSet<String>>,
    remote: Arc<HashSet<String>>,
}

impl Offered {
    /// All of these models of a runtime, as [marked](mark), that are not kept back.
    #[must_use]
    pub fn new(kind: Kind, hidden: HiddenModels, offers_remote: bool, models: &[Model]) -> Self {
        let names = |fits: &dyn Fn(&Model) -> bool| {
            models.iter().filter(|model| fits(model)).map(|model| spelled_as_listed(&model.name)).collect()
        };
        Self {
            refuses_remote: !offers_remote,
            has_cloud: kind == Kind::Ollama,
            offered: Arc::new(names(&|model| !model.withheld)),
            remote: Arc::new(names(&|model| model.remote)),
            hidden,
        }
    }

    /// Whether some name that the runtime accepts may be refused, so that requests have to be read.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        !self.hidden.is_empty() || self.refuses_remote && (self.has_cloud || !self.remote.is_empty())
    }

    /// Whether requests for this model are refused. If models are hidden, all names are refused except those that are listed: a runtime may serve a
    /// name that it does not know with the model that it has.
    #[must_use]
    pub fn refuses(&self, name: &str) -> bool {
        let spelled = spelled_as_listed(name);
        let is_remote = || self.remote.contains(&spelled) || self.has_cloud && is_cloud(&spelled);
        self.hidden.covers(name)
            || !self.hidden.is_empty() && !self.offered.contains(&spelled)
            || self.refuses_remote && is_remote()
    }
}

/// Marks the models that are kept back: those that are hidden, and those that are remote unless the owner offers them.
pub fn mark(models: &mut [Model], hidden: &HiddenModels, offers_remote: bool) {
    for model in models {
        model.withheld = hidden.covers(&model.name) || model.remote && !offers_remote;
    }
}

/// Whether Ollama treats a name as that of a cloud model: `gpt-oss:120b-cloud`, `glm-4.6:cloud`.
pub(super) fn is_cloud(name: &str) -> bool {
    let tag = name.rsplit_once(':').map_or("", |(_, tag)| tag).to_ascii_lowercase();
    tag.strip_suffix(CLOUD).is_some_and(|before| before.is_empty() || before.ends_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::NamePattern;

    fn offered(kind: Kind, hidden: &[&str], offers_remote: bool) -> Offered {
        let hidden = HiddenModels::new(hidden.iter().filter_map(|name| NamePattern::read(name)).collect());
        let mut models = ["llama3:latest", "Secret:8b", "far:1"].map(|name| Model {
            name: name.to_owned(),
            remote: name == "far:1",
            ..Model::default()
        });
        mark(&mut models, &hidden, offers_remote);
        Offered::new(kind, hidden, offers_remote, &models)
    }

    #[test]
    fn hidden_by_any_spelling_and_by_any_name_that_is_not_listed() {
        let offered = offered(Kind::Ollama, &["secret:*"], false);
        assert!(offered.is_limited());
        for name in ["llama3", "LLAMA3:latest", "registry.ollama.ai/library/llama3", "library/llama3:latest"]
        {
            assert!(!offered.refuses(name), "{name}");
        }
        for name in [
            "Secret:8b",
            "secret:8B",
            "library/secret:8b",
            "https://registry.ollama.ai/library/Secret:8b",
            "unknown",
            "",
        ] {
            assert!(offered.refuses(name), "{name}");
        }
    }

    #[test]
    fn remote_models_are_refused_unless_the_owner_offers_them() {
        let check = |kind, offers_remote, name, expect| {
            assert_eq!(offered(kind, &[], offers_remote).refuses(name), expect, "{name}");
        };
        check(Kind::OpenAi, false, "far:1", true);
        check(Kind::OpenAi, true, "far:1", false);
        check(Kind::OpenAi, false, "gpt-oss:120b-cloud", false);
        check(Kind::Ollama, false, "gpt-oss:120b-cloud", true);
        check(Kind::Ollama, false, "glm-4.6:Cloud", true);
        check(Kind::Ollama, true, "glm-4.6:cloud", false);
        check(Kind::Ollama, false, "my-cloud", false);
        check(Kind::Ollama, false, "m:thundercloud", false);
        check(Kind::Ollama, false, "new", false);
        assert!(!Offered::new(Kind::LlamaCpp, HiddenModels::default(), false, &[]).is_limited());
    }
}
