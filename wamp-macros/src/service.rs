//! `#[service]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote};
use syn::{Attribute, ImplItem, ImplItemFn, ItemImpl, Path, spanned::Spanned as _};

use crate::{
    attributes::{Procedure, Subscribe},
    method::{Method, take},
    routes,
    settings::Settings,
};

pub(crate) fn expand(settings: &Settings, mut item: ItemImpl) -> syn::Result<TokenStream> {
    let routes = match &item.trait_ {
        Some((interface, _)) => of_trait(settings, &item, interface)?,
        None => of_methods(settings, &mut item)?,
    };
    let krate = &settings.krate;
    let (service, ty) = (Ident::new("service", Span::mixed_site()), &item.self_ty);
    let (generics, _, bounds) = item.generics.split_for_impl();
    let bounds = bounds.map(|bounds| &bounds.predicates);
    Ok(quote! {
        #item

        #[automatically_derived]
        impl #generics #krate::Service for #ty
        where
            Self: ::core::marker::Send + ::core::marker::Sync + 'static,
            #bounds
        {
            fn routes(self: ::std::sync::Arc<Self>) -> #krate::Routes {
                let #service = self;
                #routes
            }
        }
    })
}

/// The trait says what is offered: it has been made by `#[proxy]`.
fn of_trait(settings: &Settings, item: &ItemImpl, interface: &Path) -> syn::Result<TokenStream> {
    if let Some(prefix) = &settings.prefix {
        return Err(syn::Error::new(
            prefix.span(),
            "the trait says under which URIs it is offered: put the prefix there",
        ));
    }
    for item in &item.items {
        if let ImplItem::Fn(method) = item {
            let ours = |attribute: &&Attribute| {
                ["procedure", "subscribe"].iter().any(|name| attribute.path().is_ident(name))
            };
            if let Some(attribute) = method.attrs.iter().find(ours) {
                let text = "the trait says how its methods are offered: put the attribute there";
                return Err(syn::Error::new(attribute.span(), text));
            }
        }
    }
    let mut client = interface.clone();
    if let Some(last) = client.segments.last_mut() {
        last.ident = format_ident!("{}Client", last.ident);
    }
    let service = Ident::new("service", Span::mixed_site());
    Ok(quote!(#client::routes(#service)))
}

fn of_methods(settings: &Settings, item: &mut ItemImpl) -> syn::Result<TokenStream> {
    let krate = &settings.krate;
    let mut found = Vec::new();
    for item in &mut item.items {
        if let ImplItem::Fn(method) = item {
            found.extend(of_method(settings, method)?);
        }
    }
    if found.is_empty() {
        let text =
            "a service offers something: mark its methods with `#[procedure]` or `#[subscribe(\"topic\")]`";
        return Err(syn::Error::new(item.self_ty.span(), text));
    }
    Ok(quote!(#krate::Routes::new() #(#found)*))
}

fn of_method(settings: &Settings, method: &mut ImplItemFn) -> syn::Result<Option<TokenStream>> {
    let (procedure, subscribe) = (take(&mut method.attrs, "procedure"), take(&mut method.attrs, "subscribe"));
    if procedure.is_none() && subscribe.is_none() {
        return Ok(None);
    }
    let asyncness = method.sig.asyncness;
    if let (true, Some(asyncness)) = (settings.is_blocking(), asyncness) {
        let text = "a service of wamp-blocking has no async methods: each runs on a thread of its own";
        return Err(syn::Error::new(asyncness.span(), text));
    }
    let (signature, owner) =
        (Method::new(&mut method.sig)?, Ident::new("Self", Span::call_site()).to_token_stream());
    match (procedure, subscribe) {
        (Some(attribute), None) => {
            let procedure = Procedure::parse(&attribute)?;
            Ok(Some(routes::procedure(settings, &owner, &signature, &procedure)))
        }
        (None, Some(attribute)) => {
            let subscribe = Subscribe::parse(&attribute)?;
            Ok(Some(routes::subscription(settings, &owner, &signature, &subscribe)))
        }
        _ => Err(syn::Error::new(signature.name.span(), "it is a procedure or handles events, not both")),
    }
}
