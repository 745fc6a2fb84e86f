"""Writes a picture of a page: screenshot.py URL FILE WIDTH HEIGHT light|dark."""

import sys

from webdriver import Browser


def main():
    url, path, width, height, scheme = sys.argv[1:]
    with Browser() as browser:
        browser.show(int(width), int(height), scheme)
        browser.open(url)
        with open(path, "wb") as file:
            file.write(browser.screenshot())


main()
