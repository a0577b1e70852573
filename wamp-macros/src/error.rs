//! `#[derive(WampError)]`.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Data, DeriveInput, Fields, Ident, LitStr, Path, Type, ext::IdentExt as _,
    spanned::Spanned as _,
};

use crate::{attributes::uri, settings::Adapter};

pub(crate) fn expand(adapter: Adapter, item: &DeriveInput) -> syn::Result<TokenStream> {
    let krate = &krate(adapter, item)?;
    let variants = variants(item)?;
    let name = &item.ident;
    let (generics, arguments, bounds) = item.generics.split_for_impl();
    let into_reply = variants.iter().map(|variant| variant.answer(krate));
    let from_remote = variants.iter().filter_map(Variant::decode);
    let other = variants.iter().find_map(|variant| match &variant.kind {
        Kind::Other(_) => Some(&variant.path),
        Kind::Uri(_) => None,
    });
    let from_error = other.map(|other| {
        quote! {
            #[automatically_derived]
            impl #generics ::core::convert::From<#krate::Error> for #name #arguments #bounds {
                fn from(error: #krate::Error) -> Self {
                    match error.decode() {
                        ::core::option::Option::Some(known) => known,
                        ::core::option::Option::None => #other(::core::convert::From::from(error)),
                    }
                }
            }
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl #generics #krate::WampError for #name #arguments #bounds {
            fn into_reply(self) -> #krate::ErrorReply {
                match self {
                    #(#into_reply)*
                }
            }

            fn from_remote(error: &#krate::proto::error::RemoteError) -> ::core::option::Option<Self> {
                let payload = &error.payload;
                match error.error.as_str() {
                    #(#from_remote)*
                    _ => ::core::option::Option::None,
                }
            }
        }

        #from_error
    })
}

/// The adapter's crate, or what `#[wamp(crate = "..")]` says.
fn krate(adapter: Adapter, item: &DeriveInput) -> syn::Result<Path> {
    let mut krate = adapter.krate();
    for attribute in item.attrs.iter().filter(|attribute| attribute.path().is_ident("wamp")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("the one setting is `crate`"));
            }
            krate = meta.value()?.parse::<LitStr>()?.parse()?;
            Ok(())
        })?;
    }
    Ok(krate)
}

/// A variant of an enum, or a struct.
struct Variant<'a> {
    path: TokenStream,
    kind: Kind<'a>,
    fields: &'a Fields,
}

enum Kind<'a> {
    /// An error of the application.
    Uri(LitStr),
    /// Everything else, and its type.
    Other(&'a Type),
}

fn variants(item: &DeriveInput) -> syn::Result<Vec<Variant<'_>>> {
    let variants = match &item.data {
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|variant| {
                let name = &variant.ident;
                Variant::new(quote!(Self::#name), name, &variant.attrs, &variant.fields)
            })
            .collect::<syn::Result<Vec<_>>>()?,
        Data::Struct(data) => vec![Variant::new(quote!(Self), &item.ident, &item.attrs, &data.fields)?],
        Data::Union(data) => return Err(syn::Error::new(data.union_token.span(), "a union is no error")),
    };
    let mut seen = HashMap::new();
    for variant in &variants {
        let (key, span) = match &variant.kind {
            Kind::Uri(uri) => (uri.value(), uri.span()),
            Kind::Other(ty) => (String::new(), ty.span()),
        };
        if seen.insert(key, ()).is_some() {
            return Err(syn::Error::new(
                span,
                "another variant has this already, and callers could not tell them apart",
            ));
        }
    }
    Ok(variants)
}

impl<'a> Variant<'a> {
    fn new(
        path: TokenStream,
        name: &Ident,
        attributes: &[Attribute],
        fields: &'a Fields,
    ) -> syn::Result<Self> {
        let find = |name: &str| attributes.iter().find(|attribute| attribute.path().is_ident(name));
        let kind = match (find("error_uri"), find("error_other"), fields) {
            (Some(given), None, _) => Kind::Uri(uri(given.parse_args()?, false)?),
            (None, Some(_), Fields::Unnamed(fields)) if fields.unnamed.len() == 1 => {
                Kind::Other(&fields.unnamed[0].ty)
            }
            (None, Some(given), _) => {
                let text =
                    "the variant for all other errors has one field, the adapter's `Error`: `Other(Error)`";
                return Err(syn::Error::new(given.span(), text));
            }
            _ => {
                let text = "an error has a URI, `#[error_uri(\"com.example.error.name\")]`; one variant may be `#[error_other]`";
                return Err(syn::Error::new(name.span(), text));
            }
        };
        Ok(Self { path, kind, fields })
    }

    fn answer(&self, krate: &Path) -> TokenStream {
        let Self { path, kind, fields } = self;
        let uri = match kind {
            Kind::Other(_) => return quote!(#path(error) => #krate::WampError::into_reply(error),),
            Kind::Uri(uri) => uri,
        };
        let names = names(fields);
        match fields {
            Fields::Named(_) => {
                let keys = names.iter().map(|name| name.unraw().to_string());
                quote!(#path { #(#names),* } => #krate::ErrorReply::new(#uri) #(.kwarg(#keys, #names))*,)
            }
            Fields::Unnamed(_) => {
                quote!(#path(#(#names),*) => #krate::ErrorReply::new(#uri) #(.arg(#names))*,)
            }
            Fields::Unit => quote!(#path => #krate::ErrorReply::new(#uri),),
        }
    }

    fn decode(&self) -> Option<TokenStream> {
        let Self { path, kind, fields } = self;
        let Kind::Uri(uri) = kind else { return None };
        let names = names(fields);
        let found = match fields {
            Fields::Named(_) => {
                let keys = names.iter().map(|name| name.unraw().to_string());
                quote!(::core::option::Option::Some(#path { #(#names: payload.kwarg(#keys).ok()?),* }))
            }
            Fields::Unnamed(fields) if fields.unnamed.is_empty() => {
                quote!(::core::option::Option::Some(#path()))
            }
            Fields::Unnamed(_) => quote! {{
                let (#(#names,)*) = payload.args().ok()?;
                ::core::option::Option::Some(#path(#(#names),*))
            }},
            Fields::Unit => quote!(::core::option::Option::Some(#path)),
        };
        Some(quote!(#uri => #found,))
    }
}

/// The names of the fields, or some for those that have none.
fn names(fields: &Fields) -> Vec<Ident> {
    let name = |(number, field): (usize, &syn::Field)| {
        field.ident.clone().unwrap_or_else(|| format_ident!("field_{number}"))
    };
    fields.iter().enumerate().map(name).collect()
}
