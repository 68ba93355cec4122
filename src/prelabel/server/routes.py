"""The endpoints Label Studio calls, and those its other releases call.

Each reads its body, hands it to the loop on a worker thread, and encodes what comes back.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from prelabel.bootstrap import Service
from prelabel.errors import NotFoundError, StorageError, shorten
from prelabel.label_config import LabelSchema, parse_label_config
from prelabel.models import artifact
from prelabel.protocol.bodies import (
    DuplicateBody,
    JobStatusBody,
    PredictBody,
    ProjectOnlyBody,
    SetupBody,
    ValidateBody,
    decode,
    read_tasks,
    write_results,
    write_versions,
)
from prelabel.protocol.events import EventBody, find_deleted, to_event
from prelabel.protocol.extra_params import read_extra_params
from prelabel.server.posts import received_at_seconds, to_response
from prelabel.storage.patience import in_a_hurry
from prelabel.types import Job, JobState, ModelVersion, Prediction, ProjectKey

log = logging.getLogger(__name__)

# The states that old releases of Label Studio know (label-studio-ml 1.0, /job_status).
_OLD_STATES = {
    JobState.QUEUED: "queued",
    JobState.RUNNING: "started",
    JobState.DONE: "finished",
    JobState.NOT_YET: "finished",
    JobState.FAILED: "failed",
}

SETUP_SECONDS = 1.0
"""How long each write of a setup waits for others; Label Studio waits three seconds for it all."""

_JOB = re.compile(r"(?:job-)?(\d{1,18})", re.ASCII)


async def get_root(_service: Service, _request: Request) -> Response:
    """``GET /``: the reference answers these bytes here, and monitors compare them."""
    return to_response({"status": "UP"})


async def get_health(service: Service, _request: Request) -> Response:
    """``GET /health``: Label Studio waits one second for it, before everything else."""
    return to_response({"status": "UP", "model_class": service.model_class.__name__})


async def get_readyz(service: Service, _request: Request) -> Response:
    """``GET /readyz``: the store can be read; tells which active versions cannot be served.

    Those are no reason to be sent no requests: the version before each goes on serving.
    """
    return to_response(await run_in_threadpool(_find_damaged, service))


def _find_damaged(service: Service) -> Mapping[str, Any]:
    active = service.versions.all_active()
    artifacts = service.settings.artifacts_path
    damaged = [
        {"project": str(version.project), "model_version": version.name}
        for version in active
        if not artifact.is_whole(artifacts / version.artifact)
    ]
    return {"status": "READY", "projects": len(active), "damaged": damaged}


async def get_versions(service: Service, request: Request) -> Response:
    """``GET /versions``: Label Studio does not say of which project; ``?project=`` adds details."""
    given = request.query_params.get("project")
    if not given:
        return to_response({"versions": _names(await run_in_threadpool(service.versions.all))})
    project = ProjectKey.parse(given)
    # In this order: a version that becomes active in between is not missing among all.
    active = await run_in_threadpool(service.versions.active, project)
    versions = await run_in_threadpool(service.versions.all, project)
    details = write_versions(versions, active)
    return to_response({"versions": _names(versions), "details": details})


def _names(versions: Sequence[ModelVersion]) -> list[str]:
    return list(dict.fromkeys(version.name for version in versions))


def post_setup(service: Service, body: bytes) -> Mapping[str, Any]:
    """``POST /setup``: which version would answer now."""
    request = decode(body, SetupBody)
    project = ProjectKey.parse(request.project)
    given = request.extra_params
    settings = None if given is None else read_extra_params(given)
    try:
        with in_a_hurry(SETUP_SECONDS):
            schema = service.ingest.register(project, request.schema, settings)
    except StorageError as error:
        # Label Studio says the same again before the next task, and shows no suggestion without an
        # answer: what is loaded can give one.
        log.error("Setup of project %s is not kept: %s", project, error)  # noqa: TRY400 - no news in a traceback
        schema = parse_label_config(request.schema)
    return {"model_version": service.predictor.model_version(project, schema)}


def post_predict(service: Service, body: bytes) -> bytes:
    """``POST /predict``: one entry for each task, in order."""
    until_seconds = received_at_seconds.get() + service.settings.predict_seconds
    request, project, schema, data = _read_predict(body)
    found = service.predictor.predict(project, schema, data, until_seconds=until_seconds)
    _take_texts(service, request, project, len(body))
    return _write_predictions(service, found)


def predict_at_once(service: Service, body: bytes) -> bytes | None:
    """Answer ``POST /predict`` if nothing needs to be read or loaded for it; None if it does."""
    request, project, schema, data = _read_predict(body)
    predictions = service.predictor.predict_at_once(project, schema, data)
    if predictions is None:
        return None
    _take_texts(service, request, project, len(body))
    return _write_predictions(service, predictions)


def _take_texts(service: Service, request: PredictBody, project: ProjectKey, n_bytes: int) -> None:
    service.asked.take(project, request.tasks, read_tasks, n_bytes=n_bytes)


def _read_predict(
    body: bytes,
) -> tuple[PredictBody, ProjectKey, LabelSchema, list[Mapping[str, object]]]:
    request = decode(body, PredictBody)
    schema = parse_label_config(request.label_config)
    return request, ProjectKey.parse(request.project), schema, request.usable_data


def _write_predictions(service: Service, predictions: Sequence[Prediction | None]) -> bytes:
    answered = sum(prediction is not None for prediction in predictions)
    service.metrics.count_predictions(tasks=len(predictions), answered=answered)
    return write_results(predictions)


def post_webhook(service: Service, body: bytes) -> Mapping[str, Any]:
    """``POST /webhook``: answered when what it tells is durable; training comes later."""
    request = decode(body, EventBody)
    event, deleted = to_event(request), find_deleted(request)
    if deleted is not None:
        service.ingest.doubt(deleted)
    if event is None:
        return {"status": "ignored", "action": request.action[:100]}
    ingested = service.ingest.apply(event)
    service.metrics.label_changes.inc(ingested.label_changes)
    answer: dict[str, Any] = {"status": "ok", "label_changes": ingested.label_changes}
    return answer | ({"job": _job_name(ingested.job)} if ingested.job else {})


def post_doorbell(service: Service, body: bytes) -> Mapping[str, Any]:
    """``POST /webhook`` without credentials: nothing it says is believed; labels are pulled."""
    event = to_event(decode(body, EventBody))
    if event and service.doorbell:
        service.doorbell.ring(event.project)
    return {"status": "doorbell"}


def post_train(service: Service, body: bytes) -> Mapping[str, Any]:
    """``POST /train``: what START_TRAINING was before Label Studio 1.4."""
    project = ProjectKey.parse(decode(body, ProjectOnlyBody).project)
    return {"job": _job_name(service.ingest.request_training(project, "train"))}


def post_job_status(service: Service, body: bytes) -> Mapping[str, Any]:
    """``POST /job_status``: what came of a training."""
    given = decode(body, JobStatusBody).job
    found = _JOB.fullmatch(str(given))
    job = service.jobs.get(int(found[1])) if found else None
    if job is None:
        raise NotFoundError(
            f"Received the job {shorten(given)}, which does not exist",
            expected='a job as START_TRAINING answers it, as in "job-12"',
            fix="Start a training and ask for the job of its answer.",
        )
    return {
        "job": _job_name(job),
        "job_status": _OLD_STATES[job.state],
        "state": job.state,
        "project": str(job.project),
        "message": job.message,
        "model_version": job.model_version,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def post_delete(service: Service, body: bytes) -> Mapping[str, Any]:
    """``POST /delete``: the project is forgotten. Nothing is erased yet; work for it stops."""
    service.ingest.forget(ProjectKey.parse(decode(body, ProjectOnlyBody).project))
    return {"status": "ok"}


def post_duplicate_model(service: Service, body: bytes) -> Mapping[str, Any]:
    """``POST /duplicate_model``: a copied project starts with the original's active version."""
    request = decode(body, DuplicateBody)
    source, target = ProjectKey.parse(request.project_src), ProjectKey.parse(request.project_dst)
    version = service.versions.copy(source, target)
    return {"status": "ok", "model_version": version.name if version else None}


def post_validate(_service: Service, body: bytes) -> Mapping[str, Any]:
    """``POST /validate``: can this labeling config be served? If not, the error says why."""
    parse_label_config(decode(body, ValidateBody).config)
    return {"status": "ok"}


def _job_name(job: Job) -> str:
    return f"job-{job.id}"
