//! Nothing: the tests of what the compiler says are in `tests`.

#![forbid(unsafe_code)]
