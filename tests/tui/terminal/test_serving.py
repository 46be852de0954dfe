"""The lab in a browser: on this machine only, for pages of its own only, and whole."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from time import monotonic, sleep

import pytest

from backprop_tui.cli import main
from backprop_tui.serving import is_own_page
from benchmarks.ssh import free_port
from tests.tui.program import DEADLINE, LAB

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)

CHROMIUM_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1200,900",
)


FOCUS = "document.querySelector('.xterm-helper-textarea')?.focus()"


@contextmanager
def served(folder, *arguments: str):
    """Serve the lab on a free port, and yield its address."""
    port = free_port()
    process = subprocess.Popen(
        [*LAB, "serve", "--port", str(port), *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert f"http://127.0.0.1:{port}" in process.stderr.readline()
        until_answered(f"http://127.0.0.1:{port}/")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def until_answered(url: str) -> None:
    deadline = monotonic() + DEADLINE
    while True:
        try:
            urllib.request.urlopen(url, timeout=DEADLINE).close()
        except urllib.error.URLError:
            assert monotonic() < deadline
            sleep(0.05)
        else:
            return


def test_other_pages_are_not_heard(tmp_path):
    with served(tmp_path, "sequence") as address:
        for headers in ({"Origin": "http://elsewhere.example"}, {}, {"Origin": "http://127.0.0.1:1"}):
            request = urllib.request.Request(f"http://{address}/ws", headers=headers)
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=DEADLINE)
            assert refused.value.code == 403
        with urllib.request.urlopen(f"http://{address}/", timeout=DEADLINE) as page:
            assert "googleapis" not in page.read().decode()


def test_only_the_server_s_own_pages_are_its_own():
    assert is_own_page("http://127.0.0.1:8000", "127.0.0.1:8000", "127.0.0.1")
    assert is_own_page("http://localhost:8000", "localhost:8000", "127.0.0.1")
    assert is_own_page("http://lab.example:8000", "lab.example:8000", "0.0.0.0")
    assert not is_own_page("http://evil.example:8000", "evil.example:8000", "127.0.0.1")
    assert not is_own_page("http://evil.example", "127.0.0.1:8000", "127.0.0.1")
    assert not is_own_page("", "127.0.0.1:8000", "127.0.0.1")
    assert not is_own_page("http://evil.example", "lab.example:8000", "0.0.0.0")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--port", "0"], "--port"),
        (["--port", "1.5"], "--port"),
        (["sequnce"], "did you mean 'sequence'"),
        (["--headless"], "--headless"),
        (["--record", "x"], "--record"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(capsys, words, part):
    assert main(["serve", *words]) == 2
    said = capsys.readouterr().err
    assert part in said
    assert said.count("\n") == 1


def test_without_its_extra_it_says_how_to_install_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    assert main(["serve"]) == 2
    assert "pip install 'backprop-tui[serve]'" in capsys.readouterr().err


def test_a_port_in_use_is_said_in_one_line(tmp_path, capsys):
    with served(tmp_path, "sequence") as address:
        done = subprocess.run(
            [*LAB, "serve", "--port", address.rpartition(":")[2]], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("address already in use")


class Page:
    """A page in a headless browser, driven by its debugging protocol."""

    def __init__(self, socket) -> None:
        self._socket = socket
        self._number = 0

    async def call(self, method: str, **parameters):
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            answer = json.loads((await self._socket.receive(DEADLINE)).data)
            if answer.get("id") == self._number:
                return answer["result"]

    async def type(self, text: str) -> None:
        for character in text:
            key = {"\r": "Enter"}.get(character, character)
            pressed = {"key": key, "text": character, "windowsVirtualKeyCode": 13 if key == "Enter" else 0}
            await self.call("Input.dispatchKeyEvent", type="keyDown", **pressed)
            await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def picture(self) -> bytes:
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])


async def drive(address: str, folder, debugging_port: int) -> bytes:
    """Open the lab, save its weights by a typed command, and return a picture of it."""
    import aiohttp

    async with aiohttp.ClientSession() as session:
        until_answered(f"http://127.0.0.1:{debugging_port}/json/version")
        async with session.put(f"http://127.0.0.1:{debugging_port}/json/new?http://{address}/") as opened:
            url = (await opened.json())["webSocketDebuggerUrl"]
        async with session.ws_connect(url, max_msg_size=0) as socket:
            page = Page(socket)
            await page.call("Page.bringToFront")
            await page.call("Emulation.setFocusEmulationEnabled", enabled=True)
            saved = folder / "weights.npz"
            deadline = monotonic() + DEADLINE
            while not saved.exists():
                assert monotonic() < deadline
                await page.call("Runtime.evaluate", expression=FOCUS)
                await page.type(":save weights.npz\r")
                await asyncio.sleep(0.5)
            picture = await page.picture()
            await page.type("q")
            return picture


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here (Debian's chromium)")
async def test_in_a_browser_the_lab_is_drawn_and_hears_keys(tmp_path):
    debugging_port = free_port()
    profile = tmp_path / "profile"
    with served(tmp_path, "sequence") as address:
        browser = subprocess.Popen(
            [
                CHROMIUM,
                *CHROMIUM_OPTIONS,
                f"--user-data-dir={profile}",
                f"--remote-debugging-port={debugging_port}",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            picture = await drive(address, tmp_path, debugging_port)
        finally:
            browser.terminate()
            browser.wait()
    # An empty page of this size is a PNG of some 4 KB.
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000
