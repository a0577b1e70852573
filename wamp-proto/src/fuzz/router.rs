pub(super) fn target(_: &[u8]) {}
