from __future__ import annotations

from prelabel.label_studio.page_size import PAGE_BYTES, PageSize


def test_a_page_grows_to_what_fits_and_to_the_most() -> None:
    size = PageSize(1000)
    assert size.now == 100
    size.fit(n_bytes=100 * 500, n_tasks=100)
    assert size.now == 1000
    size.fit(n_bytes=1000 * PAGE_BYTES // 40, n_tasks=1000)
    assert size.now == 40
    size.fit(n_bytes=2 * PAGE_BYTES, n_tasks=1)
    assert size.now == 1
    size.fit(n_bytes=13, n_tasks=0)
    assert size.now == 1, "an empty page says nothing"


def test_who_was_too_slow_is_never_asked_for_more_again() -> None:
    size = PageSize(1000)
    assert size.shrink()
    assert size.now == 25
    size.fit(n_bytes=25, n_tasks=25)
    assert size.now == 25
    assert size.shrink()
    assert size.now == 10
    assert not size.shrink()
