# Recipes of the repository; `just --list` shows them. Each is one plain command that also works without just.

_default:
    @just --list

# Everything that must pass before a merge; installs missing tools first (about 20 minutes)
check:
    tests/run

# Unit, corpus, property and end-to-end tests; NAME selects tests by a part of their path
test *NAME:
    cargo test --locked {{ NAME }}

# Speed of each stage against a yardstick; ARGS as in benches/speed/main.rs
bench *ARGS:
    cargo bench --locked --bench speed -- {{ ARGS }}

# The release build under load, rotation and kills; MINUTES is the length of the last part
soak MINUTES="2":
    cargo build --locked --release
    benches/soak --minutes {{ MINUTES }}

# Random inputs against the parsers, SECONDS for each
fuzz SECONDS="60":
    FUZZ_SECONDS={{ SECONDS }} cargo test --locked --test fuzz

# Write the generated pages, rules, dashboard and runbooks again, then build the API documentation
docs:
    UPDATE=1 cargo test --locked --test it -- generated runbooks
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# The documentation as a static site in target/site, with a search for errors; open target/site/search.html
site:
    docs/site/build.py target/site

# The archive, the Debian package and their checksums in dist/ (see docs/release.md)
release:
    deploy/package/release

# Format the code, and report lints
fmt:
    cargo fmt
    cargo clippy --locked --all-targets -- -D warnings

# Licences, duplicate crates, sources and security advisories of the dependencies; needs cargo-deny
deny:
    cargo deny check

# Install what the checks need, after a list of it
setup:
    tests/setup
