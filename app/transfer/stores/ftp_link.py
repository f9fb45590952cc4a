"""One control connection to an FTP server, signed in, and the data connections it opens.

Data connections resume the control connection's TLS session: servers demand it (vsftpd ``require_ssl_reuse``), as
proof that both ends are the same; the standard library's do not (CPython issue 63699). Names travel as UTF-8 bytes.
"""

from __future__ import annotations

import ftplib
import ipaddress
import posixpath
import socket
import ssl
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime

from app.core.errors import BitewingError, EnvironmentFault
from app.transfer.stores.ftp_errors import connecting, is_refused
from app.transfer.stores.ftp_lines import Lines, limit_waits
from app.transfer.stores.ftp_listing import Line, read_list, read_mlsd, read_time
from app.transfer.stores.interrupting import shut
from app.transfer.tls import fingerprint, parse_trust, peer_certificate, stranger_context

BLOCK_BYTES = 256 << 10
_GOODBYE_S = 5.0
_LONGEST_LISTING = 256 << 20
_UNKNOWN_COMMAND = {"500", "502", "504"}


@dataclass(frozen=True, slots=True)
class FtpArgs:
    """Where an FTP server is and who we are there.

    ``secure``: explicit FTPS; otherwise plain FTP, which needs ``allow_plain`` (recorded consent) and an address
    that is not public. ``trust``: empty, a PEM file, or a certificate's SHA-256 fingerprint. ``path``: the base
    folder; relative: from where the user starts.
    """

    host: str
    username: str = "anonymous"
    password: str = field(default="", repr=False)
    port: int = 21
    path: str = ""
    secure: bool = True
    allow_plain: bool = False
    trust: str = ""
    timeout_s: float = 30.0
    connect_timeout_s: float = 10.0


class Link(Lines):
    """A control connection. One thread at a time; :meth:`hang_up` any thread."""

    def __init__(self, args: FtpArgs) -> None:
        """Connect and sign in.

        Raises
        ------
        TransientFault, EnvironmentFault
            As every call of a store; ``store.plain_refused``, ``store.no_encryption``.
        UserError
            ``store.bad_trust``.
        """
        self._trust = parse_trust(args.trust)
        # Latin-1 passes every byte through: names are turned to UTF-8 by wire() and back by the listing.
        # Without TLS nobody has to be trusted, and reading all whom the system trusts takes 17 ms.
        context = self._trust.context() if args.secure or self._trust.ca else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(context=context, encoding="latin-1")
        self._args = args
        self._data: socket.socket | None = None
        self._base: str | None = None
        self.fingerprint = ""
        try:
            with connecting():
                self._open()
        except BitewingError as fault:
            self.close()
            if fault.code == "store.certificate" and "fingerprint" not in fault.facts:
                with suppress(BitewingError):
                    fault.facts["fingerprint"] = certificate_of(args)
            raise

    def _open(self) -> None:
        args = self._args
        self.connect(args.host, args.port, timeout=args.connect_timeout_s)
        self._peer = self._control().getpeername()
        if args.secure:
            self._start_tls()
        else:
            self._require_consent()
        self.login(args.username, args.password, secure=False)
        if args.secure:
            self._ask_for_encryption(self.prot_p)
        self.voidcmd("TYPE I")
        self.features = self._ask_features()
        self.is_utf8 = "UTF8" in self.features
        if self.is_utf8:
            # Some servers need it said, some call it unknown.
            with suppress(ftplib.error_perm):
                self.sendcmd("OPTS UTF8 ON")
        self._home = self.pwd()
        limit_waits(self._control(), args.timeout_s)
        self.timeout = args.timeout_s

    def _start_tls(self) -> None:
        self._ask_for_encryption(self.auth)
        self._trust.require_pinned(self._control())
        self.fingerprint = fingerprint(peer_certificate(self._control()))

    def _ask_for_encryption(self, ask: Callable[[], object]) -> None:
        try:
            ask()
        except ftplib.error_perm as error:
            raise EnvironmentFault("store.no_encryption", detail=str(error)) from error

    def _require_consent(self) -> None:
        """Nothing is said in clear to a server on the internet, nor without consent (SEC-17)."""
        address = ipaddress.ip_address(self._peer[0])
        if not self._args.allow_plain or address.is_global:
            raise EnvironmentFault("store.plain_refused", host=self._args.host)

    def _ask_features(self) -> frozenset[str]:
        try:
            lines = self.sendcmd("FEAT").splitlines()[1:-1]
        except ftplib.error_perm:
            return frozenset()
        return frozenset(line.split()[0].upper() for line in lines if line.split())

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection, in the control connection's TLS session where there is one; from the beginning."""
        if rest is not None:
            raise ValueError("transfers begin at their beginning")
        connection = self._passive(cmd)
        self._data = connection
        control = self._control()
        if not isinstance(control, ssl.SSLSocket):
            return connection, None
        try:
            self._data = self.context.wrap_socket(connection, server_hostname=self.host, session=control.session)
            self._trust.require_pinned(self._data)
        except BaseException:
            self._data.close()
            raise
        return self._data, None

    def _passive(self, cmd: str) -> socket.socket:
        """Open a plain data connection, always to the very address that is talked to: another may be anybody's."""
        if self.af == socket.AF_INET:
            _host, port = ftplib.parse227(self.sendcmd("PASV"))
        else:
            _host, port = ftplib.parse229(self.sendcmd("EPSV"), self._peer)
        connection = socket.socket(self.af, socket.SOCK_STREAM)
        try:
            connection.settimeout(self.timeout)
            connection.connect((self._peer[0], port, *self._peer[2:]))
            self._begin(cmd)
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin(self, cmd: str) -> None:
        answer = self.sendcmd(cmd)
        # Some say "200" before "150" here.
        if answer.startswith("2"):
            answer = self.getresp()
        if not answer.startswith("1"):
            raise ftplib.error_reply(answer)

    def break_off(self, connection: socket.socket) -> None:
        """Close a data connection whose transfer has failed."""
        self._data = None
        connection.close()

    def finish(self, connection: socket.socket) -> None:
        """End a data connection and read what the server says of the transfer. Raises ftplib's errors."""
        try:
            say_goodbye(connection)
            self._data = None
            self.voidresp()
        finally:
            # Not before the answer: closing with something unread (a TLS ticket) would reset the connection,
            # and with it what the server has not read yet.
            connection.close()

    def hang_up(self) -> None:
        """Wake the thread that waits for this server. Any thread.

        In the middle of a transfer the control connection is left for a moment, to tidy up with.
        """
        control, data = self.sock, self._data
        if data is None:
            shut(control)
            return
        if control is not None:
            # It may have ended already; the data connection is shut all the same.
            with suppress(OSError):
                limit_waits(control, _GOODBYE_S)
        shut(data)

    def file_size(self, path: str) -> int | None:
        """Return the size of a file, ``None`` when there is none. Raises ftplib's errors."""
        try:
            return self.size(path)
        except ftplib.error_perm as error:
            if is_refused(error):
                return None
            if str(error)[:3] not in _UNKNOWN_COMMAND:
                raise
        folder, _, name = path.rpartition("/")
        lines = self.listing(folder or "/") or []
        found = [line.size for line in lines if not line.is_folder and line.name == name.encode("latin-1")]
        return found[0] if found else None

    def modified(self, path: str) -> datetime | None:
        """Return when a file was changed; ``None`` where the server does not say."""
        try:
            return read_time(self.sendcmd(f"MDTM {path}")[3:])
        except ftplib.error_perm:
            return None

    def listing(self, folder: str) -> list[Line] | None:
        """Return what is in a folder, ``None`` when there is no such folder. Raises ftplib's errors."""
        try:
            # By going there: an argument of LIST may be taken for options or a pattern.
            self.cwd(folder)
        except ftplib.error_perm as error:
            if is_refused(error):
                return None
            raise
        knows_mlsd = bool({"MLST", "MLSD"} & self.features)
        connection = self.transfercmd("MLSD" if knows_mlsd else "LIST")
        told = bytearray()
        with closing(connection):
            while block := connection.recv(BLOCK_BYTES):
                told += block
                if len(told) > _LONGEST_LISTING:
                    self.close()
                    raise EnvironmentFault("store.failed", detail="listing")
            self.finish(connection)
        return list(read_mlsd(bytes(told)) if knows_mlsd else read_list(bytes(told)))

    def base(self) -> str:
        """Return what names begin with: the base folder, from where the user starts. Raises as :meth:`wire`."""
        if self._base is None:
            self._base = posixpath.join(self._home, self.wire(self._args.path))
        return self._base

    def wire(self, name: str) -> str:
        """Return a name as ftplib is to send it.

        Raises
        ------
        EnvironmentFault
            ``store.bad_name`` for other letters than ASCII where the server does not say that it knows UTF-8.
        """
        if not (self.is_utf8 or name.isascii()):
            raise EnvironmentFault("store.bad_name", name=name)
        return name.encode("utf-8").decode("latin-1")


def say_goodbye(connection: socket.socket) -> None:
    """Tell the other side that this was all, without waiting for it to say the same (vsftpd takes 14 ms)."""
    if isinstance(connection, ssl.SSLSocket):
        connection.settimeout(0)
        # Said, and not answered yet; or the server just hung up. The size proves that all of it arrived.
        with suppress(OSError, ValueError):
            try:
                connection.unwrap()
            except ssl.SSLWantWriteError:
                # The line is full of data: now it has to be waited for.
                connection.settimeout(_GOODBYE_S)
                connection.unwrap()
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_WR)


def certificate_of(args: FtpArgs) -> str:
    """Return the fingerprint of the certificate that answers, for people to compare; nothing is sent.

    Raises
    ------
    TransientFault, EnvironmentFault
        As every call of a store.
    """
    with connecting(), ftplib.FTP_TLS(context=stranger_context()) as stranger:
        stranger.connect(args.host, args.port, timeout=args.connect_timeout_s)
        stranger.auth()
        return fingerprint(peer_certificate(stranger.sock))
