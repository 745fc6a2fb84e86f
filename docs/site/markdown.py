"""Markdown to HTML, for the pages of this repository: what they use, and nothing else. All other text is escaped."""

import html
import re

# Marks of a part that is finished, while the rest of a text is still rendered.
MARK = "\x00%d\x00"


def slug(heading):
    """The anchor that GitHub gives a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


class Page:
    """A page that is being rendered. `link` maps the target of a link to an address; `None` leaves its text."""

    def __init__(self, text, link):
        self.lines = text.splitlines()
        self.link = link
        self.title = None
        self.anchors = set()

    def render(self):
        return "\n".join(self.blocks(self.lines))

    def blocks(self, lines):
        out, at = [], 0
        while at < len(lines):
            line = lines[at]
            end = at + 1
            if not line.strip():
                pass
            elif line.startswith("```"):
                while end < len(lines) and not lines[end].startswith("```"):
                    end += 1
                code = html.escape("\n".join(lines[at + 1:end]))
                out.append(f'<pre tabindex="0"><code>{code}</code></pre>')
                end += 1
            elif heading := re.match(r"(#{1,6}) (.*)", line):
                out.append(self.heading(len(heading[1]), heading[2]))
            elif line.startswith("|"):
                while end < len(lines) and lines[end].startswith("|"):
                    end += 1
                out.append(self.table(lines[at:end]))
            elif item := re.match(r"(- |\d+\. )", line):
                kind = "ul" if item[1] == "- " else "ol"
                items, end = self.items(lines, at, r"- " if kind == "ul" else r"\d+\. ")
                start = re.match(r"\d+", line)
                first = f' start="{start[0]}"' if start and start[0] != "1" else ""
                out.append(f"<{kind}{first}>" + "".join(f"<li>{item}</li>" for item in items) + f"</{kind}>")
            else:
                while end < len(lines) and lines[end].strip() and not re.match(r"#|\||```|- |\d+\. ", lines[end]):
                    end += 1
                out.append(f"<p>{self.inline(' '.join(lines[at:end]))}</p>")
            at = end
        return out

    def items(self, lines, at, mark):
        """The items of a list. The indented lines after an item belong to it."""
        items = []
        while at < len(lines) and (begin := re.match(mark, lines[at])):
            own, indent = [lines[at][len(begin[0]):]], len(begin[0])
            at += 1
            while at < len(lines) and (lines[at].startswith(" ") or
                                       not lines[at].strip() and lines[at + 1:at + 2] and lines[at + 1].startswith(" ")):
                own.append(lines[at][min(indent, len(lines[at]) - len(lines[at].lstrip())):])
                at += 1
            blocks = self.blocks(own)
            if len(blocks) == 1 or len(blocks) == 2 and not blocks[1].startswith("<p>"):
                blocks[0] = re.sub(r"^<p>(.*)</p>$", r"\1", blocks[0], flags=re.S)
            items.append("".join(blocks))
            if at + 1 < len(lines) and not lines[at].strip() and re.match(mark, lines[at + 1]):
                at += 1
        return items, at

    def heading(self, level, text):
        if level == 1 and self.title is None:
            self.title = re.sub(r"[`*]", "", text)
        anchor = slug(text)
        number = 1
        while anchor in self.anchors:
            anchor, number = f"{slug(text)}-{number}", number + 1
        self.anchors.add(anchor)
        return f'<h{level} id="{anchor}">{self.inline(text)}</h{level}>'

    def table(self, rows):
        head, *body = [self.cells(row) for row in rows]
        body = [cells for row, cells in zip(rows[1:], body) if not re.fullmatch(r"[|\-: ]+", row)]
        out = ['<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>']
        if any(cell.strip() for cell in head):
            out.append("<thead><tr>" + "".join(f'<th scope="col">{self.inline(cell.strip())}</th>' for cell in head) + "</tr></thead>")
        out.append("<tbody>")
        for cells in body:
            row = "".join(f'<th scope="row">{self.inline(cell.strip())}</th>' if column == 0 else f"<td>{self.inline(cell.strip())}</td>"
                          for column, cell in enumerate(cells))
            out.append(f"<tr>{row}</tr>")
        out.append("</tbody></table></div>")
        return "".join(out)

    @staticmethod
    def cells(row):
        return [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]

    def inline(self, text):
        parts = []

        def keep(rendered):
            parts.append(rendered)
            return MARK % (len(parts) - 1)

        def reference(match):
            mark, name, target = match[1], match[2], match[3]
            address = self.link(target)
            if address is None:
                return name
            if mark:
                return keep(f'<img src="{html.escape(address)}" alt="{html.escape(name)}">')
            return keep(f'<a href="{html.escape(address)}">{html.escape(name, quote=False)}</a>')

        text = re.sub(r"(`+)(.+?)\1(?!`)", lambda match: keep(f"<code>{html.escape(match[2].strip() if match[1] != '`' else match[2])}</code>"), text)
        text = re.sub(r"(!?)\[([^\]]*)\]\(([^)\s]*)\)", reference, text)
        text = re.sub(r"<(https?://[^>\s]+)>", lambda match: keep(f'<a href="{html.escape(match[1])}">{html.escape(match[1])}</a>'), text)
        text = html.escape(text, quote=False)
        text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
        text = re.sub(r"(?<![\w*])\*([^*\s][^*]*)\*(?!\w)", r"<em>\1</em>", text)
        while "\x00" in text:
            text = re.sub("\x00(\\d+)\x00", lambda match: parts[int(match[1])], text)
        return text
