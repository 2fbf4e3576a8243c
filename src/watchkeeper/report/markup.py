"""Small pieces of markup that page and notebook share: sentences with code in them, and the sign of each severity."""

from __future__ import annotations

from importlib import resources

from markupsafe import Markup, escape

_SIGNS = {
    "fine": Markup('<circle cx="10" cy="10" r="9"/><path class="cut" d="M5.5 10.5l3 3 6-7"/>'),
    "info": Markup('<circle cx="10" cy="10" r="5"/>'),
    "warning": Markup('<path d="M10 1.5l9.2 16.5H.8z"/><path class="cut" d="M10 7v5.5M10 15v.6"/>'),
    "alarm": Markup('<path d="M2 2h16v16H2z"/><path class="cut" d="M6.5 6.5l7 7m0-7l-7 7"/>'),
}

END = 7
"""Characters at the end of a name that stay where it is cut."""


def sign(kind: str) -> Markup:
    """A disc with a tick, a dot, a triangle, or a square with a cross; the colour comes from the style."""
    return Markup('<svg class="mark {0}" viewBox="0 0 20 20" role="img" aria-label="{0}">{1}</svg>').format(
        kind, _SIGNS[kind]
    )


def tied(text: str) -> str:
    """The text with its percent signs tied to their numbers, so that no line breaks between them."""
    return text.replace(" %", "\u00a0%")


def code(sentence: str) -> Markup:
    """A sentence with what stands in backticks set as code; everything is escaped."""
    parts = [escape(part) for part in tied(sentence).split("`")]
    if len(parts) % 2 == 0:
        return Markup("`").join(parts)
    return Markup().join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def cut(name: str) -> Markup:
    """A name in two parts, of which the style shortens the first, since names often differ at the end."""
    if len(name) <= 2 * END:
        return Markup("<span>{}</span>").format(name)
    return Markup("<span>{}</span><span>{}</span>").format(name[:-END], name[-END:])


def asset(name: str) -> Markup:
    """The text of a file of this room, as it stands: our own style or script."""
    return Markup((resources.files("watchkeeper.report") / name).read_text(encoding="utf-8"))  # noqa: S704
