"""What people decide is learned and predicted, in every labeling config of the table."""

from __future__ import annotations

import pytest

from tests.label_configs import Row, annotate, read_table, to_plain


@pytest.mark.parametrize("row", read_table(), ids=lambda row: row.name)
def test_what_people_decide_is_what_is_predicted(row: Row) -> None:
    model = row.learn(list(annotate(row)))
    found = row.suggest(model)
    assert {topic: to_plain(prediction) for topic, prediction in found.items()} == row.predicted
    assert all(0 <= prediction.score <= 1 for prediction in found.values() if prediction)


@pytest.mark.parametrize("row", read_table(), ids=lambda row: row.name)
def test_a_task_without_a_text_has_no_prediction(row: Row) -> None:
    model = row.learn(list(annotate(row)))
    assert model.predict([{}, {"options": ["sports"]}]) == [None, None]
