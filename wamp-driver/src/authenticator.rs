//! Who decides about clients that the router's configuration does not know.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{Either, select},
};
use wamp_proto::{
    Uri,
    router::{Question, Verdict},
};

use crate::{
    auth::BoxError,
    procedure::ProcedureAuthenticator,
    router::RouterHandle,
    runtime::{BoxFuture, Runtime},
};

/// Decides who may join. A function of a [`Question`] is one.
///
/// An error, a panic, and an answer that takes longer than
/// [`authenticator_timeout`](crate::net::RouterBuilder::authenticator_timeout) all let nobody in: the client is told
/// `wamp.error.authentication_failed` and nothing else, the log why (fault 85).
pub trait Authenticator: Send + Sync + 'static {
    /// Decides about a client.
    fn authenticate(&self, question: Question) -> BoxFuture<Result<Verdict, BoxError>>;
}

impl<F, A> Authenticator for F
where
    F: Fn(Question) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Verdict, BoxError>> + Send + 'static,
{
    fn authenticate(&self, question: Question) -> BoxFuture<Result<Verdict, BoxError>> {
        Box::pin(self(question))
    }
}

/// Who decides, realm by realm.
#[derive(Clone, Default)]
pub(crate) struct Authenticators {
    pub(crate) of_realms: Vec<(Uri, Decider)>,
    pub(crate) timeout: Duration,
}

#[derive(Clone)]
pub(crate) enum Decider {
    Code(Arc<dyn Authenticator>),
    Procedure(Arc<ProcedureAuthenticator>),
}

impl Authenticators {
    /// The answer to a question, whatever happens.
    pub(crate) async fn decide(
        &self,
        runtime: &dyn Runtime,
        router: RouterHandle,
        question: Question,
    ) -> Verdict {
        let (realm, like) = (question.realm.clone(), &question.like);
        let Some((_, decider)) = self.of_realms.iter().find(|(of, _)| of == like) else {
            tracing::error!(%realm, "there is nobody to ask who may join");
            return Verdict::Fail;
        };
        let begin = AssertUnwindSafe(|| match decider {
            Decider::Code(code) => code.authenticate(question),
            Decider::Procedure(procedure) => procedure.clone().authenticate(router, question),
        });
        let Ok(answer) = catch_unwind(begin) else {
            tracing::error!(%realm, "the authenticator panicked");
            return Verdict::Fail;
        };
        let answer = AssertUnwindSafe(answer).catch_unwind();
        let why = match select(answer, runtime.sleep(self.timeout)).await {
            Either::Left((Ok(Ok(verdict)), _)) => return verdict,
            Either::Left((Ok(Err(error)), _)) => error.to_string(),
            Either::Left((Err(_), _)) => "it panicked".to_owned(),
            Either::Right(_) => "it took too long".to_owned(),
        };
        tracing::error!(%realm, why, "the authenticator failed");
        Verdict::Fail
    }
}

impl fmt::Debug for Authenticators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticators").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
