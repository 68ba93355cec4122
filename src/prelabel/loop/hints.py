"""Why nothing can be learned although people have labeled: what the counts alone do not say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prelabel.label_config import Kind, LabelSchema
from prelabel.loop.examples import count_without_text
from prelabel.models.method import Method
from prelabel.types import Annotation, Task


def write_hints(
    schema: LabelSchema, annotated: Sequence[tuple[Task, Annotation]], method: Method
) -> Iterator[str]:
    """Yield a sentence or two for each reason that there is besides too few labels."""
    known = {control.name for control in schema.controls}
    regions = (region for _, annotation in annotated for region in annotation.regions)
    others = sorted({region.from_name for region in regions} - known)[:10]
    if others:
        yield (
            f"Annotations name controls that the labeling config does not have: "
            f"{', '.join(others)}. A control that was renamed learns from annotations under its "
            "new name only."
        )
    for control in schema.controls:
        is_far = any(tag.is_url for tag in control.object_tags)  # that is said where it is fetched
        if not is_far and (n := count_without_text(control, annotated)):
            yield f"Labeled tasks without a text under {control.data_keys}: {n:,}."
    several = [control.name for control in schema.controls if control.kind is Kind.SEVERAL]
    if several and not method.learns_several:
        yield (
            f"{method.model_class.__name__} learns one label a text, and leaves alone where there "
            f"may be several: {', '.join(several)}."
        )
