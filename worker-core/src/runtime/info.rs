//! The result of a probe.

use llamapool_tunnel::lenient::{list, optional};
use llamapool_tunnel::model::{self, MAX_DETAIL, MAX_NAME, is_sane};
use serde::{Deserialize, Serialize};

use super::{Kind, Model};

/// The result of a probe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeInfo {
    /// The runtime's kind; never `Auto` if the result comes from a [`Prober`](super::Prober).
    #[serde(default)]
    pub kind: Kind,
    /// The runtime's version, if it reports one.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its models, sorted by name, each name once.
    #[serde(default, deserialize_with = "list")]
    pub models: Vec<Model>,
    /// A remark for the user that is not an error, for example that there are no models.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl RuntimeInfo {
    /// Sorts models by name, keeps each name once and drops models that exceed the limits. Returns how many were dropped for that.
    pub fn tidy(&mut self) -> usize {
        let dropped = model::tidy(&mut self.models);
        self.version.take_if(|text| !is_sane(text, MAX_DETAIL));
        self.note.take_if(|text| !is_sane(text, MAX_NAME));
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_leniently() {
        let json = r#"{"kind": "ollama", "version": 3, "later": {}, "models": [
            {"name": "a", "size": -1, "loaded": "yes", "context": 4096, "colour": "red"},
            {"size": 2}, 7, null, {"name": "b"}]}"#;
        let info: RuntimeInfo = serde_json::from_str(json).unwrap();
        assert_eq!((info.kind, info.version.as_deref()), (Kind::Ollama, None));
        assert_eq!(info.models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(info.models[0].size, None);
        assert_eq!(info.models[0].context, Some(4096));
        assert_eq!(serde_json::from_str::<RuntimeInfo>("{}").unwrap(), RuntimeInfo::default());
        assert_eq!(
            serde_json::from_str::<RuntimeInfo>(r#"{"models": null}"#).unwrap(),
            RuntimeInfo::default()
        );
    }

    #[test]
    fn unknown_fields_are_not_written() {
        let models = vec![Model { name: "m".to_owned(), ..Model::default() }];
        let info = RuntimeInfo { models, ..RuntimeInfo::default() };
        assert_eq!(serde_json::to_string(&info).unwrap(), r#"{"kind":"auto","models":[{"name":"m"}]}"#);
    }

    #[test]
    fn odd_texts_are_dropped() {
        let mut info = RuntimeInfo { note: Some("a\u{7}".to_owned()), ..RuntimeInfo::default() };
        info.version = Some("1.2".to_owned());
        assert_eq!(info.tidy(), 0);
        assert_eq!((info.version.as_deref(), info.note), (Some("1.2"), None));
    }
}
