//! The settings of `#[service(..)]` and `#[proxy(..)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{LitStr, Path, parse::Parser as _, parse_quote};

use crate::attributes::uri;

/// Whose macro it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adapter {
    Tokio,
    AsyncStd,
    Blocking,
}

impl Adapter {
    /// The adapter's crate, where everything is found that is written.
    pub(crate) fn krate(self) -> Path {
        match self {
            Self::Tokio => parse_quote!(::wamp_tokio),
            Self::AsyncStd => parse_quote!(::wamp_async_std),
            Self::Blocking => parse_quote!(::wamp_blocking),
        }
    }
}

pub(crate) struct Settings {
    pub(crate) adapter: Adapter,
    pub(crate) krate: Path,
    pub(crate) prefix: Option<LitStr>,
    /// Whether results are in wampy's envelope.
    pub(crate) wampy: bool,
}

impl Settings {
    pub(crate) fn parse(adapter: Adapter, tokens: TokenStream) -> syn::Result<Self> {
        let mut settings = Self { adapter, krate: adapter.krate(), prefix: None, wampy: false };
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("prefix") {
                let prefix: LitStr = meta.value()?.parse()?;
                settings.prefix = Some(uri(prefix, false)?);
            } else if meta.path.is_ident("envelope") {
                let envelope: LitStr = meta.value()?.parse()?;
                if envelope.value() != "wampy" {
                    return Err(syn::Error::new(envelope.span(), "the only envelope there is is \"wampy\""));
                }
                settings.wampy = true;
            } else if meta.path.is_ident("crate") {
                settings.krate = meta.value()?.parse::<LitStr>()?.parse()?;
            } else {
                return Err(meta.error("the settings are `prefix`, `envelope` and `crate`"));
            }
            Ok(())
        });
        parser.parse2(tokens)?;
        Ok(settings)
    }

    pub(crate) fn is_blocking(&self) -> bool {
        self.adapter == Adapter::Blocking
    }

    /// The URI of what has this name.
    pub(crate) fn uri(&self, name: &str) -> String {
        match &self.prefix {
            Some(prefix) => format!("{}.{name}", prefix.value()),
            None => name.to_owned(),
        }
    }

    /// The option of a registration for the envelope.
    pub(crate) fn envelope(&self) -> TokenStream {
        let krate = &self.krate;
        if self.wampy { quote!(.envelope(#krate::Envelope::Wampy)) } else { TokenStream::new() }
    }
}
