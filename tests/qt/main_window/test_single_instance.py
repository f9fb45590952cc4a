"""A second start hands over its wishes; rubbish on the socket is ignored."""

from __future__ import annotations

import subprocess
import sys

from PySide6.QtNetwork import QLocalSocket

from app.ui.main_window.instance_name import may_be_running, socket_name
from app.ui.main_window.single_instance import InstanceServer, hand_over
from app.ui.main_window.wishes import Wishes

SECOND = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from app.ui.main_window.single_instance import hand_over
application = QCoreApplication([])
print(hand_over(Path(sys.argv[1]), {"patient": "P-1", "tooth": "8"}))
"""


def test_nobody_there(qapp, tmp_path):
    assert not hand_over(tmp_path, {})


def test_a_listening_window_is_noticed_cheaply(qapp, tmp_path):
    server = InstanceServer(tmp_path)
    assert may_be_running(tmp_path)
    server.close()


def test_another_process_hands_over(qtbot, tmp_path):
    server = InstanceServer(tmp_path)
    try:
        with qtbot.waitSignal(server.asked, timeout=20_000) as heard:
            other = subprocess.Popen([sys.executable, "-c", SECOND, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        qtbot.waitUntil(lambda: other.poll() is not None, timeout=10_000)
        assert other.stdout.read().strip() == "True"
        other.stdout.close()
        assert Wishes.parse(heard.args[0]) == Wishes(patient="P-1", tooth="8")
    finally:
        server.close()


def test_rubbish_is_refused(qtbot, tmp_path):
    server = InstanceServer(tmp_path)
    heard = []
    server.asked.connect(heard.append)
    socket = QLocalSocket()
    socket.connectToServer(socket_name(tmp_path))
    assert socket.waitForConnected(1000)
    socket.write(b"\xff{nonsense\n")
    qtbot.wait(100)
    assert heard == []
    server.close()


def test_unknown_fields_and_wrong_types_are_left_out():
    parsed = Wishes.parse({"patient": "7", "evil": "x", "tooth": 4, "files": ["/a", 3]})
    assert parsed == Wishes(patient="7", files=("/a",))
