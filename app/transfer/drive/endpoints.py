"""Where Google's services are. Another place is named by whoever builds the service, never by the surroundings."""

from __future__ import annotations

from dataclasses import dataclass

# The program sees what it made itself, and nothing else of a person's Drive.
SCOPE = "https://www.googleapis.com/auth/drive.file"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of the sign-in page, of tokens, and of the Drive API (version 3)."""

    authorize: str
    token: str
    revoke: str
    api: str
    upload: str

    @classmethod
    def at(cls, base: str) -> Endpoints:
        """Return the addresses of a server that stands in for all of them."""
        base = base.rstrip("/")
        return cls(f"{base}/auth", f"{base}/token", f"{base}/revoke", f"{base}/drive/v3", f"{base}/upload/drive/v3")


GOOGLE = Endpoints(
    authorize="https://accounts.google.com/o/oauth2/v2/auth",
    token="https://oauth2.googleapis.com/token",
    revoke="https://oauth2.googleapis.com/revoke",
    api="https://www.googleapis.com/drive/v3",
    upload="https://www.googleapis.com/upload/drive/v3",
)
