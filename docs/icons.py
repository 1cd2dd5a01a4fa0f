"""Draw the icons of the page for phones from its own drawing, ``icon.svg``, with Debian's Chromium: run it by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).parent.parent / "cloud" / "web" / "static"
SIZES = {"192": 192, "512": 512, "180": 180, "maskable": 512}
"""Side in pixels by name. Phones cut their own shape from those without round corners."""
WITHOUT_CORNERS = {"180", "maskable"}


def main() -> None:
    """Write ``icons/*.png``."""
    drawing = (STATIC / "icon.svg").read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, side in SIZES.items():
            shown = drawing.replace('rx="7" ', "") if name in WITHOUT_CORNERS else drawing
            page = browser.new_page(viewport={"width": side, "height": side})
            page.set_content(f"<style>body{{margin:0}}svg{{display:block;width:{side}px}}</style>{shown}")
            page.screenshot(path=STATIC / "icons" / f"{name}.png", omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
