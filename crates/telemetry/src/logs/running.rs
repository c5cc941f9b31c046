//! The logs of a running process, for its other parts: the log level, and whether the log files can be written.

use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::Level;

/// How often a problem with the log files is logged again. In a process that logs little, this line also shows when writing works again.
const REMINDER: Duration = Duration::from_secs(60);

/// The logs of this process. Clones are the same logs.
#[derive(Clone)]
pub struct RunningLogs {
    level: Level,
    problem: watch::Receiver<Option<LogProblem>>,
}

/// The log files cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProblem {
    /// What is wrong, in a sentence.
    pub what: String,
    /// Since when.
    pub since: SystemTime,
}

/// The receiver of the file writer's reports.
pub(super) type Problems = watch::Sender<Option<LogProblem>>;

impl LogProblem {
    pub(super) fn new(what: String) -> Self {
        Self { what, since: SystemTime::now() }
    }
}

impl RunningLogs {
    pub(super) fn new(level: Level, problem: watch::Receiver<Option<LogProblem>>) -> Self {
        Self { level, problem }
    }

    /// The log level, which can be changed.
    pub fn level(&self) -> &Level {
        &self.level
    }

    /// Why the log files cannot be written, if they cannot.
    pub fn problem(&self) -> Option<LogProblem> {
        self.problem.borrow().clone()
    }

    /// Calls `notify` with the problem, now and at every change, for as long as it is polled.
    pub async fn watch(mut self, mut notify: impl FnMut(Option<LogProblem>)) {
        loop {
            let problem = self.problem.borrow_and_update().clone();
            notify(problem.clone());
            while let Some(problem) = &problem {
                match tokio::time::timeout(REMINDER, self.problem.changed()).await {
                    Ok(changed) if changed.is_ok() => break,
                    Ok(_) => return std::future::pending().await, // logging has ended
                    Err(_) => tracing::warn!("{}", problem.what),
                }
            }
            if problem.is_none() && self.problem.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Logs for tests, at this level and with a problem that can be set. The level can be changed as long as the last value lives.
    pub fn for_testing(
        level: &str,
    ) -> (Self, watch::Sender<Option<LogProblem>>, Box<dyn std::any::Any + Send>) {
        let (level, layer) = Level::for_testing(level);
        let (problems, problem) = watch::channel(None);
        (Self::new(level, problem), problems, layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_problem_is_reported_when_it_comes_and_when_it_goes() {
        let (logs, problems, _layer) = RunningLogs::for_testing("info");
        let (reports, mut reported) = tokio::sync::mpsc::channel(10);
        let watching = logs.clone().watch(move |problem| {
            reports.try_send(problem.map(|problem| problem.what)).unwrap();
        });
        let _watching = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(watching));
        assert_eq!(reported.recv().await, Some(None));
        problems.send_replace(Some(LogProblem::new("full".to_owned())));
        assert_eq!(reported.recv().await, Some(Some("full".to_owned())));
        tokio::time::advance(REMINDER * 3).await;
        assert_eq!(logs.problem().unwrap().what, "full");
        problems.send_replace(None);
        assert_eq!(reported.recv().await, Some(None));
        drop(problems);
        tokio::time::advance(REMINDER * 3).await;
        assert!(reported.try_recv().is_err(), "each change is reported once");
    }
}
