"""Checks pages of the daemon in a Chromium: page.py ADDRESS TEXT PATH…. At four sizes and colours: nothing wider than the window, no
error on the console, no request elsewhere, no script, TEXT shown as text on the first page, and what a screen reader gets."""

import sys

from webdriver import Browser

SIZES = [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]
TABLES = """
return [...document.querySelectorAll("table")].filter((table) =>
    !table.querySelector("th[scope=col], th[scope=row]") || [...table.querySelectorAll("thead th")].some((th) => !th.scope.startsWith("col"))).length;
"""
# Texts with a colour that is too close to the one behind them: WCAG asks for a ratio of 4.5, or 3 for large letters.
CONTRAST = """
const channels = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
const luminance = (colour) => {
  const [r, g, b] = channels(colour).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    const parts = channels(colour);
    if (parts.length === 3 || parts[3] === 1) return colour;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(18, 18, 18)" : "rgb(255, 255, 255)";
};
const faint = [];
for (const element of document.body.querySelectorAll("*")) {
  const own = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim());
  if (own.length === 0 || element.getClientRects().length === 0) continue;
  const style = getComputedStyle(element);
  const [a, b] = [luminance(style.color), luminance(behind(element))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
  if (ratio < (large ? 3 : 4.5)) faint.push(`${own[0].data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
}
return faint;
"""


def main():
    address, text, *paths = sys.argv[1:]
    faults = []
    with Browser() as browser:
        for width, scheme in SIZES:
            browser.show(width, 900, scheme)
            for path in paths:
                where = f"{path} at {width} px, {scheme}"
                browser.open(address + path)
                for error in browser.console_errors():
                    faults.append(f"{where}: {error}")
                for url in browser.requested():
                    if not url.startswith(address):
                        faults.append(f"{where} asks for {url}")
                if browser.run("return document.documentElement.scrollWidth > window.innerWidth"):
                    faults.append(f"{where} is wider than the window")
                if browser.run("return document.scripts.length + document.querySelectorAll('img, iframe, object, [onclick], [onerror]').length"):
                    faults.append(f"{where} has scripts or foreign elements")
                if browser.run(TABLES):
                    faults.append(f"{where}: a table without headers")
                faults += [f"{where}: too faint: {faint}" for faint in browser.run(CONTRAST)]
                tree = browser.accessibility()
                if sum(role == "heading" for role, _ in tree) == 0 or not any(role == "main" for role, _ in tree):
                    faults.append(f"{where}: no heading, or no main part, for a screen reader")
                for role, name in tree:
                    if role in ("heading", "link", "button", "navigation", "region", "columnheader") and not name.strip():
                        faults.append(f"{where}: a {role} without a name")
                levels = browser.run("return [...document.querySelectorAll('h1, h2, h3')].map((heading) => Number(heading.tagName[1]))")
                if levels[:1] != [1] or any(after > before + 1 for before, after in zip(levels, levels[1:])):
                    faults.append(f"{where}: the levels of the headings are {levels}")
            browser.open(address + paths[0])
            if text not in browser.run("return document.body.textContent"):
                faults.append(f"{text!r} is not shown")
    print("\n".join(sorted(set(faults))))
    sys.exit(1 if faults else 0)


main()
