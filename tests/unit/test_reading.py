from __future__ import annotations

import numpy as np

from prelabel.models.ngrams import in_chunks
from prelabel.models.vocabulary import Vocabulary
from tests.builders import make_forget


def test_no_more_characters_of_tokens_are_remembered_than_so_many() -> None:
    reader = Vocabulary(np.array([1], np.uint64), np.ones(1, np.float32)).reader

    def read(texts: list[str]) -> None:
        for chunk in in_chunks(texts):
            reader.read(chunk)

    read([" ".join(f"token{n}" for n in range(5_000))])
    many_bytes = reader.n_bytes
    make_forget(read)
    assert reader.n_bytes < many_bytes / 2
