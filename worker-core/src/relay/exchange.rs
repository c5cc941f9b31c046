//! One request to the runtime, from its head to its end.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Request};
use llamapool_tunnel::frame::Code;
use llamapool_tunnel::head::RequestHead;
use llamapool_tunnel::{Incoming, RequestBody, Responder};
use tokio::sync::Notify;

use super::answer::{Silent, quiet_for, stream};
use super::client::{Client, Failure};
use super::model_not_found::Watch;
use super::named_model::{Guarded, Scanner};
use super::refusal::Refusal;
use super::{Setup, headers};
use crate::ledger::{Job, Outcome};
use crate::runtime::{Offered, Operation, Target};

/// Sends requests whose bodies arrive through the tunnel.
pub(super) type RuntimeClient = Client<Guarded<RequestBody>>;

/// What one request needs.
pub(super) struct Exchange {
    pub(super) client: Arc<RuntimeClient>,
    pub(super) target: Target,
    pub(super) offered: Offered,
    pub(super) setup: Setup,
    pub(super) alarm: Arc<Notify>,
}

impl Exchange {
    pub(super) async fn run(self, incoming: Incoming, job: &mut Job) -> Outcome {
        let Incoming { head, body, mut responder } = incoming;
        let (operation, mut request) = match self.request(head, body) {
            Ok(found) => found,
            Err(refusal) => {
                refusal.answer(responder);
                return Outcome::Failed;
            }
        };
        job.span.iter().for_each(|span| span.pass_on(request.headers_mut()));
        let refused = request.body().refusal();
        let silence = self.setup.silence;
        let answered = tokio::select! {
            biased; // a client that leaves during an upload is not a failure of the runtime
            stopped = responder.stopped() => return job.unwanted(stopped),
            answered = quiet_for(silence, self.client.request(request)) => answered,
        };
        match (refused.get(), answered) {
            (Some(refusal), _) => refusal.answer(responder),
            (None, Ok(Ok(response))) => {
                let watch = Watch::new(operation, response.status(), self.alarm);
                return stream(response, responder, silence, watch, job).await;
            }
            (None, Ok(Err(failure))) => self.fail(&failure, responder),
            (None, Err(Silent)) => Refusal::Silent.answer(responder),
        }
        Outcome::Failed
    }

    /// The request for the runtime.
    fn request(
        &self,
        head: RequestHead,
        body: RequestBody,
    ) -> Result<(Operation, Request<Guarded<RequestBody>>), Refusal> {
        let operation = Operation::find(&head.method, &head.target).ok_or(Refusal::UnknownUrl)?;
        let uri = self.target.endpoint(&head.target).map_err(|_| Refusal::UnknownUrl)?;
        let is_read = operation.names_model() && self.offered.is_limited();
        let scanner = is_read.then(|| Scanner::new(&head.target, &head.headers, self.offered.clone()));
        let mut request = Request::new(Guarded::new(body, scanner.transpose()?));
        *request.method_mut() = head.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers(head.headers);
        Ok((operation, request))
    }

    /// The headers that pass, and the runtime's own key.
    fn headers(&self, headers: HeaderMap) -> HeaderMap {
        let mut headers = headers::to_runtime(headers);
        headers.extend(self.setup.key.clone().map(|key| (AUTHORIZATION, key)));
        headers
    }

    /// The runtime was lost before its response: the server may try another worker.
    fn fail(&self, failure: &Failure, responder: Responder) {
        self.alarm.notify_one();
        match failure {
            Failure::Unreachable(why) => responder.fail(Code::Unreachable, why),
            Failure::Broken(why) => responder.fail(Code::Backend, why),
        }
    }
}
