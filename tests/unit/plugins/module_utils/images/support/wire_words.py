"""The tables of docs/registries.md in Chinese, for docs/zh-CN/registries.md.

Methods, statuses, names of registries and of the suite's tests stay as they are; a word that has no Chinese one here is
an error, so that nothing new stays in English unnoticed.
"""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[6] / "docs" / "zh-CN" / "registries.md"
_CELLS = {
    "": "",
    "---": "---",
    "operation": "操作",
    "on the wire": "网络上的请求",
    "at": "镜像仓库",
    "tests of the suite": "测试套件中的测试",
    "all is answered by": "对一切请求的应答",
    "no answer": "没有应答",
    "429, for 6 h": "429，持续 6 小时",
    "is an image there? yes": "镜像是否存在？存在",
    "is an image there? no": "镜像是否存在？不存在",
    "its manifest": "取 manifest",
    "is a blob there? yes": "blob 是否存在？存在",
    "is a blob there? no": "blob 是否存在？不存在",
    "a blob": "取 blob",
    "a blob in pieces": "分段取 blob",
    "a blob of another repository": "用另一个 repository 的 blob",
    "a small blob is sent": "发送小 blob",
    "a large blob is sent": "发送大 blob",
    "a small blob is sent; it begins, then": "发送小 blob；上传已开始，然后",
    "a large blob is sent; it begins, then": "发送大 blob；上传已开始，然后",
    "a manifest is sent": "发送 manifest",
    "an index is sent": "发送 index",
    "an image is sent, the second time": "第二次发送镜像",
    "logging in": "登录",
    "all": "全部",
}
_REASONS = {
    "not found": "不存在",
    "forbidden": "禁止访问",
    "unexpected answer": "意外的应答",
    "server error": "服务器错误",
    "connection broken": "连接断开",
    "rate limit": "限流",
    "no": "不存在",
}
_REGISTRIES = {"the program distribution": "程序 distribution", "one without ranges": "不支持 Range 的一种"}
_STEP_WORDS = {" by `Range` ": "（`Range`）", " breaks": " 断开", " (ends so)": "（就此结束）", ", ": "，"}
_STATUS = re.compile(r"\d{3}")  # a column's heading
_STOP = re.compile(r"([a-z ]+), (\d+) requests?(?: in (\d+) s)?")
_STEPS = re.compile(r"\(?`(?:GET|HEAD|POST|PUT|PATCH)` ")


def chinese(table: str) -> str:
    """Return one of the tables of `wire_table` in Chinese; ValueError for words that are not known."""
    return "\n".join(f"| {' | '.join(map(_cell, _split(line)))} |" for line in table.splitlines())


def _split(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


def _cell(cell: str) -> str:
    if cell in _CELLS:
        return _CELLS[cell]
    if _STATUS.fullmatch(cell):
        return cell
    if _STEPS.match(cell):
        for english, chinese_words in _STEP_WORDS.items():
            cell = cell.replace(english, chinese_words)
        return cell
    stop = _STOP.fullmatch(cell)
    if stop and stop[1] in _REASONS:
        return f"{_REASONS[stop[1]]}，{stop[2]} 个请求" + (f"，{stop[3]} 秒" if stop[3] else "")
    if cell.startswith("`"):  # names of tests
        return cell.replace("`, `", "`、`")
    names = cell.removeprefix("all but ").split(", ")
    unknown = [name for name in names if name not in _REGISTRIES and " " in name]
    if unknown:
        raise ValueError(f"no Chinese words for {cell!r} of docs/registries.md; write them into {Path(__file__).name}")
    said = "、".join(_REGISTRIES.get(name, name) for name in names)
    return f"除 {said} 外的全部" if cell.startswith("all but ") else said
