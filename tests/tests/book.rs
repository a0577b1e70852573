//! The book is whole: each chapter is in its contents, and each link leads somewhere.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Where the links of a text lead, those to other sites excepted.
fn links(text: &str) -> Vec<String> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    ends.map(|(link, _)| link.to_owned()).filter(|link| !link.contains("://")).collect()
}

/// A heading as links call it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

#[test]
fn every_chapter_is_in_the_contents() {
    let listed = links(&read(&docs().join("SUMMARY.md"))).into_iter().collect::<BTreeSet<_>>();
    let there = fs::read_dir(docs()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there = there.filter(|name| name.ends_with(".md") && name != "SUMMARY.md").collect::<BTreeSet<_>>();
    assert_eq!(listed, there);
}

#[test]
fn every_link_leads_somewhere() {
    let mut files = fs::read_dir(docs()).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    let root = docs().join("..");
    files.extend(
        ["README.md", "DESIGN.md", "COMPARE.md", "SECURITY.md", "CONTRIBUTING.md"]
            .map(|name| root.join(name)),
    );
    for file in files {
        let text = read(&file);
        for link in links(&text) {
            let (path, place) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { file.clone() } else { file.with_file_name(path) };
            assert!(target.exists(), "{}: {link}", file.display());
            if !place.is_empty() {
                assert!(anchors(&read(&target)).contains(place), "{}: {link}", file.display());
            }
        }
    }
}
