"""Finds the encoding of a file of text that declares none.

A byte order mark decides, then UTF-16 by its zeros, then UTF-8, which no other text fits by chance.
For the rest short files are the rule, in which statistics of languages fail: Korean is recognised
by its syllables, and the encodings of Latin letters by where their letters and signs stand in
words. `charset_normalizer` decides between all others.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    *((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")),
    *((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")),
)
_MOST_BYTES = 200_000  # looked at
# The letters beside ASCII's of some languages; of several encodings that fit as well, the first.
_LATIN = {
    "cp1252": ("äöüß", "éèêëàâçîïôûùœæÿ", "ñáéíóúü", "ãõáéíóúâêôçà", "àèéìòù", "éëïóöü", "åäöéæø"),
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž"),
    "cp1254": ("çğıöşüâ",),
}
_LATIN |= {"iso8859_2": _LATIN["cp1250"]}
_ALSO_WESTERN = "þðýåñõì"
_OTHERS = ["cp932", "euc_jp", "gb18030", "big5", "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256"]
_EUC = 0xA1  # the least byte of a character in EUC-KR
_MIXED = 0.15  # what a text in several languages counts less than one in a single language
_IMPLAUSIBLE = (
    re.compile(r"(?<=[^\W\d_])[^\x00-\x7f\w’‘“”»«°–—…€™®©²³·\xa0]"),  # a sign behind a letter
    re.compile(r"[^\x00-\x7f\w’‘“”„»«°–—…€™®©§¿¡µ·\xa0](?=[^\W\d_])"),  # or before one
    re.compile(r"(?<=[^\W\d_])[²³¹°¿¡](?=[^\W\d_])"),
    re.compile(r"(?<=[a-zß-ÿ])[À-Ý]"),
    re.compile(r"[^\x00-\x7f\s]{4,}"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def marked_encoding(head: bytes) -> str | None:
    """Returns the codec that a byte order mark names, or that zeros in every other byte show."""
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    zeros = (head[::2].count(0), head[1::2].count(0))
    if len(head) % 2 == 0 and min(zeros) == 0 and max(zeros) * 20 > len(head) // 2:
        codec = "utf-16-le" if zeros[1] else "utf-16-be"
        if not _CONTROL.search(head.decode(codec, errors="replace")):
            return codec
    return None


def is_utf8(blocks: Iterable[bytes]) -> bool:
    """Returns whether the blocks of a file are UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def guessed_encoding(lines: Iterable[bytes]) -> str:
    """Returns the codec of lines that are no UTF-8.

    Args:
        lines: Lines of a file; those of ASCII alone count for nothing.
    """
    from charset_normalizer import from_bytes

    data = b""
    for line in lines:
        if not line.isascii():
            data += line.rstrip(b"\r\n") + b"\n"
        if len(data) > _MOST_BYTES:
            break
    if _is_korean(data):
        return "cp949"
    scores = {codec: _latin_score(data, codec) for codec in _LATIN}
    best = max(scores, key=lambda codec: scores[codec])
    if scores[best] > 0.5:
        return best
    found = from_bytes(data, cp_isolation=_OTHERS).best()
    if found is not None:
        return found.encoding
    return best if scores[best] > -1 else "latin-1"


def _is_korean(data: bytes) -> bool:
    """Returns whether nearly all other letters than ASCII's are Korean syllables, most usual ones.

    The usual syllables are those of EUC-KR; CP949 has all others, too.
    """
    try:
        text = data.decode("cp949")
    except UnicodeDecodeError:
        return False
    others = [sign for sign in text if sign > "\x7f" and sign.isalpha()]
    syllables = "".join(sign for sign in others if "가" <= sign <= "힣")
    usual = sum(min(sign.encode("cp949")) >= _EUC for sign in syllables)
    return bool(others) and len(syllables) >= 0.9 * len(others) and usual >= 0.7 * len(others)


def _latin_score(data: bytes, codec: str) -> float:
    """Returns how well a text fits the languages of an encoding, at most 1; -1 if it cannot be.

    Letters count for it if they are those of one language. Signs at letters count against it, as do
    capitals behind small letters, and several letters in a row that are not ASCII's.
    """
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return -1
    letters = [
        sign for sign in text.lower() if sign.isalpha() and not (sign.isascii() or sign in "µªº")
    ]
    bad = sum(unicodedata.category(sign) == "Cc" for sign in text if sign > "\x7f")
    bad += sum(len(found) for pattern in _IMPLAUSIBLE for found in pattern.findall(text))
    languages = [set(one) for one in _LATIN[codec]]
    share = max(sum(sign in one for sign in letters) for one in languages) / max(len(letters), 1)
    known = set().union(*languages) | set(_ALSO_WESTERN if codec == "cp1252" else ())
    shared = sum(sign in known for sign in letters) / max(len(letters), 1)
    if not letters:
        share = 1.0 if codec == "cp1252" else 0.9  # signs alone, such as 5 €
    special = sum(sign > "\x7f" for sign in text)
    return max(share, shared - _MIXED) - 2 * bad / special
