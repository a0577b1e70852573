//! `#[proxy]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{ItemTrait, ReturnType, TraitItem, TraitItemFn, parse_quote, spanned::Spanned as _};

use crate::{
    attributes::Procedure,
    method::{Method, output_type, take},
    routes,
    settings::Settings,
};

/// What is made of a method of the trait.
struct Expanded {
    /// The call, in the client.
    call: TokenStream,
    /// The route, of a service.
    route: TokenStream,
}

pub(crate) fn expand(settings: &Settings, mut item: ItemTrait) -> syn::Result<TokenStream> {
    if !item.generics.params.is_empty() {
        return Err(syn::Error::new(item.generics.span(), "the trait of a proxy has no generics"));
    }
    let mut procedures = Vec::new();
    for item in &mut item.items {
        match item {
            TraitItem::Fn(method) => procedures.push(procedure(settings, method)?),
            other => {
                return Err(syn::Error::new(other.span(), "the trait of a proxy has nothing but methods"));
            }
        }
    }
    let client = client(settings, &item);
    let (name, calls) =
        (format_ident!("{}Client", item.ident), procedures.iter().map(|procedure| &procedure.call));
    let (interface, krate, visibility) = (&item.ident, &settings.krate, &item.vis);
    let routes = procedures.iter().map(|procedure| &procedure.route);
    let service = Ident::new("service", Span::mixed_site());
    let routes_doc = format!("What a service offers that is a [`{interface}`].");
    Ok(quote! {
        #item

        #client

        impl #name {
            #[doc = #routes_doc]
            #visibility fn routes<Provider>(#service: ::std::sync::Arc<Provider>) -> #krate::Routes
            where
                Provider: #interface + ::core::marker::Send + ::core::marker::Sync + 'static,
            {
                #krate::Routes::new() #(#routes)*
            }
        }

        #[automatically_derived]
        impl #interface for #name {
            #(#calls)*
        }
    })
}

/// The type of the client, and what it can do besides.
fn client(settings: &Settings, item: &ItemTrait) -> TokenStream {
    let (krate, visibility) = (&settings.krate, &item.vis);
    let name = format_ident!("{}Client", item.ident);
    let doc = format!("A [`{}`] somewhere else: its methods are calls.", item.ident);
    quote! {
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #visibility struct #name {
            client: #krate::Client,
            timeout: ::core::option::Option<::core::time::Duration>,
        }

        impl #name {
            /// One that calls by this client.
            #visibility fn new(client: #krate::Client) -> Self {
                Self { client, timeout: ::core::option::Option::None }
            }

            /// One whose calls may take so long, instead of the client's default.
            #[must_use]
            #visibility fn with_timeout(mut self, timeout: ::core::time::Duration) -> Self {
                self.timeout = ::core::option::Option::Some(timeout);
                self
            }

            fn prepare(&self, procedure: &str) -> #krate::Call {
                let call = self.client.call(procedure);
                match self.timeout {
                    ::core::option::Option::Some(timeout) => call.timeout(timeout),
                    ::core::option::Option::None => call,
                }
            }
        }
    }
}

fn procedure(settings: &Settings, method: &mut TraitItemFn) -> syn::Result<Expanded> {
    let attribute = take(&mut method.attrs, "procedure");
    let procedure = attribute.as_ref().map(Procedure::parse).transpose()?.unwrap_or_default();
    let written = Method::new(&mut method.sig)?;
    check(settings, method, &written)?;
    let call = call(settings, &method.sig, &written, &routes::procedure_uri(settings, &written, &procedure));
    let route = routes::procedure(settings, &quote!(Provider), &written, &procedure);
    if written.is_async {
        // So that the future may move to another thread, whoever implements the trait.
        let output = output_type(&written.output);
        method.sig.asyncness = None;
        method.sig.output =
            parse_quote!(-> impl ::core::future::Future<Output = #output> + ::core::marker::Send);
    }
    Ok(Expanded { call, route })
}

fn check(settings: &Settings, method: &TraitItemFn, written: &Method) -> syn::Result<()> {
    if let Some(body) = &method.default {
        return Err(syn::Error::new(body.span(), "a method of a proxy has no body: it is a call"));
    }
    match (settings.is_blocking(), method.sig.asyncness) {
        (true, Some(asyncness)) => {
            return Err(syn::Error::new(asyncness.span(), "a proxy of wamp-blocking has no async methods"));
        }
        (false, None) => {
            let text = "a method of a proxy is async: it waits for an answer";
            return Err(syn::Error::new(method.sig.fn_token.span(), text));
        }
        _ => {}
    }
    if !written.is_fallible() {
        let span = match &written.output {
            ReturnType::Default => written.name.span(),
            ReturnType::Type(_, ty) => ty.span(),
        };
        let text = "a call can fail: a method of a proxy gives a `Result`, whose error comes from the adapter's `Error`";
        return Err(syn::Error::new(span, text));
    }
    Ok(())
}

/// The method of the client.
fn call(settings: &Settings, signature: &syn::Signature, method: &Method, uri: &str) -> TokenStream {
    let krate = &settings.krate;
    let progress =
        method.arguments.iter().find(|argument| argument.is_progress()).map(|argument| &argument.name);
    let plain = |argument: &&crate::method::Argument| !argument.is_kwarg && !argument.is_progress();
    let positional = method.arguments.iter().filter(plain).map(|argument| &argument.name).collect::<Vec<_>>();
    let args = (!positional.is_empty()).then(|| quote!(.args((#(#positional,)*))));
    let kwargs = method.arguments.iter().filter(|argument| argument.is_kwarg).map(|argument| {
        let (name, text) = (&argument.name, syn::ext::IdentExt::unraw(&argument.name).to_string());
        quote!(.kwarg(#text, #name))
    });
    let result = match (progress, settings.wampy) {
        (Some(progress), _) => quote!(.reporting(#progress)),
        (None, true) => TokenStream::new(),
        (None, false) => quote!(.value()),
    };
    let wait = if settings.is_blocking() { quote!(#krate::Wait::wait(call)) } else { quote!(call.await) };
    let open = (settings.wampy && progress.is_none()).then(|| {
        quote! {
            let result = result.and_then(|result| ::core::result::Result::<_, #krate::Error>::Ok(result.enveloped()?.message));
        }
    });
    let convert = quote_spanned!(method.output.span()=> result.map_err(::core::convert::From::from));
    quote! {
        #[allow(clippy::useless_conversion, reason = "the error may be the adapter's own")]
        #signature {
            let call = self.prepare(#uri) #args #(#kwargs)* #result;
            let result = #wait;
            #open
            #convert
        }
    }
}
