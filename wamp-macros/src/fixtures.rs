//! `#[wamp_test::test]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Expr, FnArg, ItemFn, Path, Token, parse::ParseStream, parse_quote, spanned::Spanned as _};

/// What `#[wamp_test::test(..)]` says.
pub(crate) struct Settings {
    /// The module of the adapter; `None` where the features decide.
    adapter: Option<Ident>,
    router: Expr,
    krate: Path,
}

const ADAPTERS: [&str; 4] = ["tokio", "smol", "async_std", "blocking"];

impl Settings {
    pub(crate) fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let krate: Path = parse_quote!(::wamp_test);
        let mut settings = Self { adapter: None, router: parse_quote!(#krate::Router::start()), krate };
        while !input.is_empty() {
            let key = input.call(<Ident as syn::ext::IdentExt>::parse_any)?;
            if key == "router" {
                input.parse::<Token![=]>()?;
                settings.router = input.parse()?;
            } else if ADAPTERS.iter().any(|name| key == name) {
                settings.adapter = Some(key);
            } else {
                let text = "the settings are an adapter, which is `tokio`, `smol`, `async_std` or `blocking`, and `router = ..`";
                return Err(syn::Error::new(key.span(), text));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(settings)
    }

    /// The module of the adapter that a function runs on.
    fn adapter(&self, item: &ItemFn) -> syn::Result<Ident> {
        match (&self.adapter, item.sig.asyncness) {
            (Some(adapter), None) if adapter != "blocking" => {
                let text = "a test that is not async runs on a thread: make it `async fn`, or leave the adapter away";
                Err(syn::Error::new(adapter.span(), text))
            }
            (Some(adapter), _) => Ok(adapter.clone()),
            (None, Some(_)) => Ok(Ident::new("chosen", Span::call_site())),
            (None, None) => Ok(Ident::new("blocking", Span::call_site())),
        }
    }
}

pub(crate) fn expand(settings: &Settings, mut item: ItemFn) -> syn::Result<TokenStream> {
    check(&item)?;
    let (krate, router, adapter) = (&settings.krate, &settings.router, settings.adapter(&item)?);
    let (name, output) = (item.sig.ident.clone(), item.sig.output.clone());
    let attributes = std::mem::take(&mut item.attrs);
    let scene = Ident::new("scene", Span::mixed_site());
    let make = item.sig.inputs.iter().map(|argument| {
        let FnArg::Typed(argument) = argument else { return TokenStream::new() };
        let ty = &argument.ty;
        quote!(<#ty as #krate::Fixture<_>>::set_up(&#scene).await)
    });
    let set_up = quote!(let #scene = #krate::Scene::<#krate::#adapter::Network>::new(#router););
    let run = quote!(#krate::#adapter::run);
    let body = if item.sig.asyncness.is_some() {
        quote!(#run(async { #name(#(#make),*).await }))
    } else if item.sig.inputs.is_empty() {
        quote!(#name())
    } else {
        let arguments = (0..item.sig.inputs.len())
            .map(|number| Ident::new(&format!("argument{number}"), Span::mixed_site()));
        let (arguments, again) = (arguments.clone(), arguments);
        // It may wait, which what is awaited must not.
        quote!(let (#(#arguments,)*) = #run(async { (#(#make,)*) }); #name(#(#again),*))
    };
    Ok(quote! {
        #[::core::prelude::v1::test]
        #(#attributes)*
        fn #name() #output {
            #item
            #set_up
            #body
        }
    })
}

fn check(item: &ItemFn) -> syn::Result<()> {
    let signature = &item.sig;
    if !signature.generics.params.is_empty() {
        let text = "a test has no generics: nobody says what they are";
        return Err(syn::Error::new(signature.generics.span(), text));
    }
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        let text = "a test is a function of its own: it has fixtures as arguments, and no `self`";
        return Err(syn::Error::new(receiver.span(), text));
    }
    match item.attrs.iter().find(|attribute| attribute.path().is_ident("test")) {
        Some(attribute) => {
            Err(syn::Error::new(attribute.span(), "`#[wamp_test::test]` is enough: leave this away"))
        }
        None => Ok(()),
    }
}
