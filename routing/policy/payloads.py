"""Signs of text made for a machine: code where words belong, and words written in a code.

Encoded text counts only when it decodes to readable text (or is long), so identifiers, hashes and words do
not. What was decoded is searched for instructions too. Only the first runs of each encoding are decoded.
"""

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

import re2

from routing.policy.sign import Sign

MOST_RUNS = 100
LONGEST_RUN = 8_000

# (name, weight, pattern), matched against lower-case text.
_MARKUP: tuple[tuple[str, float, str], ...] = (
    (
        "script in markup",
        0.85,
        (r"<\s*/?\s*script\b|</?sc<script|<script[/\\]|javascript\s*:|vbscript\s*:|data:text/html"),
    ),
    (
        "event handler",
        0.8,
        (
            r"\bon(?:error|load|click|focus|blur|mouse\w+|key\w+|wheel|copy|toggle|submit|"
            r"propertychange|animation\w+)\s*=|[\"']\s*autofocus\b"
        ),
    ),
    (
        "active element",
        0.62,
        (
            r"<\s*(?:iframe|object|embed|svg|base|meta|link|style|plaintext|form|textarea|img|body|"
            r"title|a\s+href|!--\[if)\b?"
        ),
    ),
    ("broken attribute", 0.62, r"[\"'`]\s*/?>\s*<|<\w+\s[^<>]*=\s*[\"'`“”]"),
    ("style that computes", 0.7, (r"(?:style|expression)\s*=?[\"'(][^<>]*(?:expression|javascript|url)\s*\\?\w*\(")),
    (
        "function call in quotes",
        0.7,
        (r"[\"')]\s*;\s*\w+\(|;\s*(?:alert|prompt|confirm|eval|exec|system)\s*\(|\balert\s*\("),
    ),
    ("entity or document type", 0.85, r"<!entity|<!doctype|<\?xml|<!\[cdata\["),
    (
        "SQL",
        0.85,
        (
            r"['\"]\s*or\s+['\"]?\d+['\"]?\s*=\s*['\"]?\d|;\s*(?:drop|delete|truncate|alter|insert|"
            r"update|exec)\s+\w+|\bunion\s+(?:all\s+)?select\b|\bdrop\s+table\b|"
            r"\bexec(?:ute)?\s+(?:sp|xp)_"
        ),
    ),
    (
        "shell",
        0.8,
        (
            r"\$\([^)\n]+\)|`\s*(?:touch|ls|cat|rm|curl|wget|id|whoami|echo|nc|bash|sh|ping|"
            r"sleep)\b[^`\n]*`|/dev/(?:null|tcp|zero)|\brm\s+-[rf]{1,2}\b|\b(?:curl|"
            r"wget)\b[^\n]*\|\s*(?:ba)?sh\b|\(\)\s*\{[^}]*\}\s*;?|;\s*(?:touch|cat|curl|wget|nc|"
            r"chmod)\s|\bnc\s+-[a-z]+\s"
        ),
    ),
    (
        "call of the system",
        0.75,
        (
            r"\b(?:eval|exec|system|popen|spawn|passthru|shell_exec|os\.system|subprocess\.\w+|"
            r"kernel\.\w+)\s*\(|%x\(|\[system\b|__(?:class|mro|subclasses|import|globals|builtins)__"
        ),
    ),
    ("path out of its folder", 0.8, (r"(?:\.\.[/\\]){2,}|/etc/(?:passwd|shadow|hosts)\b|\bfile:///|\bc:\\windows\b")),
    ("template", 0.7, r"\{\{[^{}\n]+\}\}|\{%[^{}\n]+%\}|<%[^>\n]*%>|\$\{[^}\n]+\}|@\{\["),
    ("format string", 0.62, (r"(?:%[\d.*]*[sdnxup@]){2,}|(?:^|\s)%[\d.*]*[sdnxp@](?:\s|$)|\{\d\}|%\*\.\*s|<<<\s*%")),
    ("variable of the shell", 0.62, r"^\s*\$[a-z_]+\b|\$env\{|\$(?:user|home|path|env)\b"),
    ("command option alone", 0.62, r"^\s*--?[a-z]+\s*$"),
    (
        "programme that harms",
        0.75,
        (
            r"\b(?:os\.fork|shutil\.rmtree|fernet|pynput|keyboard\.listener|getasynckeystate|"
            r"imagegrab|pyautogui\.screenshot|pyperclip\.paste|net_connections|iptables|scapy|sniff\(|"
            r"ipconfig|netsh|taskkill|mkfs|format c:|pickle\.loads|nc -e|reverse.?shell|keylogg\w+)\b|"
            r"while\s+(?:true|1)\s*:\s*\n[^\n]*(?:fork|connect|append|get\(|request|socket)"
        ),
    ),
    (
        "programme that reaches out",
        0.62,
        (
            r"\b(?:requests\.(?:post|get|put)|urllib\.request|socket\.socket|smtplib|paramiko|ftplib|"
            r"fetch|xmlhttprequest|httpx\.\w+|urlopen)\s*\("
        ),
    ),
)
_MARKUP_COMPILED = tuple((name, weight, re2.compile(pattern)) for name, weight, pattern in _MARKUP)

_BASE64 = re2.compile(r"[A-Za-z0-9+/]{16,}={0,2}|[A-Za-z0-9_-]{24,}={0,2}")
_HEX = re2.compile(
    r"\b(?:0x)?(?:[0-9A-Fa-f]{2}){10,}|\b(?:[0-9A-Fa-f]{2}[ :,]){9,}[0-9A-Fa-f]{2}|(?:\\x[0-9A-Fa-f]{2}){3,}"
)
# Escaped ASCII only: other alphabets in an address are always escaped.
_PERCENT = re2.compile(r"(?:%[2-7][0-9A-Fa-f]){3,}|%%[2-7][0-9A-Fa-f]|%00")
_ESCAPED = re2.compile(r"(?:\\u[0-9A-Fa-f]{4}){2,}|\\x[0-9A-Fa-f]{2}|\\u\{[0-9A-Fa-f]+\}")
_ENTITIES = re2.compile(r"(?:&#[xX]?[0-9A-Fa-f]+;?){3,}|&#[xX]0?[0-9A-Fa-f];|&#(?:0?[1-8]|1[1-9]|2[0-9]|3[01]);")
_BINARY = re2.compile(r"(?:\b[01]{8}\b\s?){4,}|\b[01]{40,}\b")
_MORSE = re2.compile(r"(?:[.\-·−]{1,6}[ /]{1,3}){8,}")
_BLOB = re2.compile(r"[A-Za-z0-9+/=_-]{200,}")


def signs_of_code(text: str, factor: float = 1.0) -> Iterator[Sign]:
    """Markup, statements and commands in `text`, as it stands and with its entities read. `factor` in (0, 1]
    lowers every weight, for parts where code is at home."""
    lowered = unicodedata.normalize("NFKC", text).lower()
    views = [lowered] if "&" not in text else [lowered, html.unescape(lowered)]
    for name, weight, pattern in _MARKUP_COMPILED:
        if any(pattern.search(view) for view in views):
            yield Sign("code", name, weight * factor)


def signs_of_encoding(text: str) -> Iterator[Sign]:
    """Encoded payloads in `text`, as they stand; their content is for `decoded`."""
    if any(True for _ in decoded(text)):
        yield Sign("encoded", "text hidden in an encoding", 0.85)
    for name, weight, pattern in (
        ("escaped characters", 0.62, _ESCAPED),
        ("percent-escaped characters", 0.62, _PERCENT),
        ("numbered characters", 0.75, _ENTITIES),
        ("binary digits", 0.7, _BINARY),
        ("Morse code", 0.62, _MORSE),
        ("a long run without words", 0.5, _BLOB),
    ):
        if pattern.search(text):
            yield Sign("encoded", name, weight)


def decoded(text: str) -> Iterator[str]:
    """What runs of base64, hexadecimal, percent, `\\u`, entities and binary in `text` say, where readable."""
    for pattern, decode in _DECODERS:
        for number, hit in enumerate(pattern.finditer(text)):
            if number >= MOST_RUNS:
                break
            found = _readable(decode(hit.group()[:LONGEST_RUN]))
            if found:
                yield found


def _from_base64(run: str) -> bytes:
    run = run.rstrip("=").replace("-", "+").replace("_", "/")
    run = run[: len(run) - (len(run) % 4 == 1)]
    try:
        return base64.b64decode(run + "=" * (-len(run) % 4), validate=True)
    except binascii.Error:
        return b""


def _from_hex(run: str) -> bytes:
    digits = re.sub(r"\\x|0x|[^0-9A-Fa-f]", "", run)
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _from_escapes(run: str) -> bytes:
    codes = [int(code, 16) for code in re.findall(r"[0-9A-Fa-f]{2,6}", run)]
    return "".join(map(chr, codes)).encode("utf-8", "ignore") if max(codes) < 0x110000 else b""


def _from_binary(run: str) -> bytes:
    digits = re.sub(r"\s", "", run)
    return bytes(int(digits[at : at + 8], 2) for at in range(0, len(digits) // 8 * 8, 8))


def _from_entities(run: str) -> bytes:
    return html.unescape(run).encode("utf-8", "ignore")


_DECODERS = (
    (_BASE64, _from_base64),
    (_HEX, _from_hex),
    (_PERCENT, unquote_to_bytes),
    (_ESCAPED, _from_escapes),
    (_BINARY, _from_binary),
    (_ENTITIES, _from_entities),
)


def _readable(data: bytes) -> str:
    """`data` as text if at least five characters and nearly all letters or spaces, else ""."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    letters = sum(character.isascii() and (character.isalpha() or character in " \n") for character in text)
    return text if len(text) >= 5 and letters >= 0.7 * len(text) and text.isprintable() else ""
