#!/usr/bin/env python3
"""Builds the documentation as a static site that needs no server, with a search for errors.

    docs/site/build.py OUT

Every Markdown page becomes an HTML page at the same path; a README becomes the index of its folder. The build fails if a link
leads to a page, a file or an anchor that does not exist. Python 3.11 is enough.
"""

import html
import json
import os
import posixpath
import re
import shutil
import sys
import tomllib
from pathlib import Path

from markdown import Page

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# The address of a page in the navigation, and its name.
NAVIGATION = [
    ("README.md", "llm-triage"),
    ("docs/README.md", "Documentation"),
    ("docs/errors/README.md", "Errors"),
    ("docs/runbooks/README.md", "Runbooks"),
]
# What a page may use: its own style and scripts, and its own images. Nothing from elsewhere, nothing written into it.
POLICY = "default-src 'none'; style-src 'self' file:; script-src 'self' file:; img-src 'self' file:; base-uri 'none'; form-action 'none'"
SHELL = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="stylesheet" href="{root}site.css">
{scripts}</head>
<body>
<header><nav aria-label="Pages">{navigation}</nav></header>
<main>
{content}
</main>
</body>
</html>
"""
SEARCH = """<h1>Find an error</h1>
<form id="search">
<label for="text">Paste the text of the error, a line of a log, a status, a type or a code. Nothing leaves this page.</label>
<textarea id="text" rows="6" spellcheck="false" autocomplete="off"></textarea>
<button type="submit">Find</button>
</form>
<p id="count" role="status"></p>
<ol id="found"></ol>
<noscript><p>The search needs a script. The <a href="docs/errors/by-wording.html">list of wordings</a> needs none.</p></noscript>
"""


def sources():
    """All pages: paths below the root, and their text."""
    paths = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "patterns/README.md")]
    paths += sorted((ROOT / "docs").rglob("*.md"))
    pages = {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}
    rows = [(path, text.splitlines()[0].lstrip("# ")) for path, text in pages.items() if path.startswith("docs/runbooks/")]
    items = "".join(f"- [{title}]({path.rsplit('/', 1)[1]})\n" for path, title in rows)
    pages["docs/runbooks/README.md"] = f"# Runbooks\n\nWhat to do about an alert of each row.\n\n{items}"
    return pages


def address(path):
    """The path of a page in the site."""
    return re.sub(r"README\.md$", "index.html", path) if path.endswith("README.md") else re.sub(r"\.md$", ".html", path)


class Site:
    def __init__(self, out):
        self.out = out
        self.pages = sources()
        self.files = set()
        # Pairs of a page and the page with the anchor that it links to.
        self.wanted = []
        self.anchors = {}
        self.faults = []

    def build(self):
        for path, text in self.pages.items():
            page = Page(text, lambda target, path=path: self.link(path, target))
            content = page.render()
            self.anchors[path] = page.anchors
            self.write(address(path), page.title or path, content)
        for page, path, anchor in self.wanted:
            if anchor not in self.anchors[path]:
                self.faults.append(f"{page}: {path} has no heading #{anchor}")
        for path in sorted(self.files):
            self.copy(ROOT / path, path)
        for name in ("site.css", "search.js"):
            self.copy(HERE / name, name)
        self.write("search.html", "Find an error", SEARCH, ("search-index.js", "search.js"))
        (self.out / "search-index.js").write_text(f'"use strict";\nconst ERRORS = {json.dumps(self.index(), ensure_ascii=False)};\n')

    def copy(self, source, path):
        target = self.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def write(self, path, title, content, scripts=()):
        root = "../" * path.count("/")
        links = [(root + address(target), name) for target, name in NAVIGATION] + [(f"{root}search.html", "Find an error")]
        target = self.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(SHELL.format(
            title=html.escape(title if title.startswith("llm-triage") else f"{title} · llm-triage"),
            policy=POLICY,
            root=root,
            scripts="".join(f'<script defer src="{root}{name}"></script>\n' for name in scripts),
            navigation=" ".join(f'<a href="{to}">{html.escape(name)}</a>' for to, name in links),
            content=content,
        ))

    def link(self, page, target):
        """Where a link of a page leads in the site."""
        if re.match(r"https?://|mailto:", target):
            return target
        target, _, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target)) if target else page
        if (ROOT / path).is_dir() and f"{path}/README.md" in self.pages:
            path = f"{path}/README.md"
        if path in self.pages:
            if anchor:
                self.wanted.append((page, path, anchor))
            path = address(path)
        elif (ROOT / path).is_file():
            self.files.add(path)
        elif (ROOT / path).is_dir():
            return None
        else:
            self.faults.append(f"{page}: {target} does not exist")
            return None
        to = posixpath.relpath(path, posixpath.dirname(address(page)) or ".")
        return f"{to}#{anchor}" if anchor else to

    def index(self):
        """What the search knows of each error."""
        signals = tomllib.loads((ROOT / "patterns/signals.toml").read_text())
        providers = tomllib.loads((ROOT / "patterns/providers.toml").read_text())["provider"]
        names = {provider["id"]: [provider["id"], *provider.get("namespaces", []), *provider.get("hosts", [])] for provider in providers}
        generic = {word.lower() for word in signals["generic_types"]}
        errors = []
        for path in sorted((ROOT / "patterns").glob("*.toml")):
            for pattern in tomllib.loads(path.read_text()).get("pattern", []):
                entry = self.entry(pattern["category"], pattern["id"])
                words = [str(word) for key in ("code", "type") for word in pattern.get(key, [])]
                errors.append({
                    "id": pattern["id"],
                    "title": pattern["title"],
                    "fix": pattern["fix"],
                    "page": f"docs/errors/{pattern['category']}.html#{pattern['id']}",
                    "providers": [name.lower() for id in pattern.get("providers", []) for name in names.get(id, [id])],
                    "specific": [word.lower() for word in words if word.lower() not in generic],
                    "generic": [word.lower() for word in words if word.lower() in generic],
                    "messages": [script_expression(message) for message in pattern.get("message", [])],
                    # Its status is all that is known of it.
                    "isStatus": not words and "message" not in pattern,
                    "statuses": re.findall(r"\w+", next(iter(re.findall(r"\*\*Status:\*\* (.*)\.", entry)), "")),
                    "wordings": next(iter(re.findall(r"```text\n(.*?)\n```", entry, re.S)), "").splitlines(),
                })
        return errors

    def entry(self, category, id):
        """The text of an error on its page."""
        page = self.pages[f"docs/errors/{category}.md"]
        start = page.find(f"\n### {id}\n")
        if start < 0:
            self.faults.append(f"docs/errors/{category}.md has no entry {id}")
        end = page.find("\n### ", start + 1)
        return page[start:end if end >= 0 else None]


def script_expression(expression):
    """A regular expression of a pattern in the spelling of JavaScript."""
    expression = re.sub(r"\(\?[a-z]+\)", "", expression)
    return expression.replace(r"\A", "^").replace(r"\z", "$").replace("(?P<", "(?<")


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} OUT")
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    site = Site(out)
    site.build()
    if site.faults:
        sys.exit("\n".join(sorted(set(site.faults))))
    print(f"{len(site.pages) + 1} pages in {os.path.relpath(out)}")


main()
