//! Comparing two configurations, setting by setting.

use llamapool_settings::{Changes, Compare, Declare as _, DrainTimeout, changes};

use super::{Config, Cors, Keys, Limits, Listen, Queue, Routing, Timeouts, endpoints, logs, metrics, trace};

impl Compare for Config {
    fn compare(old: &Self, new: &Self, changes: &mut Changes) {
        // Without `..`, so that a new concern cannot be forgotten here.
        let Self {
            listen,
            keys,
            cors,
            limits,
            queue,
            timeouts,
            routing,
            endpoints,
            drain_timeout,
            metrics,
            log,
            trace,
        } = old;
        Listen::compare(listen, &new.listen, changes);
        Keys::compare(keys, &new.keys, changes);
        Cors::compare(cors, &new.cors, changes);
        Limits::compare(limits, &new.limits, changes);
        Queue::compare(queue, &new.queue, changes);
        Timeouts::compare(timeouts, &new.timeouts, changes);
        Routing::compare(routing, &new.routing, changes);
        endpoints::setting().compare(endpoints, &new.endpoints, changes);
        DrainTimeout::setting("").compare(drain_timeout, &new.drain_timeout, changes);
        metrics::MetricsConfig::compare(metrics, &new.metrics, changes);
        logs::LogConfig::compare(log, &new.log, changes);
        trace::TraceConfig::compare(trace, &new.trace, changes);
    }
}

impl Compare for Listen {
    fn compare(old: &Self, new: &Self, changes: &mut Changes) {
        let Self { addr, port, allow_anonymous } = old;
        changes.note("listen_addr", false, *addr == new.addr);
        changes.note("port", false, *port == new.port);
        changes.note("allow_anonymous", false, *allow_anonymous == new.allow_anonymous);
    }
}

impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        changes(self, other).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use llamapool_settings::{self as settings, Sources};

    use super::*;

    fn config(env: &'static [(&str, &str)]) -> Config {
        let value =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let sources = Sources { args: Vec::new(), env: Box::new(value), default_file: None };
        settings::load(&sources).unwrap().config
    }

    #[test]
    fn values_are_compared_and_not_how_they_are_written() {
        let keys = |api| config(api);
        let both = keys(&[("API_KEY", "a, b"), ("CLIENT_KEY", "c")]);
        assert_eq!(
            both,
            keys(&[("API_KEY", "a,b"), ("CLIENT_KEY", "c"), ("QUEUE_TIMEOUT", "1m"), ("PORT", "8080")])
        );
        let changed = changes(
            &both,
            &keys(&[("API_KEY", "a,x"), ("CLIENT_KEY", "c"), ("LOG_LEVEL", "debug"), ("PORT", "1")]),
        );
        assert_eq!(
            (changed.restart, changed.live),
            (vec!["port".to_owned(), "api_key".to_owned()], vec!["log_level".to_owned()])
        );
    }
}
