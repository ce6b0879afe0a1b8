"""Secrets at rest."""

from typing import Any

import pytest

from reviewapp.core.sealing import SealBroken, seal, unseal


@pytest.mark.parametrize("text", ["whsec_abc", "", "ключ 🔑", "x" * 10_000])
def test_it_gives_back_what_was_sealed_and_shows_nothing_of_it(text: str) -> None:
    sealed = seal(text)
    assert unseal(sealed) == text
    assert sealed.isascii()
    assert not text or text not in sealed
    assert seal(text) != sealed


def test_it_says_so_when_the_key_has_changed(settings: Any) -> None:
    sealed = seal("secret")
    settings.SECRET_KEY = "another key entirely, forty characters long"
    with pytest.raises(SealBroken, match="SECRET_KEY"):
        unseal(sealed)


@pytest.mark.parametrize("change", [lambda text: text[:-2], lambda text: "A" + text, lambda text: "", lambda text: "é"])
def test_it_refuses_what_was_altered(change: Any) -> None:
    with pytest.raises(SealBroken):
        unseal(change(seal("secret")))
