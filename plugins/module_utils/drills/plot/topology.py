# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A traffic graph as a drawing: callers to the left of those they call, a number on every edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..graph import HTTP, TCP, Edge, Graph, Node
from .document import Document, number
from .style import LETTER

LEFT, TOP, BOTTOM = 20.0, 52.0, 34.0
WIDTH, ROW, PADDING = 150.0, 16.0, 10.0  # of a node: its width, a row of words in it, the air above and below
BETWEEN, APART = 130.0, 34.0  # between columns, and between the nodes of one
ARROW = 7.0


@dataclass(frozen=True)
class Box:
    """A node's place on the paper, in pixels."""

    x: float
    y: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def topology(graph: Graph, title: str, description: str) -> str:
    """The SVG document as text. `description` is read to those who do not see it."""
    columns = _columns(graph)
    boxes = _boxes(columns, graph)
    width = max([LEFT * 2 + len(columns) * (WIDTH + BETWEEN) - BETWEEN, LEFT * 2 + len(title) * LETTER * 1.3])
    height = max((box.y + box.height for box in boxes.values()), default=TOP) + BOTTOM
    paper = Document(width, height + BOTTOM, title, description)
    paper.text("title", LEFT, 20, title)
    paper.text("faint", LEFT, 38, "requests from caller to called; bytes where a line is dashed")
    depth = {node: index for index, column in enumerate(columns) for node in column}
    for edge in graph.edges:
        _draw_edge(paper, edge, boxes, forward=depth[edge.target] > depth[edge.source], floor=height)
    for node, box in boxes.items():
        _draw_node(paper, node, box, graph.notes.get(node, ()))
    return str(paper)


def _columns(graph: Graph) -> list[list[Node]]:
    """The nodes by how many calls lie between them and those whom nobody calls, the fewest."""
    called = {edge.target for edge in graph.edges if edge.target != edge.source}
    nodes = graph.nodes
    first = [node for node in nodes if node not in called] or nodes[:1]
    columns: list[list[Node]] = []
    known: set[Node] = set()
    while first:
        columns.append(sorted(first, key=str))
        known |= set(first)
        first = list(dict.fromkeys(e.target for e in graph.edges if e.source in first and e.target not in known))
    rest = [node for node in nodes if node not in known]  # those that only call one another
    return [*columns, sorted(rest, key=str)] if rest else columns


def _boxes(columns: list[list[Node]], graph: Graph) -> dict[Node, Box]:
    """Every column is centred on the highest one."""
    heights = {node: _height(node, graph.notes.get(node, ())) for column in columns for node in column}
    totals = [sum(heights[node] for node in column) + APART * (len(column) - 1) for column in columns]
    highest = max(totals, default=0.0)
    boxes = {}
    for index, (column, total) in enumerate(zip(columns, totals, strict=True)):
        y = TOP + (highest - total) / 2
        for node in column:
            boxes[node] = Box(LEFT + index * (WIDTH + BETWEEN), y, heights[node])
            y += heights[node] + APART
    return boxes


def _rows(node: Node, notes: tuple[str, ...]) -> list[str]:
    return [str(node), node.namespace, *notes]


def _height(node: Node, notes: tuple[str, ...]) -> float:
    return len(_rows(node, notes)) * ROW + 2 * PADDING


def _draw_node(paper: Document, node: Node, box: Box, notes: tuple[str, ...]) -> None:
    paper.add("rect", "node", x=box.x, y=box.y, width=WIDTH, height=box.height, rx=6)
    for index, words in enumerate(_rows(node, notes)):
        y = box.y + PADDING + index * ROW + 12
        paper.text("faint" if index == 1 else "", box.x + WIDTH / 2, y, _short(words), "middle")


def _draw_edge(paper: Document, edge: Edge, boxes: Mapping[Node, Box], forward: bool, floor: float) -> None:
    """To the right from side to side; any other way below all nodes."""
    source, target = boxes[edge.source], boxes[edge.target]
    css = {HTTP: "edge", TCP: "edge dashed"}.get(edge.protocol, "edge dotted")
    if forward:
        x1, y1, x2, y2 = source.x + WIDTH, source.middle, target.x - ARROW, target.middle
        bend = (x2 - x1) / 2
        paper.path(css, [f"M{number(x1)} {number(y1)}", _curve(x1 + bend, y1, x2 - bend, y2, x2, y2)])
        paper.path("tip", [f"M{number(x2)} {number(y2 - 4)}l{number(ARROW)} 4l-{number(ARROW)} 4z"])
        # Near the target, where the edges of one caller are apart
        x, y = x1 + (x2 - x1) * 0.62, y1 + (y2 - y1) * 0.7
    else:
        x1, y1, x2, y2 = source.x + WIDTH / 2, source.y + source.height, target.x + WIDTH / 2, target.y + target.height
        paper.path(css, [f"M{number(x1)} {number(y1)}", _curve(x1, floor, x2, floor, x2, y2 + ARROW)])
        paper.path("tip", [f"M{number(x2 - 4)} {number(y2 + ARROW)}l4 -{number(ARROW)}l4 {number(ARROW)}z"])
        x, y = (x1 + x2) / 2, floor - 4
    paper.text("halo", x, y + 4, amount(edge), "middle")


def _curve(x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> str:
    return "C" + " ".join(f"{number(a)} {number(b)}" for a, b in ((x1, y1), (x2, y2), (x, y)))


def amount(edge: Edge) -> str:
    """A number of requests, or of bytes in a unit that keeps it short."""
    if edge.protocol != TCP:
        return f"{edge.amount:.0f}"
    value = edge.amount
    for unit in ("B", "kB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} MB"


def _short(words: str) -> str:
    most = int((WIDTH - 8) / LETTER)
    return words if len(words) <= most else words[: most - 1] + "…"
