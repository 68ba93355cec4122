"""What a person does with Label Studio's pages, in a real Chromium."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.acceptance.label_studio import EMAIL, PASSWORD, LabelStudio
from tests.acceptance.project import Project
from tests.backend import PATIENCE_SECONDS

_SWITCHES = [
    "--no-sandbox",  # tests may be run by root, as which Chromium starts only so
    # It would call its makers, whom a closed network does not reach.
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Labeler:
    """Somebody at a browser, who is logged in to Label Studio.

    Parameters
    ----------
    page
        An empty page.
    """

    def __init__(self, page: Page, label_studio: LabelStudio) -> None:
        self.page = page
        page.goto(f"{label_studio.url}/user/login/")
        page.locator("input[name=email]").fill(EMAIL)
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(re.compile(r".*(?<!/login/)$"))
        self._url = label_studio.url

    def connect(self, project: Project, url: str) -> None:
        """Fill in *Settings → Model → Connect Model*."""
        self._open(project, "settings/ml")
        self._button("Connect Model").click()
        self.page.locator("input[name=title]").fill("The backend")
        self.page.locator("input[name=url]").fill(url)
        self._button("Validate and Save").click()

    def start_training(self, project: Project) -> None:
        """Choose *Start Training* in the menu of the connected model, and confirm it."""
        self._open(project, "settings/ml")
        self.page.get_by_role("button", name="Machine learning model options").click()
        self.page.get_by_text("Start Training", exact=True).click()
        self._button("Start Training").click()

    def retrieve_predictions(self, project: Project) -> None:
        """Select all tasks in the data manager, and choose *Retrieve Predictions*."""
        self._open(project, "data")
        self.page.get_by_role("checkbox", name="Select all rows").check()
        self._button(f"{len(project.tasks)} Tasks").first.click()
        self.page.get_by_text("Retrieve Predictions").click()
        self._button("OK").click()

    def label(self, project: Project, truth: Mapping[str, str], count: int) -> None:
        """Press *Label All Tasks*, choose the right label of a text, submit, and so on."""
        self.open_next_task(project)
        for _ in range(count):
            text = self.read_text()
            self.page.locator(f"input[name={truth[text]}]").check()
            self._button("Submit").click()
            expect(self._text).not_to_have_text(text)

    def submit(self) -> None:
        """Press *Submit*, with what is suggested as it is."""
        self._button("Submit").click()

    def open_next_task(self, project: Project) -> None:
        """See the task that is to be labeled next."""
        self._open(project, "data?labeling=1")
        expect(self._button("Submit")).to_be_enabled()

    def read_text(self) -> str:
        """Return the text of the task that is shown."""
        return self._text.inner_text()

    def expect_ticked(self, label: str) -> None:
        """See that this label of the task that is shown is ticked, and no other one."""
        ticked = self.page.locator(".lsf-choices input:checked")
        expect(ticked).to_have_count(1)
        expect(ticked).to_have_attribute("name", label)

    def expect_text(self, text: str | re.Pattern[str]) -> None:
        """See a text somewhere on the page."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    @property
    def _text(self) -> Locator:
        return self.page.locator(".lsf-richtext__line")

    def _button(self, written: str) -> Locator:
        # Some have another name for screen readers than is written on them.
        return self.page.locator("button", has_text=written)

    def _open(self, project: Project, page: str) -> None:
        self.page.goto(f"{self._url}/projects/{project.id}/{page}")


@contextmanager
def open_page() -> Iterator[Page]:
    """Give an empty page in Chromium; skip the test if there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("No chromium here, which Debian's package of that name installs.")
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_SWITCHES)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        yield page
        browser.close()
