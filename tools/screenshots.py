"""Take the screenshots of the to-do page for the README into docs/images: `.venv/bin/python tools/screenshots.py`.

Needs `make setup-dev` and the Debian packages chromium, chromium-driver, fonts-dejavu and fonts-noto-cjk.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "unit" / "support"))
sys.path.insert(0, str(ROOT / "tests" / "unit" / "roles" / "todo" / "support"))

from headless_browser import chromium, resize  # noqa: E402
from todo_application import serving  # noqa: E402
from todo_page import Page  # noqa: E402

IMAGES = ROOT / "docs" / "images"
# Language, width and height in CSS pixels, pixels of the image for each, and the to-dos from the bottom up
SHOTS = (
    ("en", 1280, 640, 1, [
        ("Read the first lesson", True), ("Install minikube", True), ("Shift half of the traffic to v2", False),
        ("Watch the rule service scale to zero and back", False), ("Take a backup before the upgrade", False),
    ]),
    ("zh", 360, 640, 2, [
        ("读完第一课", True), ("安装 minikube", True), ("把一半流量切到 v2", False),
        ("观察 rule 服务缩容到零再恢复", False), ("升级前先备份数据库", False),
    ]),
)  # fmt: skip


def main() -> None:
    """Take each screenshot of a fresh page."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="todo-screenshots-") as folder, serving(Path(folder)) as application:
        with chromium() as driver:
            driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
            page = Page(driver, application.address, application.api)
            for language, width, height, scale, todos in SHOTS:
                application.clear()
                application.store(todos)
                resize(driver, width, height, scale)
                page.open()
                page.script("localStorage.setItem('todo.language', arguments[0])", language)
                page.open()
                shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": False})
                path = IMAGES / f"todo-{language}-{width}.png"
                path.write_bytes(base64.b64decode(shot["data"]))
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
