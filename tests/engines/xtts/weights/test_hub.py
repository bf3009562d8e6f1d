"""Downloads from a hub of our own: consent, resuming, verification, and errors."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from huggingface_hub import constants

from wyoming_k2so.engine import ConsentNeeded, EngineError
from wyoming_k2so.engines.xtts.weights import hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = {
    "config.json": b'{"model": "xtts"}',
    "vocab.json": b"{}",
    "speakers_xtts.pth": b"speakers" * 100,
    "model.pth": bytes(range(256)) * 4000,
    "README.md": b"not wanted",
}


class Hub(ThreadingHTTPServer):
    """As much of the Hugging Face hub as a download needs."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, str, str | None]] = []
        self.served = dict(CONTENT)
        self.cut_at: int | None = None
        """Break off the download of model.pth after so many bytes, once."""


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        self.server.requests.append((self.command, self.path, self.headers.get("Range")))
        if re.match(r"/api/models/coqui/XTTS-v2(/|\?|$)", self.path):
            self._send(json.dumps(self._info()).encode(), {"Content-Type": "application/json"}, body=True)
        elif match := re.match(r"/coqui/XTTS-v2/resolve/[^/]+/([\w.]+)$", self.path):
            self._file(match[1], body=body)
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _info(self) -> dict[str, object]:
        siblings = []
        for name, data in CONTENT.items():
            entry: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": "0" * 40}
            if name.endswith(".pth"):
                entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
            siblings.append(entry)
        return {"id": "coqui/XTTS-v2", "sha": COMMIT, "siblings": siblings}

    def _file(self, name: str, *, body: bool) -> None:
        data = self.server.served[name]
        headers = {
            "ETag": f'"{hashlib.sha256(CONTENT[name]).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
            "Accept-Ranges": "bytes",
        }
        status, start = 200, 0
        if asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or ""):
            status, start = 206, int(asked[1])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send(data[start:], headers, status, body=body, cut=name == "model.pth" and body)

    def _send(self, data: bytes, headers: dict[str, str], status: int = 200, *, body: bool, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if cut and self.server.cut_at is not None:
            data, self.server.cut_at = data[: self.server.cut_at], None
            self.close_connection = True
        if body:
            self.wfile.write(data)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as server:
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def download(folder: Path, name: str = "coqui/XTTS-v2") -> Path:
    return hub.download(name, folder, consent=True)


def test_without_consent_there_is_no_request(server: Hub, tmp_path: Path) -> None:
    with pytest.raises(ConsentNeeded, match=r"non-commercial.*--accept-xtts-license"):
        hub.download("coqui/XTTS-v2", tmp_path, consent=False)
    assert not server.requests


def test_the_download_is_complete_and_happens_once(server: Hub, tmp_path: Path) -> None:
    folder = download(tmp_path)
    assert {name: (folder / name).read_bytes() for name in CONTENT if name != "README.md"} == {
        name: data for name, data in CONTENT.items() if name != "README.md"
    }
    assert not (folder / "README.md").exists()
    count = len(server.requests)
    assert hub.download("coqui/XTTS-v2", tmp_path, consent=False) == folder
    assert len(server.requests) == count


def test_an_interrupted_download_resumes(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 50_000)
    server.cut_at = 400_000
    try:
        folder = download(tmp_path)
    except EngineError:  # or the client's own attempts to resume were enough
        folder = download(tmp_path)
    assert (folder / "model.pth").read_bytes() == CONTENT["model.pth"]
    ranges = [asked for _, path, asked in server.requests if path.endswith("model.pth") and asked]
    assert [int(asked.removeprefix("bytes=").rstrip("-")) for asked in ranges] == [400_000]


def test_a_damaged_file_is_not_kept(server: Hub, tmp_path: Path) -> None:
    server.served["model.pth"] = CONTENT["model.pth"][:-1] + b"!"
    with pytest.raises(EngineError, match=r"model\.pth was damaged"):
        download(tmp_path)
    server.served["model.pth"] = CONTENT["model.pth"]
    assert (download(tmp_path) / "model.pth").read_bytes() == CONTENT["model.pth"]


def test_no_network(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(EngineError, match="cannot download coqui/XTTS-v2; check the network"):
        download(tmp_path)


def test_an_unknown_model(server: Hub, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no model nobody/nothing"):
        download(tmp_path, "nobody/nothing")


def test_a_full_disk(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", full)
    with pytest.raises(EngineError, match="disk is full"):
        download(tmp_path)


def test_names_and_folders_are_distinguished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my" / "voice").mkdir(parents=True)
    assert hub.is_hub_name("coqui/XTTS-v2")
    assert not hub.is_hub_name("my/voice")
    assert not hub.is_hub_name("/absolute/folder")
    assert not hub.is_hub_name("folder")
