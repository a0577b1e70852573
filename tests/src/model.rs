//! A naive router.
