"""Checks the built documentation in a Chromium, from its files: site.py FOLDER. Reads pairs of the id of an error and a pasted text
as JSON from standard input, and prints how many of them the search finds at its first and within its first five places."""

import json
import sys
from pathlib import Path

from webdriver import Browser

FIND = """
const text = document.getElementById("text");
text.value = arguments[0];
document.getElementById("search").requestSubmit();
return [...document.querySelectorAll("#found a")].map((link) => link.getAttribute("href").split("#")[1]);
"""


def check(browser, url, faults):
    errors = browser.console_errors()
    elsewhere = [address for address in browser.requested() if not address.startswith("file:///")]
    if errors or elsewhere:
        faults.append(f"{url}: {errors} {elsewhere}")


def main():
    root = Path(sys.argv[1]).resolve()
    pasted, faults = json.load(sys.stdin), []
    with Browser() as browser:
        for width, scheme in ((390, "light"), (1280, "dark")):
            browser.show(width, 900, scheme)
            for page in ("index.html", "docs/errors/auth.html", "docs/configuration.html", "search.html"):
                url = (root / page).as_uri()
                browser.open(url)
                check(browser, url, faults)
                if browser.run("return document.documentElement.scrollWidth > window.innerWidth"):
                    faults.append(f"{page} is wider than {width} px")
        first = five = 0
        missed = []
        for id, text in pasted:
            found = browser.run(FIND, text)
            first += found[:1] == [id]
            five += id in found[:5]
            if id not in found[:5]:
                missed.append(id)
        roles = browser.accessibility()
        for role, name in (("textbox", "Paste the text"), ("button", "Find"), ("heading", "Find an error"), ("status", "")):
            if not any(other == role and name in label for other, label in roles):
                faults.append(f"the search has no {role} {name!r} for a screen reader")
        broken = browser.run("return ERRORS.flatMap((error) => error.messages).filter((source) => expression(source) === null)")
        check(browser, "search.html", faults)
        markup = browser.run(FIND + "", "<img src=x onerror=alert(1)> Incorrect API key provided")
        if browser.run("return document.querySelectorAll('img').length") or not markup:
            faults.append("pasted markup is not text")
    print(json.dumps({"pasted": len(pasted), "first": first, "five": five, "faults": faults, "missed": missed, "broken": broken}))


main()
