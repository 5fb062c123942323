"""Reads reports with programs that others wrote: JUnit's XML with lxml and Jenkins' schema, Markdown with GitHub's cmark.

usage: read_back.py junit REPORT SCHEMA | read_back.py markdown REPORT
prints what it found as JSON
"""

import json
import sys
from html.parser import HTMLParser


def junit(report, schema):
    from lxml import etree

    document = etree.parse(report)
    schema = etree.XMLSchema(etree.parse(schema))
    valid = schema.validate(document)
    return {
        "problems": [] if valid else [str(one) for one in schema.error_log][:5],
        "suites": [
            {
                "name": suite.get("name"),
                **{key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")},
                "results": [
                    [case.get("name"), *[child.tag for child in case]] for case in suite.findall("testcase")
                ],
                "messages": [
                    child.get("message") for case in suite.findall("testcase") for child in case
                ],
            }
            for suite in document.getroot()
        ],
    }


class Collector(HTMLParser):
    """The elements of a page, and the text of each cell, summary and code block."""

    def __init__(self):
        super().__init__()
        self.tags, self.open = {}, []
        self.cells, self.summaries, self.blocks = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for kind, texts in (("td", self.cells), ("summary", self.summaries), ("pre", self.blocks)):
            if tag == kind:
                texts.append("")
                self.open.append((tag, texts))

    def handle_endtag(self, tag):
        if self.open and self.open[-1][0] == tag:
            self.open.pop()

    def handle_data(self, data):
        if self.open:
            texts = self.open[-1][1]
            texts[-1] += data


def markdown(report):
    import cmarkgfm
    from cmarkgfm.cmark import Options

    with open(report, encoding="utf-8") as file:
        html = cmarkgfm.github_flavored_markdown_to_html(file.read(), Options.CMARK_OPT_UNSAFE)
    collector = Collector()
    collector.feed(html)
    return {
        "tags": collector.tags,
        "cells": collector.cells,
        "summaries": collector.summaries,
        "blocks": collector.blocks,
    }


print(json.dumps({"junit": junit, "markdown": markdown}[sys.argv[1]](*sys.argv[2:])))
