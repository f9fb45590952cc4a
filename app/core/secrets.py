"""Secrets: one 32-byte key per library, and sealing of values with it.

The key is kept in the operating system's secret store through ``keyring`` or, where there is none, in
the owner-only JSON file named by ``BITEWING_SECRETS_FILE``, which wins when set. Never a silent
plain-text fallback: without a key no secret is stored, and the reason is said.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import stat
import sys
from pathlib import Path
from typing import Protocol

from app.core import logs
from app.core.errors import EnvironmentFault
from app.core.file_lock import exclusively
from app.core.files import translate_os_error, write_atomically
from app.core.paths import state_directory

SECRETS_FILE_VARIABLE = "BITEWING_SECRETS_FILE"
SERVICE = "bitewing"
KEY_BYTES = 32
_NONCE_BYTES = 12
# Backends that keep secrets in clear or nowhere (SEC-15).
_REFUSED_BACKENDS = ("keyrings.alt", "keyring.backends.null", "keyring.backends.fail")


class SecretStore(Protocol):
    """Somewhere that keeps small secrets for this operating-system account."""

    def get(self, name: str) -> str | None:
        """Return the secret, or ``None``."""

    def set(self, name: str, value: str) -> None:
        """Keep the secret. Raises EnvironmentFault when it cannot be kept safely."""

    def set_default(self, name: str, value: str) -> str:
        """Keep the secret unless there is one already; return the one that is kept. Raises as :meth:`set`."""

    def delete(self, name: str) -> None:
        """Forget the secret; unknown names are fine."""


class MemorySecretStore:
    """Secrets for the life of the process: tests."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        """Return the secret, or ``None``."""
        return self._values.get(name)

    def set(self, name: str, value: str) -> None:
        """Keep the secret."""
        self._values[name] = value

    def set_default(self, name: str, value: str) -> str:
        """Keep the secret unless there is one already; return the one that is kept."""
        return self._values.setdefault(name, value)

    def delete(self, name: str) -> None:
        """Forget the secret."""
        self._values.pop(name, None)


class FileSecretStore:
    """Secrets in a JSON file that only its owner can read (servers, CI). Threads and processes take turns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Beside the file, not the file itself: that is replaced as a whole.
        self._lock_path = path.with_name(f"{path.name}.lock")

    def get(self, name: str) -> str | None:
        """Return the secret, or ``None``. Raises ``secrets.file_open`` when others can read the file."""
        value = self._read().get(name)
        return value if isinstance(value, str) else None

    def set(self, name: str, value: str) -> None:
        """Keep the secret."""
        with exclusively(self._lock_path):
            self._write({**self._read(), name: value})

    def set_default(self, name: str, value: str) -> str:
        """Keep the secret unless there is one already; return the one that is kept."""
        with exclusively(self._lock_path):
            kept = self.get(name)
            if kept is None:
                self._write({**self._read(), name: value})
                kept = self.get(name)
        return _require_kept(kept)

    def delete(self, name: str) -> None:
        """Forget the secret."""
        with exclusively(self._lock_path):
            values = self._read()
            if values.pop(name, None) is not None:
                self._write(values)

    def _read(self) -> dict[str, object]:
        if not self._path.exists():
            return {}
        if sys.platform != "win32" and self._path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise EnvironmentFault("secrets.file_open", path=str(self._path))
        try:
            values = json.loads(self._path.read_text("utf-8"))
        except (ValueError, OSError) as error:
            raise EnvironmentFault("secrets.file_damaged", path=str(self._path)) from error
        if not isinstance(values, dict):
            raise EnvironmentFault("secrets.file_damaged", path=str(self._path))
        return values

    def _write(self, values: dict[str, object]) -> None:
        try:
            write_atomically(self._path, json.dumps(values).encode("utf-8"))
        except OSError as error:
            raise translate_os_error(error) from error


class KeyringSecretStore:
    """Secrets in the operating system's store."""

    def get(self, name: str) -> str | None:
        """Return the secret, or ``None``."""
        import keyring
        import keyring.errors

        self._require_safe_backend()
        try:
            return keyring.get_password(SERVICE, name)
        except keyring.errors.KeyringError as error:
            raise EnvironmentFault("secrets.no_store") from error

    def set(self, name: str, value: str) -> None:
        """Keep the secret."""
        import keyring
        import keyring.errors

        self._require_safe_backend()
        try:
            keyring.set_password(SERVICE, name, value)
        except keyring.errors.KeyringError as error:
            raise EnvironmentFault("secrets.no_store") from error

    def set_default(self, name: str, value: str) -> str:
        """Keep the secret unless there is one already; return the one that is kept."""
        # The system's stores know no "unless": this account's processes take turns at a file instead.
        folder = state_directory()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise translate_os_error(error) from error
        with exclusively(folder / "keyring.lock"):
            kept = self.get(name)
            if kept is None:
                self.set(name, value)
                kept = self.get(name)
        return _require_kept(kept)

    def delete(self, name: str) -> None:
        """Forget the secret."""
        import keyring
        import keyring.errors

        self._require_safe_backend()
        try:
            keyring.delete_password(SERVICE, name)
        except keyring.errors.PasswordDeleteError:
            return
        except keyring.errors.KeyringError as error:
            raise EnvironmentFault("secrets.no_store") from error

    @staticmethod
    def _require_safe_backend() -> None:
        import keyring

        backend = type(keyring.get_keyring()).__module__
        if backend.startswith(_REFUSED_BACKENDS):
            raise EnvironmentFault("secrets.no_store")


def _require_kept(value: str | None) -> str:
    """Return what was read back; what a store does not give back is not kept."""
    if value is None:
        raise EnvironmentFault("secrets.no_store")
    return value


def system_secret_store() -> SecretStore:
    """Return the store this account uses: the named file when the variable is set, else the system's."""
    named = os.environ.get(SECRETS_FILE_VARIABLE)
    return FileSecretStore(Path(named)) if named else KeyringSecretStore()


class Sealer:
    """Seals values with the library's key (AES-256-GCM, random nonce, the name as associated data)."""

    def __init__(self, store: SecretStore, library_id: str) -> None:
        self._store = store
        self._entry = f"library-{library_id}"

    def has_key(self) -> bool:
        """Whether this account holds the library's key."""
        return self._store.get(self._entry) is not None

    def seal(self, name: str, value: str) -> str:
        """Return ``value`` sealed; makes the library's key when there is none yet.

        Raises
        ------
        EnvironmentFault
            ``secrets.no_store`` when no key can be kept safely; nothing is stored then.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        logs.keep_out(value)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._key(make=True)).encrypt(nonce, value.encode("utf-8"), name.encode("utf-8"))
        return base64.b64encode(nonce + sealed).decode("ascii")

    def unseal(self, name: str, sealed: str) -> str:
        """Return the value. Raises ``secrets.no_key`` or ``secrets.wrong_key``."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        data = base64.b64decode(sealed)
        try:
            plain = AESGCM(self._key(make=False)).decrypt(
                data[:_NONCE_BYTES], data[_NONCE_BYTES:], name.encode("utf-8")
            )
        except InvalidTag as error:
            raise EnvironmentFault("secrets.wrong_key") from error
        value = plain.decode("utf-8")
        logs.keep_out(value)
        return value

    def mac(self, purpose: str, data: bytes) -> str | None:
        """Return an HMAC-SHA256 of ``data`` under the library's key; ``None`` where this account has no key."""
        if not self.has_key():
            return None
        key = hmac.digest(self._key(make=False), purpose.encode("utf-8"), "sha256")
        return hmac.digest(key, data, "sha256").hex()

    def _key(self, *, make: bool) -> bytes:
        text = self._store.get(self._entry)
        if text is None:
            if not make:
                raise EnvironmentFault("secrets.no_key")
            # Another thread or process may be making one too: the first is everybody's.
            text = self._store.set_default(self._entry, base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii"))
        return base64.b64decode(text)
