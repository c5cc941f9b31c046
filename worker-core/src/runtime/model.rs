//! What is known of a runtime and its models, and the bounds within which it is believed.
//!
//! These types travel in the worker's report to the server, so they are read leniently: a field that is
//! unknown, absent or of the wrong type costs that field alone.

use serde::{Deserialize, Serialize};

use super::Kind;
use super::lenient::{listed, wanted};

/// More models than any runtime has; a list without end must not become a report without end.
pub const MAX_MODELS: usize = 2_000;
/// Most bytes of all models together, as the JSON of a report: that has to fit into one message of the tunnel (1 MiB), with room for the rest.
const MAX_LISTING: usize = 768 * 1024;
/// Longest name of a model in bytes: the longest on public hubs are about 100.
pub const MAX_NAME: usize = 256;
/// Longest detail (quantization, family, ...) in bytes: `Q4_K_M`, `qwen2_vl`, `8.0B`.
pub(super) const MAX_DETAIL: usize = 64;

/// A model that the runtime can serve, with what the runtime tells about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The name that requests use, e.g. `llama3.2:3b`.
    pub name: String,
    /// Whether it is in memory now, so that it answers without loading first.
    #[serde(default, deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub loaded: Option<bool>,
    /// Size of the weights in bytes.
    #[serde(default, deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Context length in tokens: as loaded now, else the longest it can have.
    #[serde(default, deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// How the weights are stored, e.g. `Q4_K_M`.
    #[serde(default, deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub quantization: Option<String>,
    /// Architecture, e.g. `llama`.
    #[serde(default, deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Number of parameters as people write it, e.g. `8.0B`.
    #[serde(default, deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub parameters: Option<String>,
    /// Kept back by the worker's owner: it is not offered, and does not leave this machine.
    #[serde(skip)]
    pub withheld: bool,
}

/// What a look at the runtime found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// The family it belongs to; never `Auto` when it comes from a [`Surveyor`](super::Surveyor).
    #[serde(default)]
    pub kind: Kind,
    /// The runtime's own version, where it tells.
    #[serde(default, deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its models, sorted by name, each name once.
    #[serde(default, deserialize_with = "listed")]
    pub models: Vec<Model>,
    /// A sentence for the user about something odd that is no failure, e.g. that there are no models.
    #[serde(default, deserialize_with = "wanted", skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Survey {
    /// Sorts by name, keeps each name once and drops what is out of bounds. Returns how many were dropped for that.
    ///
    /// For whatever comes from outside: runtimes may list anything, and workers may report anything.
    pub fn tidy(&mut self) -> usize {
        let given = self.models.len();
        self.models.retain(|model| is_sane(&model.name, MAX_NAME));
        let mut dropped = given - self.models.len();
        // Stable, so that of two entries of a name the first one stays.
        self.models.sort_by(|a, b| a.name.cmp(&b.name));
        self.models.dedup_by(|later, first| later.name == first.name);
        dropped += self.models.len().saturating_sub(MAX_MODELS);
        self.models.truncate(MAX_MODELS);
        for model in &mut self.models {
            for detail in [&mut model.quantization, &mut model.family, &mut model.parameters] {
                detail.take_if(|text| !is_sane(text, MAX_DETAIL));
            }
        }
        let fitting = fitting(&self.models);
        dropped += self.models.len() - fitting;
        self.models.truncate(fitting);
        self.version.take_if(|text| !is_sane(text, MAX_DETAIL));
        self.note.take_if(|text| !is_sane(text, MAX_NAME));
        dropped
    }
}

/// How many of the models fit into a report.
fn fitting(models: &[Model]) -> usize {
    let written = models.iter().scan(0, |written, model| {
        // One more for the comma.
        *written += 1 + serde_json::to_vec(model).map_or(MAX_LISTING, |json| json.len());
        Some(*written)
    });
    written.take_while(|written| *written <= MAX_LISTING).count()
}

fn is_sane(text: &str, longest: usize) -> bool {
    !text.trim().is_empty() && text.len() <= longest && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Survey {
        let models = names.iter().map(|name| Model { name: (*name).to_owned(), ..Model::default() });
        Survey { models: models.collect(), ..Survey::default() }
    }

    fn names(survey: &Survey) -> Vec<&str> {
        survey.models.iter().map(|model| model.name.as_str()).collect()
    }

    #[test]
    fn sorted_and_each_name_once() {
        let mut survey = named(&["b", "a", "b", "C"]);
        survey.models[0].size = Some(1);
        assert_eq!(survey.tidy(), 0);
        assert_eq!(names(&survey), ["C", "a", "b"]);
        assert_eq!(survey.models[2].size, Some(1), "the first of a name stays");
    }

    #[test]
    fn names_out_of_bounds_are_dropped() {
        let long = "x".repeat(MAX_NAME + 1);
        let mut survey = named(&["ok", "", "  ", "tab\there", "nul\0", "\u{9b}31m", &long, &long[1..]]);
        assert_eq!(survey.tidy(), 6);
        assert_eq!(names(&survey), ["ok", &long[1..]]);
    }

    #[test]
    fn a_list_without_end_is_cut() {
        let many: Vec<String> = (0..MAX_MODELS + 5).map(|n| format!("m{n:05}")).collect();
        let mut survey = named(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(survey.tidy(), 5);
        assert_eq!(survey.models.len(), MAX_MODELS);
    }

    #[test]
    fn a_list_is_cut_where_it_would_not_fit_a_report() {
        // Quotes take two bytes each in JSON.
        let name = |n| format!("m{n:05}{}", "\"".repeat(MAX_NAME - 6));
        let names: Vec<String> = (0..MAX_MODELS).map(name).collect();
        let mut survey = named(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let dropped = survey.tidy();
        assert!((1..MAX_MODELS).contains(&dropped), "{dropped}");
        assert_eq!(survey.models.len(), MAX_MODELS - dropped);
        let json = serde_json::to_string(&survey.models).unwrap();
        assert!((MAX_LISTING - 1_000..=MAX_LISTING + 2).contains(&json.len()), "{}", json.len());
        assert_eq!(survey.tidy(), 0, "once is enough");
    }

    #[test]
    fn odd_details_cost_only_themselves() {
        let mut survey = named(&["m"]);
        survey.models[0].family = Some("x".repeat(1_000));
        survey.models[0].quantization = Some("Q4\n".to_owned());
        survey.models[0].parameters = Some("8B".to_owned());
        assert_eq!(survey.tidy(), 0);
        assert_eq!((&survey.models[0].family, &survey.models[0].quantization), (&None, &None));
        assert_eq!(survey.models[0].parameters.as_deref(), Some("8B"));
    }

    #[test]
    fn read_leniently() {
        let json = r#"{"kind": "ollama", "version": 3, "later": {}, "models": [
            {"name": "a", "size": -1, "loaded": "yes", "context": 4096, "colour": "red"},
            {"size": 2}, 7, null, {"name": "b"}]}"#;
        let survey: Survey = serde_json::from_str(json).unwrap();
        assert_eq!((survey.kind, survey.version.as_deref()), (Kind::Ollama, None));
        assert_eq!(names(&survey), ["a", "b"]);
        assert_eq!(survey.models[0].size, None);
        assert_eq!(survey.models[0].context, Some(4096));
        assert_eq!(serde_json::from_str::<Survey>("{}").unwrap(), Survey::default());
        assert_eq!(serde_json::from_str::<Survey>(r#"{"models": null}"#).unwrap(), Survey::default());
    }

    #[test]
    fn what_is_unknown_is_not_written() {
        let survey = named(&["m"]);
        assert_eq!(serde_json::to_string(&survey).unwrap(), r#"{"kind":"auto","models":[{"name":"m"}]}"#);
    }
}
