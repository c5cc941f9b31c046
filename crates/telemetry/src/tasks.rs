//! Supervised background tasks: a program in which one of them has panicked looks alive, but no longer does part of its work. It ends with an error
//! instead, and its supervisor restarts it.

use std::any::Any;
use std::collections::HashMap;

use tokio::task::{Id, JoinSet};

/// Tasks that run as long as the program. They are aborted on drop.
#[derive(Debug, Default)]
pub struct BackgroundTasks {
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

/// A background task has panicked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the task `{task}` panicked: {message}")]
pub struct TaskFailed {
    /// The task's name.
    pub task: &'static str,
    /// The panic message.
    pub message: String,
}

impl BackgroundTasks {
    /// Runs a task in the background.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits until a task panics. A task that ends otherwise is forgotten.
    pub async fn failed(&mut self) -> TaskFailed {
        match self.ended().await {
            Err(failed) => failed,
            Ok(()) => std::future::pending().await,
        }
    }

    /// Waits until all tasks have ended.
    ///
    /// # Errors
    /// One of them has panicked.
    pub async fn ended(&mut self) -> Result<(), TaskFailed> {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            match ended {
                Ok((id, ())) => drop(self.names.remove(&id)),
                Err(error) => {
                    let task = self.names.remove(&error.id()).unwrap_or_default();
                    if let Ok(panic) = error.try_into_panic() {
                        return Err(TaskFailed { task, message: message(&*panic) });
                    }
                }
            }
        }
        Ok(())
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_of_one_task_is_noticed_while_others_run_on() {
        let mut tasks = BackgroundTasks::default();
        tasks.spawn("endless", std::future::pending());
        tasks.spawn("short", async {});
        tasks.spawn("broken", async { panic!("at {}", 7) });
        let failed = tasks.failed().await;
        assert_eq!(failed, TaskFailed { task: "broken", message: "at 7".to_owned() });
    }

    #[tokio::test]
    async fn tasks_that_end_by_themselves_have_not_failed() {
        let mut tasks = BackgroundTasks::default();
        tasks.spawn("short", async {});
        assert_eq!(tasks.ended().await, Ok(()));
    }
}
