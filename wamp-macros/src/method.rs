//! The method of a service or a proxy, as it is written.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{
    Attribute, FnArg, Ident, Pat, Path, ReceiverKind, ReturnType, Signature, Type, ext::IdentExt as _,
    spanned::Spanned as _,
};

pub(crate) struct Method {
    pub(crate) name: Ident,
    pub(crate) is_async: bool,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: ReturnType,
}

pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) is_kwarg: bool,
}

impl Method {
    /// Reads the signature, and takes our attributes out of it.
    pub(crate) fn new(signature: &mut Signature) -> syn::Result<Self> {
        if !signature.generics.params.is_empty() {
            let text = "a procedure has no generics: what it takes must be known when it is registered";
            return Err(syn::Error::new(signature.generics.span(), text));
        }
        let mut inputs = signature.inputs.iter_mut();
        match inputs.next() {
            Some(FnArg::Receiver(receiver))
                if matches!(receiver.kind, ReceiverKind::Reference(_, _, None)) => {}
            Some(FnArg::Receiver(receiver)) => {
                let text = "it must take `&self`: calls are handled side by side";
                return Err(syn::Error::new(receiver.span(), text));
            }
            _ => return Err(syn::Error::new(signature.ident.span(), "it must take `&self`")),
        }
        Ok(Self {
            name: signature.ident.clone(),
            is_async: signature.asyncness.is_some(),
            arguments: inputs.map(Argument::new).collect::<syn::Result<_>>()?,
            output: signature.output.clone(),
        })
    }

    /// Whether it gives a `Result`, and not a plain value.
    pub(crate) fn is_fallible(&self) -> bool {
        match &self.output {
            ReturnType::Type(_, ty) => last_segment(ty).is_some_and(|name| name == "Result"),
            ReturnType::Default => false,
        }
    }

    /// Its name without `r#`.
    pub(crate) fn plain_name(&self) -> String {
        self.name.unraw().to_string()
    }

    /// The names of its arguments.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Ident> {
        self.arguments.iter().map(|argument| &argument.name)
    }
}

impl Argument {
    fn new(input: &mut FnArg) -> syn::Result<Self> {
        let FnArg::Typed(input) = input else {
            return Err(syn::Error::new(input.span(), "only the first argument is `self`"));
        };
        let Pat::Ident(pattern) = &*input.pat else {
            let text = "an argument needs a plain name, by which mistakes are told to the caller";
            return Err(syn::Error::new(input.pat.span(), text));
        };
        if let Type::Reference(_) = *input.ty {
            let text = "arguments are owned, such as `String` instead of `&str`: they come from a message";
            return Err(syn::Error::new(input.ty.span(), text));
        }
        let name = pattern.ident.clone();
        let is_kwarg = take(&mut input.attrs, "kwarg").is_some();
        Ok(Self { name, ty: (*input.ty).clone(), is_kwarg })
    }

    /// Whether progressive results go there.
    pub(crate) fn is_progress(&self) -> bool {
        last_segment(&self.ty).is_some_and(|name| name == "Progress")
    }

    /// Takes it from `from`.
    pub(crate) fn extract(&self, from: &Ident) -> TokenStream {
        let Self { name, ty, is_kwarg } = self;
        let text = name.unraw().to_string();
        let taken = match is_kwarg {
            true => quote_spanned!(ty.span()=> #from.kwarg(#text)?),
            false => quote_spanned!(ty.span()=> #from.take(#text)?),
        };
        quote!(let #name: #ty = #taken;)
    }
}

/// Takes one of our attributes out of a list.
pub(crate) fn take(attributes: &mut Vec<Attribute>, name: &str) -> Option<Attribute> {
    let place = attributes.iter().position(|attribute| is_ours(attribute.path(), name))?;
    Some(attributes.remove(place))
}

/// `#[procedure]`, and `#[wamp_tokio::procedure]` for those who like it so.
fn is_ours(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == name)
}

fn last_segment(ty: &Type) -> Option<&Ident> {
    let Type::Path(path) = ty else { return None };
    path.path.segments.last().map(|segment| &segment.ident)
}

/// The type that a method gives.
pub(crate) fn output_type(output: &ReturnType) -> TokenStream {
    match output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => ty.to_token_stream(),
    }
}
