//! The flags of `wamp trace`.

use clap::Args;

/// `wamp trace`.
#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// Where clients connect to instead of the router, such as ws://:9000 or tcp://127.0.0.1:9000; one port takes both.
    #[arg(long, value_name = "URL")]
    pub(crate) listen: String,
    /// The router: ws:// or wss://, tcp:// or tcps://, unix://, ws+unix://. --url is the same. Clients speak plaintext to
    /// the proxy, which speaks TLS as --cacert, --cert, --key and --server-name have it.
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: Option<String>,
    /// Print tickets, signatures and messages that may hold one.
    #[arg(long)]
    pub(crate) show_secrets: bool,
    /// End after this many messages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
}
