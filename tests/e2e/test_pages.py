"""The page in Debian's Chromium on `obzvon up`: logging in, watching, being refused, logging out."""

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from devkit.stack.issuer.people import ACCOUNTS, RESTRICTED_TO
from support.chromium import Person, person, running_browser
from support.events import cloud_event
from support.processes import RunningStack, obzvon_up
from support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

TODAY = datetime.now(ZoneInfo("Europe/Moscow")).date()
OWN, FOREIGN = RESTRICTED_TO[0], "op-of-others"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningStack]:
    async with obzvon_up(Path(tmp_path_factory.mktemp("pages")) / "data") as running:
        await publish(running, planned("first", OWN), planned("foreign", FOREIGN))
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with running_browser() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def someone(browser: Browser, stack: RunningStack) -> AsyncIterator[Person]:
    async with person(browser, stack.state.api, stack.state.issuer) as someone:
        yield someone


def planned(task: str, operator: str) -> str:
    data = {
        "operator": {"id": operator, "name": operator},
        "client": {"id": "c-1", "name": "ООО Ромашка"},
        "address": {"id": "a-1", "text": "Ленина, 1"},
        "contact_date": TODAY.isoformat(),
    }
    time = f"{TODAY - timedelta(days=1)}T18:00:00+03:00"
    return json.dumps(cloud_event("planned", task, time, data, id=f"planned-{task}"))


async def publish(stack: RunningStack, *events: str) -> None:
    published = await stack.obzvon("publish", "-", stdin="\n".join(events).encode())
    assert published.code == 0, published.err


async def log_in(someone: Person, stack: RunningStack, who: str, address: str = "/") -> Page:
    page = await someone.open_tab(stack.state.api + address)
    await page.get_by_role("link", name=re.compile("Войти|Log in")).click()
    await page.get_by_role("button", name=ACCOUNTS[who].person.name or "").click()
    return page


async def figure(page: Page, name: str) -> int:
    return int((await page.get_by_test_id(name).text_content() or "").replace("\u00a0", ""))


async def left_in(page: Page) -> object:
    """What the page's origin has stored in the browser, apart from cookies."""
    return await page.evaluate(
        """async () => [localStorage.length, sessionStorage.length, document.cookie,
            (await caches.keys()).length, (await indexedDB.databases()).length]"""
    )


OLD, LOST = re.compile("устарели|нет связи"), re.compile("нет связи")
NOTHING = [0, 0, "", 0, 0]


@pytest.mark.parametrize("who", ["head", "quality_control", "restricted_head"])
async def test_each_person_with_a_role_sees_their_own_totals(
    who: str, someone: Person, stack: RunningStack
) -> None:
    page = await log_in(someone, stack, who)
    account = ACCOUNTS[who].person
    await expect(page.get_by_text(account.login or "")).to_be_visible()
    await expect(page.get_by_test_id("planned")).to_be_visible()
    everything = await figure(page, "planned")
    own = planned(f"own-of-{who}", OWN)
    await publish(stack, own, planned(f"foreign-of-{who}", FOREIGN))
    seen = 1 if who == "restricted_head" else 2
    await expect(page.get_by_test_id("planned")).to_have_text(str(everything + seen))
    await expect(page.get_by_test_id("age")).to_have_text(
        re.compile(r"^Данные на \d\d:\d\d:\d\d · \d+\sс назад$")
    )
    await expect(page.get_by_role("status")).to_have_text("обновляется")


async def test_person_without_a_role_is_refused_and_told_which_one_it_takes(
    someone: Person, stack: RunningStack
) -> None:
    page = await someone.open_tab(stack.state.api + "/")
    await page.get_by_role("link", name="Войти").click()
    # Only this answer may be a 403, and the browser says so by itself.
    async with page.expect_response(lambda answer: "/login/callback" in answer.url) as refused:
        await page.get_by_role("button", name=ACCOUNTS["no_role"].person.name or "").click()
    assert (await refused.value).status == 403
    await expect(page.get_by_text("«Руководитель» или «Контроль качества»")).to_be_visible()
    expected = [text for text in someone.complaints if "403 (Forbidden)" in text]
    assert len(expected) == 1
    someone.complaints.remove(expected[0])
    await page.goto(stack.state.api)
    await expect(page.get_by_role("link", name="Войти")).to_be_visible()


async def test_login_returns_to_the_address_it_began_at(
    someone: Person, stack: RunningStack
) -> None:
    page = await log_in(someone, stack, "head", "/?lang=en")
    await expect(page.get_by_text("Planned", exact=True)).to_be_visible()
    assert page.url == f"{stack.state.api}/?lang=en"


async def test_logging_out_leaves_nothing_in_any_tab(someone: Person, stack: RunningStack) -> None:
    page = await log_in(someone, stack, "head")
    other = await someone.open_tab(stack.state.api)
    for tab in (page, other):
        await expect(tab.get_by_test_id("planned")).to_be_visible()
    cookie = {cookie["name"]: cookie["value"] for cookie in await someone.context.cookies()}
    assert cookie.keys() == {"obzvon_session"}

    await page.get_by_role("button", name="Выйти").click()

    await expect(page.get_by_role("link", name="Войти")).to_be_visible()
    await expect(other.get_by_text("Вы вышли")).to_be_visible()
    for tab in (page, other):
        assert await tab.get_by_test_id("planned").count() == 0
        assert "orlova" not in await tab.content()
        assert await tab.title() == "Обзвон"
        assert await left_in(tab) == NOTHING
    assert await someone.context.cookies() == []
    await page.go_back()
    await expect(page.get_by_role("link", name="Войти")).to_be_visible()
    assert await page.get_by_test_id("planned").count() == 0


async def test_page_says_that_it_lost_the_server_and_comes_back_by_itself(
    someone: Person, stack: RunningStack
) -> None:
    page = await log_in(someone, stack, "head")
    await expect(page.get_by_role("status")).to_have_text("обновляется")
    api = psutil.Process(stack.state.children["API"])
    api.suspend()  # connections stay open, and nothing comes over them
    try:
        await expect(page.get_by_role("status")).to_have_text(OLD, timeout=25_000)
        await expect(page.get_by_test_id("totals")).to_have_attribute("data-old", "true")
        await expect(page.get_by_role("status")).to_have_text(LOST, timeout=25_000)
    finally:
        api.resume()
    await expect(page.get_by_role("status")).to_have_text("обновляется")


@pytest.mark.parametrize("width", [360, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["ru", "en"])
async def test_page_fits_its_window(
    width: int, scheme: str, language: str, browser: Browser, stack: RunningStack, tmp_path: Path
) -> None:
    origins = (stack.state.api, stack.state.issuer)
    async with person(browser, *origins, width=width, scheme=scheme) as someone:
        page = await log_in(someone, stack, "restricted_head", f"/?lang={language}")
        await expect(page.get_by_test_id("planned")).to_be_visible()
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
        await page.screenshot(path=tmp_path / f"{language}-{scheme}-{width}.png", full_page=True)


async def test_page_of_a_wallboards_cookie_names_the_wallboard(
    someone: Person, stack: RunningStack
) -> None:
    created = await stack.obzvon("keys", "create", "Зал 2")
    assert created.code == 0, created.err
    answer = await someone.context.request.post(
        f"{stack.state.api}/api/v1/wallboard/session", data={"key": created.out.strip()}
    )
    assert answer.ok
    page = await someone.open_tab(stack.state.api)
    await expect(page.get_by_text("Зал 2 · Табло")).to_be_visible()

    async def has_figures() -> bool:
        return await figure(page, "planned") > 0

    await until(has_figures)
