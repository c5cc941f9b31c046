//! Relays requests from the tunnel to the runtime, and its responses back. Bodies are unchanged; hop-by-hop headers are dropped. It never follows a
//! redirect, never decompresses, and keeps connections to the runtime open.
//!
//! The worker's owner need not trust the server: only known operations are relayed, and only for offered models, whose names are read as the runtime
//! reads them.

mod answer;
pub mod client;
mod exchange;
mod headers;
mod model_not_found;
mod named_model;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use http_body::Body;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use crate::ledger::{Asked, JobSpan, Ledger, Outcome};
use crate::runtime::{Kind, MAX_NAME, Offered, Target};
use client::Client;
use exchange::{Exchange, RuntimeClient};
use llamapool_telemetry::trace::Tracer;
use llamapool_tunnel::frame::Code;
use llamapool_tunnel::{Incoming, head};
use refusal::Refusal;

/// The runtime to relay to, as last probed.
#[derive(Clone)]
pub(crate) struct Destination {
    pub(crate) target: Target,
    pub(crate) is_tls: bool,
    pub(crate) kind: Kind,
    /// The models that may be requested.
    pub(crate) offered: Offered,
}

/// The server gives a slot to the next request as soon as it has cancelled the previous one, whose task here may need a moment to notice. A request
/// without a slot waits this long before it is refused.
const JOB_GRACE: Duration = Duration::from_secs(1);

/// Accepts requests, and handles each in a task of its own.
pub(crate) struct Relay {
    setup: Setup,
    destination: watch::Receiver<Option<Destination>>,
    current: Option<(Target, Arc<RuntimeClient>)>,
    ledger: Ledger,
    tasks: TaskTracker,
    /// Notified when the runtime differs from the last probe and should be probed immediately.
    alarm: Arc<Notify>,
}

/// What stays the same while the worker runs.
#[derive(Clone)]
pub(crate) struct Setup {
    /// Maximum number of concurrent requests.
    pub(crate) most: u32,
    /// The `Authorization` header for the runtime.
    pub(crate) key: Option<HeaderValue>,
    pub(crate) connect_timeout: Duration,
    /// Longest silence of the runtime; `None` leaves the limit to the server.
    pub(crate) silence: Option<Duration>,
    pub(crate) ca_file: Option<std::path::PathBuf>,
    pub(crate) tracer: Option<Arc<Tracer>>,
}

impl Relay {
    pub(crate) fn new(
        setup: Setup,
        destination: watch::Receiver<Option<Destination>>,
        ledger: Ledger,
        tasks: TaskTracker,
        alarm: Arc<Notify>,
    ) -> Self {
        Self { setup, destination, current: None, ledger, tasks, alarm }
    }

    /// Handles a request, in a task that ends when the client or the tunnel is gone.
    pub(crate) fn take(&mut self, mut incoming: Incoming) {
        let asked = asked(&mut incoming);
        let span = self.span(&incoming.head.headers, &asked);
        let exchange = match self.exchange(asked.model.as_deref()) {
            Ok(exchange) => exchange,
            Err(refused) => {
                match refused {
                    Refused::Here(refusal) => refusal.answer(incoming.responder),
                    Refused::NoRuntime(why) => incoming.responder.fail(Code::Unreachable, &why),
                }
                let mut job = self.ledger.enter(asked);
                job.span = span;
                return job.end(Outcome::Failed);
            }
        };
        let (ledger, most) = (self.ledger.clone(), self.setup.most);
        // Boxed, because a spawned future is moved several times, and this one has kilobytes.
        self.tasks.spawn(Box::pin(async move {
            let job = tokio::select! {
                biased;
                job = tokio::time::timeout(JOB_GRACE, ledger.enter_when_free(most, asked)) => job,
                _ = incoming.responder.stopped() => return,
            };
            match job {
                Ok(mut job) => {
                    job.span = span;
                    let outcome = exchange.run(incoming, &mut job).await;
                    job.end(outcome);
                }
                Err(_) => {
                    incoming.responder.fail(Code::Refused, "the worker is busy");
                    span.into_iter().for_each(|span| span.refused("busy", "The worker is busy."));
                }
            }
        }));
    }

    /// Starts the request's span, if traces are exported.
    fn span(&self, headers: &HeaderMap, asked: &Asked) -> Option<JobSpan> {
        let tracer = self.setup.tracer.as_ref()?;
        let kind = self.destination.borrow().as_ref().map_or(Kind::Auto, |destination| destination.kind);
        Some(JobSpan::begin(tracer, headers, asked, kind))
    }

    /// What is needed to serve a request for this model. There is one client per address of the runtime, so that connections are reused.
    fn exchange(&mut self, model: Option<&str>) -> Result<Exchange, Refused> {
        let destination = self.destination.borrow_and_update();
        let no_runtime = || Refused::NoRuntime("no runtime was found".to_owned());
        let Destination { target, is_tls, offered, .. } = destination.as_ref().ok_or_else(no_runtime)?;
        if let Some(model) = model.filter(|model| offered.refuses(model)) {
            return Err(Refused::Here(Refusal::NotOffered(model.to_owned())));
        }
        let client = match &self.current {
            Some((current, client)) if current == target => client.clone(),
            _ => {
                let Setup { connect_timeout, ca_file, .. } = &self.setup;
                let client = Client::new(*is_tls, *connect_timeout, ca_file.as_deref());
                let client = Arc::new(client.map_err(|error| Refused::NoRuntime(format!("{error:#}")))?);
                self.current = Some((target.clone(), client.clone()));
                client
            }
        };
        Ok(Exchange {
            client,
            target: target.clone(),
            offered: offered.clone(),
            setup: self.setup.clone(),
            alarm: self.alarm.clone(),
        })
    }
}

/// Why a request is not sent to the runtime.
enum Refused {
    /// The worker refuses the request.
    Here(Refusal),
    /// No runtime is available.
    NoRuntime(String),
}

/// The request's metadata for the ledger. The model's name is removed from the head: it was only for this worker.
fn asked(incoming: &mut Incoming) -> Asked {
    let Incoming { head, body, .. } = incoming;
    let model =
        head.headers.remove(head::MODEL).map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned());
    let path = head.target.split('?').next().unwrap_or_default().to_owned();
    Asked {
        path,
        model: model.filter(|name| name.len() <= MAX_NAME),
        bytes: body.size_hint().exact().unwrap_or(0),
    }
}
