//! The routes of a service: what calls its methods.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, spanned::Spanned as _};

use crate::{
    attributes::{Procedure, Subscribe},
    method::Method,
    settings::Settings,
};

/// A method of `Routes` that is called.
pub(crate) fn procedure(
    settings: &Settings,
    owner: &TokenStream,
    method: &Method,
    procedure: &Procedure,
) -> TokenStream {
    let krate = &settings.krate;
    let uri = procedure_uri(settings, method, procedure);
    let (options, envelope) = (procedure.options(krate), settings.envelope());
    let route = Ident::new(
        if method.is_async { "procedure_with" } else { "procedure_blocking_with" },
        Span::call_site(),
    );
    let handler = handler(settings, owner, method, &quote!(Invocation));
    quote!(.#route(#uri, |register| register #options #envelope, #handler))
}

/// The same, for events.
pub(crate) fn subscription(
    settings: &Settings,
    owner: &TokenStream,
    method: &Method,
    subscribe: &Subscribe,
) -> TokenStream {
    let (topic, options) = (&subscribe.topic, subscribe.options());
    let route = Ident::new(
        if method.is_async { "subscribe_with" } else { "subscribe_blocking_with" },
        Span::call_site(),
    );
    let handler = handler(settings, owner, method, &quote!(Delivery));
    quote!(.#route(#topic, |subscribe| subscribe #options, #handler))
}

/// The whole URI of a procedure.
pub(crate) fn procedure_uri(settings: &Settings, method: &Method, procedure: &Procedure) -> String {
    match (&procedure.uri, &procedure.name) {
        (Some(uri), _) => uri.value(),
        (None, Some(name)) => settings.uri(&name.value()),
        (None, None) => settings.uri(&method.plain_name()),
    }
}

/// A closure that takes the arguments apart and calls the method. Its own names are no names of the arguments.
fn handler(settings: &Settings, owner: &TokenStream, method: &Method, occasion: &TokenStream) -> TokenStream {
    let krate = &settings.krate;
    let [service, from, arguments, output] =
        ["service", "from", "arguments", "output"].map(|name| Ident::new(name, Span::mixed_site()));
    let extract = method.arguments.iter().map(|argument| argument.extract(&arguments));
    let names = method.names().collect::<Vec<_>>();
    let name = &method.name;
    let wait = method.is_async.then(|| quote!(.await));
    let call = quote_spanned!(name.span()=> #owner::#name(&#service, #(#names),*) #wait);
    let answer = match method.is_fallible() {
        true => quote_spanned!(method.output.span()=> #output.map_err(#krate::WampError::into_reply)),
        false => quote!(::core::result::Result::<_, #krate::ErrorReply>::Ok(#output)),
    };
    let is_call = occasion.to_string() == "Invocation";
    let end = is_call.then(|| quote!(#arguments.end()?;));
    let take = match (names.is_empty(), is_call) {
        (true, true) => quote!(#krate::Extraction::new(&#from).end()?;),
        (true, false) => quote!(::core::mem::drop(#from);),
        (false, _) => quote! {
            let (#(#names,)*) = {
                let mut #arguments = #krate::Extraction::new(&#from);
                #(#extract)*
                #end
                (#(#names,)*)
            };
        },
    };
    let body = quote! {
        #take
        let #output = #call;
        #answer
    };
    let body = match method.is_async {
        true => quote! {
            let #service = ::std::sync::Arc::clone(&#service);
            async move { #body }
        },
        false => body,
    };
    quote! {{
        let #service = ::std::sync::Arc::clone(&#service);
        move |#from: #krate::#occasion| { #body }
    }}
}
