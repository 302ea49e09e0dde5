//! The project's Markdown files, parsed.

use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The root of the workspace.
pub fn root() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    root.canonicalize().expect("the workspace")
}

/// One Markdown file.
pub struct Document {
    /// From the root.
    pub name: String,
    pub text: String,
}

/// A fenced block.
pub struct Block {
    /// The word behind the fence.
    pub language: String,
    pub text: String,
}

/// All Markdown files that are ours.
pub fn documents() -> Vec<Document> {
    let root = root();
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(found.len() > 8, "only {} documents were found", found.len());
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Document>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        let is_ours = !name.starts_with('.') && name != "target" && name != "node_modules" && name != "runs";
        if path.is_dir() && is_ours {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
            found.push(Document { name, text: std::fs::read_to_string(&path).expect("UTF-8") });
        }
    }
}

impl Document {
    /// One of them.
    pub fn named(name: &str) -> Self {
        let text = std::fs::read_to_string(root().join(name)).expect("the document");
        Self { name: name.to_owned(), text }
    }

    fn events(&self) -> Parser<'_> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES)
    }

    /// Where its links and pictures lead.
    pub fn links(&self) -> Vec<String> {
        let links = self.events().filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Some(dest_url.into_string())
            }
            _ => None,
        });
        links.collect()
    }

    /// Its headings, as anchors name them.
    pub fn anchors(&self) -> Vec<String> {
        let mut anchors = Vec::new();
        let mut heading: Option<String> = None;
        for event in self.events() {
            match (event, &mut heading) {
                (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
                (Event::End(TagEnd::Heading(_)), _) => anchors.extend(heading.take().map(|text| slug(&text))),
                (Event::Text(text) | Event::Code(text), Some(heading)) => heading.push_str(&text),
                _ => {}
            }
        }
        anchors
    }

    /// Its fenced blocks.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for event in self.events() {
            match (event, &mut open) {
                (Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))), _) => {
                    open = Some(Block { language: language.into_string(), text: String::new() });
                }
                (Event::End(TagEnd::CodeBlock), _) => blocks.extend(open.take()),
                (Event::Text(text), Some(block)) => block.text.push_str(&text),
                _ => {}
            }
        }
        blocks
    }

    /// Its code, in blocks of `console` (what follows `$ `) and inline.
    pub fn commands(&self) -> Vec<String> {
        let blocks = self.blocks();
        let console = blocks.iter().filter(|block| block.language == "console");
        let lines = console.flat_map(|block| block.text.lines()).filter_map(|line| line.strip_prefix("$ "));
        let mut commands: Vec<String> = lines.map(str::to_owned).collect();
        commands.extend(self.events().filter_map(|event| match event {
            Event::Code(code) => Some(code.into_string()),
            _ => None,
        }));
        commands
    }
}

/// As forges make anchors of headings.
fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}
