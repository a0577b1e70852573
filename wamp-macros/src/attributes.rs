//! The attributes of methods: `#[procedure(..)]` and `#[subscribe(..)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Ident, LitInt, LitStr, Meta, Path, Token,
    ext::IdentExt as _,
    parse::{Parse, ParseStream},
};

/// What `#[procedure(..)]` says.
#[derive(Default)]
pub(crate) struct Procedure {
    pub(crate) uri: Option<LitStr>,
    pub(crate) name: Option<LitStr>,
    pattern: Option<Pattern>,
    invoke: Option<Ident>,
    concurrency: Option<LitInt>,
    force: bool,
    disclose_caller: bool,
}

/// What `#[subscribe(..)]` says.
pub(crate) struct Subscribe {
    pub(crate) topic: LitStr,
    pattern: Option<Pattern>,
    capacity: Option<LitInt>,
    get_retained: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Exact,
    Prefix,
    Wildcard,
}

impl Procedure {
    pub(crate) fn parse(attribute: &Attribute) -> syn::Result<Self> {
        match &attribute.meta {
            Meta::Path(_) => Ok(Self::default()),
            _ => attribute.parse_args(),
        }
    }

    /// The methods of `Register` that are called.
    pub(crate) fn options(&self, krate: &Path) -> TokenStream {
        let pattern = pattern(self.pattern);
        let invoke = self.invoke.iter().map(|policy| quote!(.invoke(#krate::InvocationPolicy::#policy)));
        let concurrency = self.concurrency.iter().map(|calls| quote!(.concurrency(#calls)));
        let force = self.force.then(|| quote!(.force_reregister()));
        let disclose = self.disclose_caller.then(|| quote!(.disclose_caller()));
        quote!(#pattern #(#invoke)* #(#concurrency)* #force #disclose)
    }

    pub(crate) fn is_wildcard(&self) -> bool {
        self.pattern == Some(Pattern::Wildcard)
    }
}

impl Parse for Procedure {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut this = Self::default();
        if input.peek(LitStr) {
            this.uri = Some(input.parse()?);
            comma(input)?;
        }
        while !input.is_empty() {
            let key = input.call(Ident::parse_any)?;
            match key.to_string().as_str() {
                "name" => this.name = Some(value(input)?),
                "match" => this.pattern = Some(value::<LitStr>(input).and_then(|kind| parse_pattern(&kind))?),
                "invoke" => {
                    this.invoke = Some(value::<LitStr>(input).and_then(|policy| parse_policy(&policy))?);
                }
                "concurrency" => this.concurrency = Some(value(input)?),
                "force" => this.force = true,
                "disclose_caller" => this.disclose_caller = true,
                _ => {
                    let options = "the options of a procedure are its URI, `name`, `match`, `invoke`, `concurrency`, `force` \
                                   and `disclose_caller`";
                    return Err(syn::Error::new(key.span(), options));
                }
            }
            comma(input)?;
        }
        let wildcard = this.is_wildcard();
        this.uri = this.uri.map(|given| uri(given, wildcard)).transpose()?;
        this.name = this.name.map(|given| uri(given, wildcard)).transpose()?;
        match (&this.uri, &this.name) {
            (Some(_), Some(name)) => Err(syn::Error::new(
                name.span(),
                "a procedure has a whole URI or a `name` below the prefix, not both",
            )),
            _ => Ok(this),
        }
    }
}

impl Subscribe {
    pub(crate) fn parse(attribute: &Attribute) -> syn::Result<Self> {
        match &attribute.meta {
            Meta::List(_) => attribute.parse_args(),
            _ => Err(syn::Error::new_spanned(
                attribute,
                "a topic is missing: `#[subscribe(\"com.example.topic\")]`",
            )),
        }
    }

    /// The methods of `Subscribe` that are called.
    pub(crate) fn options(&self) -> TokenStream {
        let pattern = pattern(self.pattern);
        let capacity = self.capacity.iter().map(|events| quote!(.capacity(#events)));
        let retained = self.get_retained.then(|| quote!(.get_retained()));
        quote!(#pattern #(#capacity)* #retained)
    }
}

impl Parse for Subscribe {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let topic =
            input.parse().map_err(|error| syn::Error::new(error.span(), "the topic comes first, as text"))?;
        let mut this = Self { topic, pattern: None, capacity: None, get_retained: false };
        comma(input)?;
        while !input.is_empty() {
            let key = input.call(Ident::parse_any)?;
            match key.to_string().as_str() {
                "match" => this.pattern = Some(value::<LitStr>(input).and_then(|kind| parse_pattern(&kind))?),
                "capacity" => this.capacity = Some(value(input)?),
                "get_retained" => this.get_retained = true,
                _ => {
                    let options =
                        "the options of a subscription are its topic, `match`, `capacity` and `get_retained`";
                    return Err(syn::Error::new(key.span(), options));
                }
            }
            comma(input)?;
        }
        this.topic = uri(this.topic, this.pattern == Some(Pattern::Wildcard))?;
        Ok(this)
    }
}

/// A URI, as routers take it. Its components may be empty in a wildcard, and the last one in a prefix that ends with a dot.
pub(crate) fn uri(given: LitStr, wildcard: bool) -> syn::Result<LitStr> {
    let text = given.value();
    let wrong = if text.is_empty() {
        "a URI is not empty"
    } else if text.contains(|c: char| c.is_whitespace() || c == '#') {
        "a URI has no spaces and no `#`"
    } else if !wildcard && text.split('.').any(str::is_empty) {
        "a component of the URI is empty, which only `match = \"wildcard\"` allows"
    } else {
        return Ok(given);
    };
    Err(syn::Error::new(given.span(), wrong))
}

fn pattern(pattern: Option<Pattern>) -> Option<TokenStream> {
    match pattern? {
        Pattern::Exact => None,
        Pattern::Prefix => Some(quote!(.prefix())),
        Pattern::Wildcard => Some(quote!(.wildcard())),
    }
}

fn parse_pattern(kind: &LitStr) -> syn::Result<Pattern> {
    match kind.value().as_str() {
        "exact" => Ok(Pattern::Exact),
        "prefix" => Ok(Pattern::Prefix),
        "wildcard" => Ok(Pattern::Wildcard),
        _ => Err(syn::Error::new(kind.span(), "`match` is \"exact\", \"prefix\" or \"wildcard\"")),
    }
}

fn parse_policy(policy: &LitStr) -> syn::Result<Ident> {
    let name = match policy.value().as_str() {
        "single" => "Single",
        "roundrobin" => "RoundRobin",
        "random" => "Random",
        "first" => "First",
        "last" => "Last",
        _ => {
            let policies = "`invoke` is \"single\", \"roundrobin\", \"random\", \"first\" or \"last\"";
            return Err(syn::Error::new(policy.span(), policies));
        }
    };
    Ok(Ident::new(name, policy.span()))
}

fn value<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

fn comma(input: ParseStream<'_>) -> syn::Result<()> {
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(())
}
