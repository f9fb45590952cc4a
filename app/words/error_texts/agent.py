"""Words for the agent as a service of the system."""

from __future__ import annotations

from app.words.catalogue import t
from app.words.error_texts.templates import ErrorTemplates


def texts() -> dict[str, ErrorTemplates]:
    """Return the templates by code, in the language in use."""
    return {
        "agent.no_manager": ErrorTemplates(
            t("No service manager"),
            t("This computer has no service manager that Bitewing knows, so nothing was installed."),
            t("Let “bitewing agent” be started and restarted by what is there; agent install --print shows examples."),
        ),
        "agent.not_installed": ErrorTemplates(
            t("Agent not installed"),
            t("The agent of this library is not installed on this computer."),
            t("Install it by “bitewing agent install”."),
        ),
        "agent.refused": ErrorTemplates(
            t("The system refused"),
            t("{command} said: {said}"),
            t("Try it again with an administrator's rights, or look at what would be done by agent install --print."),
            t("The system's service manager refused."),
        ),
        "agent.no_secrets": ErrorTemplates(
            t("Passwords not readable"),
            t("A service of the machine cannot open this account's secret store, where the library's key is."),
            t("Name an owner-only file in BITEWING_SECRETS_FILE, enter the passwords again, and install once more."),
        ),
        "agent.no_linger": ErrorTemplates(
            t("Only while signed in"),
            t("The agent begins with this account's sign-in and ends with it: the system would not let it stay."),
            t("Let an administrator run “loginctl enable-linger” for this account."),
        ),
    }
