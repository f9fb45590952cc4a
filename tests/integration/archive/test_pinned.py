"""A trusted certificate is compared on every way, or the way is refused."""

from __future__ import annotations

import ssl

import pytest

from app.transfer.certificates import pinned


def test_over_buffers_nothing_could_be_compared() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        pinned("ab" * 32).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="archive")
