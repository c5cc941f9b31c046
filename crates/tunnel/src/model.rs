//! A model, and the limits within which one is accepted.
//!
//! Models travel in the worker's report to the server, so they are read leniently: a field that is unknown, absent or of
//! the wrong type costs that field alone.

use serde::{Deserialize, Serialize};

use crate::lenient::{MAX_ENTRIES, flag, is_printable, optional};

/// More models than any runtime has, so that an endless list does not become an endless report.
pub const MAX_MODELS: usize = 2_000;
const _: () = assert!(MAX_ENTRIES >= 2 * MAX_MODELS, "a listing with every model twice is still read whole");
/// Most bytes of all models together, as JSON in a report: it must fit into one message of the tunnel (1 MiB) with the rest.
const MAX_LISTING: usize = 768 * 1024;
/// Longest name of a model in bytes: the longest on public hubs have about 100.
pub const MAX_NAME: usize = 256;
/// Longest detail (quantization, family, ...) in bytes: `Q4_K_M`, `qwen2_vl`, `8.0B`.
pub const MAX_DETAIL: usize = 64;

/// A model of a runtime, with the details that the runtime reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The name used in requests, such as `llama3.2:3b`.
    pub name: String,
    /// Whether it is in memory, so that requests need not wait for it to load.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub loaded: Option<bool>,
    /// Size of the weights in bytes.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Context length in tokens: as currently loaded, else the maximum.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// The quantization, such as `Q4_K_M`.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub quantization: Option<String>,
    /// The architecture, such as `llama`.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The number of parameters for display, such as `8.0B`.
    #[serde(default, deserialize_with = "optional", skip_serializing_if = "Option::is_none")]
    pub parameters: Option<String>,
    /// Whether the runtime passes requests for it on to a service elsewhere, as Ollama does for its cloud models.
    #[serde(default, deserialize_with = "flag", skip_serializing_if = "std::ops::Not::not")]
    pub remote: bool,
    /// Whether the worker's owner keeps it back: then it is not offered, and its name does not leave this machine.
    #[serde(skip)]
    pub withheld: bool,
}

/// Sorts models by name, keeps each name once and drops models that exceed the limits. Returns how many were dropped for that.
///
/// For lists from another program: runtimes may list anything, and workers may report anything.
pub fn tidy(models: &mut Vec<Model>) -> usize {
    let given = models.len();
    models.retain(|model| is_sane(&model.name, MAX_NAME));
    let mut dropped = given - models.len();
    // A stable sort, so that the first of two entries with the same name is kept.
    models.sort_by(|a, b| a.name.cmp(&b.name));
    models.dedup_by(|later, first| later.name == first.name);
    dropped += models.len().saturating_sub(MAX_MODELS);
    models.truncate(MAX_MODELS);
    for model in models.iter_mut() {
        for detail in [&mut model.quantization, &mut model.family, &mut model.parameters] {
            detail.take_if(|text| !is_sane(text, MAX_DETAIL));
        }
    }
    let fitting = fitting(models);
    dropped += models.len() - fitting;
    models.truncate(fitting);
    dropped
}

/// How many of the models fit into a report.
fn fitting(models: &[Model]) -> usize {
    let written = models.iter().scan(0, |written, model| {
        // One more byte for the comma.
        *written += 1 + serde_json::to_vec(model).map_or(MAX_LISTING, |json| json.len());
        Some(*written)
    });
    written.take_while(|written| *written <= MAX_LISTING).count()
}

/// Whether a text is not blank, has at most `longest` bytes and only printable characters.
pub fn is_sane(text: &str, longest: usize) -> bool {
    !text.trim().is_empty() && text.len() <= longest && text.chars().all(is_printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<Model> {
        names.iter().map(|name| Model { name: (*name).to_owned(), ..Model::default() }).collect()
    }

    fn names(models: &[Model]) -> Vec<&str> {
        models.iter().map(|model| model.name.as_str()).collect()
    }

    #[test]
    fn sorted_and_each_name_once() {
        let mut models = named(&["b", "a", "b", "C"]);
        models[0].size = Some(1);
        assert_eq!(tidy(&mut models), 0);
        assert_eq!(names(&models), ["C", "a", "b"]);
        assert_eq!(models[2].size, Some(1), "the first of a name stays");
    }

    #[test]
    fn names_out_of_bounds_are_dropped() {
        let long = "x".repeat(MAX_NAME + 1);
        let mut models = named(&["ok", "", "  ", "tab\there", "nul\0", "\u{9b}31m", &long, &long[1..]]);
        assert_eq!(tidy(&mut models), 6);
        assert_eq!(names(&models), ["ok", &long[1..]]);
    }

    #[test]
    fn an_endless_list_is_cut() {
        let many: Vec<String> = (0..MAX_MODELS + 5).map(|n| format!("m{n:05}")).collect();
        let mut models = named(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(tidy(&mut models), 5);
        assert_eq!(models.len(), MAX_MODELS);
    }

    #[test]
    fn a_list_is_cut_where_it_would_not_fit_a_report() {
        // Quotes take two bytes each in JSON.
        let name = |n| format!("m{n:05}{}", "\"".repeat(MAX_NAME - 6));
        let names: Vec<String> = (0..MAX_MODELS).map(name).collect();
        let mut models = named(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let dropped = tidy(&mut models);
        assert!((1..MAX_MODELS).contains(&dropped), "{dropped}");
        assert_eq!(models.len(), MAX_MODELS - dropped);
        let json = serde_json::to_string(&models).unwrap();
        assert!((MAX_LISTING - 1_000..=MAX_LISTING + 2).contains(&json.len()), "{}", json.len());
        assert_eq!(tidy(&mut models), 0, "once is enough");
    }

    #[test]
    fn a_model_is_local_unless_it_says_that_it_is_remote() {
        let check = |said: &str, remote| {
            let model: Model = serde_json::from_str(said).unwrap();
            assert_eq!((model.name.as_str(), model.remote), ("m", remote), "{said}");
        };
        check(r#"{"name":"m","remote":true}"#, true);
        check(r#"{"name":"m","remote":false}"#, false);
        check(r#"{"name":"m","remote":null}"#, false);
        check(r#"{"name":"m","remote":"https://elsewhere"}"#, false);
        check(r#"{"name":"m"}"#, false);
        assert_eq!(serde_json::to_string(&named(&["m"])[0]).unwrap(), r#"{"name":"m"}"#);
    }

    #[test]
    fn odd_details_cost_only_themselves() {
        let mut models = named(&["m"]);
        models[0].family = Some("x".repeat(1_000));
        models[0].quantization = Some("Q4\n".to_owned());
        models[0].parameters = Some("8B".to_owned());
        assert_eq!(tidy(&mut models), 0);
        assert_eq!((&models[0].family, &models[0].quantization), (&None, &None));
        assert_eq!(models[0].parameters.as_deref(), Some("8B"));
    }
}
