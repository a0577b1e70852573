//! SIGINT and SIGTERM, and SIGHUP for those who have something to read again.

use std::io;

use crate::exit::{Code, Failure};

/// Both signals, caught from the moment this is made.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Catches the signals from now on.
    #[cfg(unix)]
    pub(crate) fn catch() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let caught = || -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        };
        caught().map_err(cannot_catch)
    }

    /// Catches the signals from now on.
    #[cfg(not(unix))]
    pub(crate) fn catch() -> Result<Self, Failure> {
        Ok(Self {})
    }

    /// Waits for the next signal: how a command ends that it ends.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> Failure {
        tokio::select! {
            _ = self.interrupt.recv() => Failure::new(Code::Interrupted, ""),
            _ = self.terminate.recv() => Failure::new(Code::Terminated, ""),
        }
    }

    /// Waits for the next signal: how a command ends that it ends.
    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) -> Failure {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Failure::new(Code::Interrupted, ""),
            Err(error) => cannot_catch(error),
        }
    }
}

/// SIGHUP, caught from the moment this is made.
pub(crate) struct Hangup {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangup {
    /// Catches the signal from now on, which would end the process otherwise.
    pub(crate) fn catch() -> Result<Self, Failure> {
        #[cfg(unix)]
        let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
        Ok(Self {
            #[cfg(unix)]
            signal: signal.map_err(cannot_catch)?,
        })
    }

    /// Waits for the next one: forever where there is no such signal.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if self.signal.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}

fn cannot_catch(error: io::Error) -> Failure {
    Failure::new(Code::Internal, format!("cannot catch signals: {error}"))
}
