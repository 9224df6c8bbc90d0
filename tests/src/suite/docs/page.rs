//! What a page of the documentation says that can be run.

/// The language of blocks that are run.
const COMMANDS: &str = "sh";
/// Languages in which nobody types commands.
const OTHERS: [&str; 5] = ["toml", "json", "yaml", "python", "text"];
/// What stands above a block that cannot be run.
const REASON: &str = "<!-- not run";

/// A page, taken apart.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page {
    /// Its path in the repository.
    pub(super) name: String,
    pub(super) blocks: Vec<Block>,
    /// Where commands would go unrun and unsaid.
    pub(super) mistakes: Vec<String>,
}

/// A fenced block of commands.
#[derive(Debug, PartialEq)]
pub(super) struct Block {
    /// The number of its first line.
    pub(super) line: usize,
    /// Why it cannot be run here.
    pub(super) not_run: Option<String>,
    pub(super) commands: Vec<String>,
}

impl Page {
    pub(super) fn read(name: &str, text: &str) -> Self {
        let mut page = Self { name: name.to_owned(), ..Self::default() };
        // The comment above, with the number of its line, until the block comes that it is about.
        let mut reason: Option<(usize, &str)> = None;
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let number = index + 1;
            let trimmed = line.trim();
            if let Some(language) = trimmed.strip_prefix("```") {
                let inner: Vec<&str> =
                    lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
                if language == COMMANDS {
                    let not_run = reason.take().map(|(number, comment)| page.reason(number, comment));
                    page.blocks.push(Block {
                        line: number + 1,
                        not_run,
                        commands: commands(&inner.join("\n")),
                    });
                } else if !OTHERS.contains(&language) {
                    page.mistakes
                        .push(format!("line {number}: commands are in {COMMANDS}, others in {OTHERS:?}"));
                }
            } else if trimmed.starts_with(REASON) {
                page.no_block_for(reason.replace((number, trimmed)));
                continue;
            } else if ["    expacti ", "    sudo "].iter().any(|begin| line.starts_with(begin)) {
                page.mistakes.push(format!("line {number}: commands stand in a block of {COMMANDS}"));
            }
            if !trimmed.is_empty() {
                page.no_block_for(reason.take());
            }
        }
        page.no_block_for(reason);
        page
    }

    pub(super) fn has_something_to_say(&self) -> bool {
        !self.blocks.is_empty() || !self.mistakes.is_empty()
    }

    fn reason(&mut self, number: usize, comment: &str) -> String {
        let inner = comment.strip_prefix(REASON).and_then(|rest| rest.strip_prefix(": "));
        let reason = inner.and_then(|rest| rest.strip_suffix(" -->")).unwrap_or_default();
        if reason.len() < 10 {
            self.mistakes.push(format!("line {number}: say why, as in {REASON}: REASON -->"));
        }
        reason.to_owned()
    }

    fn no_block_for(&mut self, reason: Option<(usize, &str)>) {
        self.mistakes.extend(
            reason.map(|(number, _)| format!("line {number}: a reason, but no block of {COMMANDS} below it")),
        );
    }
}

/// Whole commands: without comments, and in one line where they go over several.
fn commands(text: &str) -> Vec<String> {
    let text = text.replace("\\\n", " ");
    let lines = text.lines().map(|line| line.split_once(" # ").map_or(line, |(command, _)| command).trim());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

pub(super) fn commands_and_reasons_are_found() {
    let page = "\
```sh
# first
one --a \\
    --b     # this
two
```
<!-- not run: needs the moon -->

```sh
three
```
```toml
four = 4
```
";
    let block = |line, not_run: Option<&str>, commands: &[&str]| Block {
        line,
        not_run: not_run.map(str::to_owned),
        commands: commands.iter().map(|&command| command.to_owned()).collect(),
    };
    let blocks =
        vec![block(2, None, &["one --a      --b", "two"]), block(10, Some("needs the moon"), &["three"])];
    assert_eq!(Page::read("a.md", page), Page { name: "a.md".to_owned(), blocks, mistakes: Vec::new() });

    for (page, mistake) in [
        ("<!-- not run -->\n```sh\na\n```", "line 1: say why"),
        ("<!-- not run: why -->\n```sh\na\n```", "line 1: say why"),
        ("<!-- not run: needs the moon\n-->\n```sh\na\n```", "line 1: a reason, but no block"),
        ("<!-- not run: needs the moon -->\ntext\n```sh\na\n```", "line 1: a reason, but no block"),
        ("<!-- not run: needs the moon -->", "line 1: a reason, but no block"),
        ("```bash\na\n```", "line 1: commands are in sh"),
        ("```\na\n```", "line 1: commands are in sh"),
        ("text\n\n    sudo a", "line 3: commands stand in a block"),
    ] {
        let mistakes = Page::read("a.md", page).mistakes;
        assert!(mistakes.len() == 1 && mistakes[0].starts_with(mistake), "{page}\n{mistakes:?}");
    }
}
