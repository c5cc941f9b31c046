//! Comparing two configurations, setting by setting.

use super::{Config, Control, Identity, Runtime, Server};
use llamapool_settings::{Changes, Compare, Declare as _, DrainTimeout, changes};
use llamapool_telemetry::logs;
use llamapool_telemetry::metrics;
use llamapool_telemetry::trace;

impl Compare for Config {
    fn compare(old: &Self, new: &Self, changes: &mut Changes) {
        // Without `..`, so that a new concern cannot be forgotten here.
        let Self { server, identity, runtime, control, metrics, drain_timeout, log, trace } = old;
        Server::compare(server, &new.server, changes);
        Identity::compare(identity, &new.identity, changes);
        Runtime::compare(runtime, &new.runtime, changes);
        Control::compare(control, &new.control, changes);
        metrics::MetricsConfig::compare(metrics, &new.metrics, changes);
        DrainTimeout::setting("").compare(drain_timeout, &new.drain_timeout, changes);
        logs::LogConfig::compare(log, &new.log, changes);
        trace::TraceConfig::compare(trace, &new.trace, changes);
    }
}

impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        changes(self, other).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use llamapool_settings::{self as settings, Sources};

    fn config(env: &'static [(&str, &str)]) -> Config {
        let value =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let sources = Sources { args: Vec::new(), env: Box::new(value), default_file: None };
        settings::load(&sources).unwrap().config
    }

    #[test]
    fn every_value_counts_also_those_that_are_not_shown() {
        let same = |one, other| {
            let (one, other): (Config, Config) = (config(one), config(other));
            (one == other, changes(&one, &other).restart)
        };
        let differs = |key: &str| (false, vec![key.to_owned()]);
        assert_eq!(same(&[("OTLP_HEADERS", "k=a")], &[("OTLP_HEADERS", "k=b")]), differs("otlp_headers"));
        assert_eq!(same(&[("OTLP_HEADERS", "k=a")], &[("OTLP_HEADERS", " k = a ")]), (true, vec![]));
        assert_eq!(same(&[("CLIENT_KEY", "a")], &[("CLIENT_KEY", "b")]), differs("client_key"));
        assert_eq!(same(&[], &[("COMPLETION_API_KEY", "b")]), differs("completion_api_key"));
        assert_eq!(
            same(&[("MODELS_WITHHELD", "a")], &[("MODELS_WITHHELD", "a,b")]),
            differs("models_withheld")
        );
        assert_eq!(
            same(&[("DRAIN_TIMEOUT", "60")], &[("RUNTIME_KIND", "auto")]),
            (true, vec![]),
            "the defaults"
        );
        assert_eq!(same(&[("DRAIN_TIMEOUT", "61")], &[]), differs("drain_timeout"));
    }

    #[test]
    fn the_log_level_changes_while_it_runs() {
        let changed = changes(&config(&[]), &config(&[("LOG_LEVEL", "debug")]));
        assert_eq!((changed.need_restart(), changed.live), (false, vec!["log_level".to_owned()]));
    }
}
