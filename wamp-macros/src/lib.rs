#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod attributes;
mod error;
mod fixtures;
mod method;
mod proxy;
mod routes;
mod service;
mod settings;

use proc_macro::TokenStream;
use settings::{Adapter, Settings};

/// The three macros of an adapter, which re-exports them under the names that people write.
macro_rules! adapter {
    ($adapter:ident: $service:ident $proxy:ident $derive:ident($error:ident)) => {
        /// Makes an impl block a service; see the front page.
        #[proc_macro_attribute]
        pub fn $service(settings: TokenStream, item: TokenStream) -> TokenStream {
            attribute(Adapter::$adapter, settings, item, service::expand)
        }

        /// Makes a trait the interface of a service, with a client; see the front page.
        #[proc_macro_attribute]
        pub fn $proxy(settings: TokenStream, item: TokenStream) -> TokenStream {
            attribute(Adapter::$adapter, settings, item, proxy::expand)
        }

        /// Gives the variants of an error their URIs; see the front page.
        #[proc_macro_derive($error, attributes(error_uri, error_other, wamp))]
        pub fn $derive(item: TokenStream) -> TokenStream {
            finish(syn::parse(item).and_then(|item| error::expand(Adapter::$adapter, &item)))
        }
    };
}

adapter!(Tokio: service_tokio proxy_tokio derive_wamp_error_tokio(WampErrorTokio));
adapter!(AsyncStd: service_async_std proxy_async_std derive_wamp_error_async_std(WampErrorAsyncStd));
adapter!(Blocking: service_blocking proxy_blocking derive_wamp_error_blocking(WampErrorBlocking));

/// Makes a function a test whose arguments are fixtures; re-exported as `wamp_test::test`.
///
/// ```ignore
/// #[wamp_test::test]
/// async fn adds(router: Router, client: Client) { .. }
/// ```
///
/// An async function runs on the adapter of the features, or on the one that is named: `test(tokio)`, `test(smol)`,
/// `test(async_std)`, `test(blocking)`; any other function runs as it is, with clients of threads. `router = ..` is an expression
/// for another router: `test(router = Router::tls())`.
#[proc_macro_attribute]
pub fn test(settings: TokenStream, item: TokenStream) -> TokenStream {
    let settings = syn::parse::Parser::parse(fixtures::Settings::parse, settings);
    finish(settings.and_then(|settings| fixtures::expand(&settings, syn::parse(item)?)))
}

fn attribute<T: syn::parse::Parse>(
    adapter: Adapter,
    settings: TokenStream,
    item: TokenStream,
    expand: fn(&Settings, T) -> syn::Result<proc_macro2::TokenStream>,
) -> TokenStream {
    finish(
        Settings::parse(adapter, settings.into()).and_then(|settings| expand(&settings, syn::parse(item)?)),
    )
}

fn finish(expanded: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expanded.unwrap_or_else(|error| error.to_compile_error()).into()
}
