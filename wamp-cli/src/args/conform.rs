//! The flags of `wamp conform`.

use clap::{Args, ValueEnum};

/// `wamp conform`.
#[derive(Debug, Args)]
pub(crate) struct Conform {
    /// The router [default: that of --url].
    #[arg(value_name = "URL")]
    pub(crate) router: Option<String>,
    /// Run the cases of the basic profile only, or those of the advanced one too.
    #[arg(long, value_enum, default_value = "advanced")]
    pub(crate) profile: ProfileName,
    /// Run only cases whose name, such as calls::typed_values, contains this.
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// Count a failure of this case as known, and be content with it; may be given several times, or with commas.
    #[arg(long, value_name = "CASE", value_delimiter = ',')]
    pub(crate) known: Vec<String>,
    /// Print the names of the cases instead of running them.
    #[arg(long)]
    pub(crate) list: bool,
}

/// A part of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileName {
    /// What every router can do.
    Basic,
    /// And what it says that it can do.
    Advanced,
}
