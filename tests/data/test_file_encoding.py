"""Encodings of short files are found by their letters."""

from __future__ import annotations

import pytest

from tuner.data.file_encoding import guessed_encoding, is_utf8, marked_encoding

TEXTS = {
    "korean": ("이름,나이,도시\n김철수,23,서울\n이영희,31,부산\n", ["cp949", "euc-kr"]),
    "korean words": ("sex,n\n남,1\n여,0\n", ["cp949", "euc-kr"]),
    "rare syllables": ("제품,가격\n똠방각하,3\n펲시,4\n", ["cp949"]),
    "german": ("größe;straße\n1;Müllerstraße\n2;Äpfel und Öl\n", ["cp1252", "latin-1"]),
    "a german word": ("a,b\n1,Grün\n2,Rot\n", ["cp1252", "latin-1"]),
    "german capitals": ("NAME,ORT\nMÜLLER,KÖLN\nGRÖSSE,ÄPFEL\n", ["cp1252"]),
    "french": ("prénom;œuvre\nÉmile;Où ça ?\nJérôme;l’été à Nîmes\n", ["cp1252"]),
    "a french word": ("a,b\ncafé,1\nthe,2\n", ["cp1252", "latin-1"]),
    "spanish": ("año,niño\nMuñoz,¿Qué?\nPeña,£5\n", ["cp1252", "latin-1"]),
    "portuguese": ("ação,coração\nSão João,avô\n", ["cp1252", "latin-1"]),
    "swedish": ("namn,ort\nÅsa,Malmö\nBjörn,Örebro\n", ["cp1252", "latin-1"]),
    "prices": ("preis,flaeche\n5 €,3 m²\n7 €,4 m²\n", ["cp1252"]),
    "polish": (
        "imię,miasto\nŁukasz,Łódź\nŻaneta,Gdańsk\nPaweł,Kraków\nMałgorzata,Poznań\n",
        ["cp1250", "iso8859-2"],
    ),
    "a polish word": ("a,b\nŁódź,1\nWarszawa,2\n", ["cp1250", "iso8859-2"]),
    "czech": ("jméno,město\nJiří,Plzeň\nŽofie,Brno\nTomáš,Říčany\n", ["cp1250"]),
    "hungarian": ("név,város\nGyörgy,Győr\nÁrpád,Pécs\n", ["cp1250"]),
    "turkish": ("isim,şehir\nAyşe,İstanbul\nOğuz,Muğla\n", ["cp1254"]),
    "russian": ("имя,город\nИван,Москва\nОльга,Казань\n", ["cp1251"]),
    "greek": ("όνομα,πόλη\nΓιώργος,Αθήνα\n", ["cp1253"]),
    "japanese": ("名前,都市\n太郎,東京\n花子,大阪\n", ["cp932", "euc-jp"]),
    "chinese": ("姓名,城市\n张伟,北京\n王芳,上海\n", ["gb18030"]),
    "traditional chinese": ("產品,價格\n蘋果,3\n香蕉,4\n", ["big5"]),
}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param(text, encoding, id=f"{name} in {encoding}")
        for name, (text, encodings) in TEXTS.items()
        for encoding in encodings
    ],
)
def test_short_texts_are_decoded(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert not is_utf8([data])
    assert marked_encoding(data) is None
    assert data.decode(guessed_encoding(data.splitlines(keepends=True))) == text


def test_bytes_of_no_encoding_are_read_all_the_same() -> None:
    data = b"a,b\n\x81\xff\xfe\x90,1\n"
    assert data.decode(guessed_encoding([data])).startswith("a,b\n")


def test_utf8_may_be_cut_anywhere() -> None:
    data = "größe 한글\n".encode()
    assert all(is_utf8([data[:cut], data[cut:]]) for cut in range(len(data)))
    assert not is_utf8([data[:2] + b"\xf6", data])
    assert not is_utf8([data[:3]])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["a,b\n1,2\n", "이름,나이\n김철수,23\n"])
def test_utf16_is_recognised_by_its_zeros(encoding: str, text: str) -> None:
    assert marked_encoding(text.encode(encoding)) == encoding


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"a\0b", b"\0" * 64])
def test_binary_files_are_no_utf16(data: bytes) -> None:
    assert marked_encoding(data) is None
