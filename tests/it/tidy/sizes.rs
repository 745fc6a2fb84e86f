//! The size of files and functions in `src/`.

/// A longer file does more than one job.
const MAX_FILE_LINES: usize = 500;
/// A longer function cannot be read on a screen or two.
const MAX_FUNCTION_LINES: usize = 100;

#[test]
fn files_and_functions_are_short() {
    let faults: Vec<_> = super::sources().iter().flat_map(|(path, text)| too_long(path, text)).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn too_long(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_FILE_LINES {
        faults.push(format!("src/{path}: {lines} lines, more than {MAX_FILE_LINES}; give each of its jobs a file"));
    }
    for (number, name, length) in functions(text) {
        if length > MAX_FUNCTION_LINES {
            faults.push(format!(
                "src/{path}:{number}: `{name}` has {length} lines, more than {MAX_FUNCTION_LINES}; name its steps and give each a function"
            ));
        }
    }
    faults
}

/// Every function: the number of its first line, its name, its lines up to the closing brace. The code is formatted, so the
/// brace that closes a function is the next one as far to the left as the function.
fn functions(text: &str) -> Vec<(usize, &str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = line.get(..line.len() - line.trim_start().len()).unwrap_or_default();
        let ends = |line: &&str| line.strip_prefix(indent) == Some("}");
        let length = if line.ends_with(['}', ';']) { 1 } else { lines[at..].iter().position(ends).map_or(1, |end| end + 1) };
        found.push((at + 1, name, length));
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let mut words =
        line.trim_start().split(' ').skip_while(|word| word.starts_with("pub") || matches!(*word, "const" | "async"));
    (words.next() == Some("fn")).then(|| words.next())??.split(['(', '<']).next()
}

#[test]
fn a_long_function_is_found() {
    let body = "    work();\n".repeat(MAX_FUNCTION_LINES);
    let text = format!("impl X {{\n    pub(super) async fn run(&self) {{\n{body}    }}\n    fn short() {{}}\n}}\n");
    let faults = too_long("x.rs", &text);
    assert_eq!(faults, ["src/x.rs:2: `run` has 102 lines, more than 100; name its steps and give each a function"]);
    let long = too_long("y.rs", &"\n".repeat(501));
    assert_eq!(long, ["src/y.rs: 501 lines, more than 500; give each of its jobs a file"]);
}
