"""A reader at the live page, in Chromium: types, sees the answer change, compares, points; all is the server's own."""

import re
import shutil
import threading
import time
from io import BytesIO

import pytest
from matplotlib.image import imread

from cellwright.inspect.recorders import record
from cellwright.inspect.report import described
from cellwright.inspect.unit_order import by_likeness
from cellwright.pauses import pause
from cellwright.serve.app import Capabilities, make_app
from cellwright.serve.limits import Limits
from cellwright.serve.load import app_of
from cellwright.serve.worker import SHORT
from cellwright.tasks.predictor import Predictor
from cellwright.tasks.run import load_run
from language_runs import language_run
from recorded_runs import autoencoder_run, tagger_run, transducer_run
from servers import WAIT, running

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1500,1400",
]  # fmt: skip

pytestmark = [
    pytest.mark.slow,  # each opens a browser
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    pytest.mark.skipif(DRIVER is None, reason="no chromedriver is installed"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


class Page:
    """The live page in the browser."""

    def __init__(self, browser, url):
        self.browser = browser
        browser.get(url)
        self.until(lambda: self.panes)

    def until(self, true):
        WebDriverWait(self.browser, WAIT, 0.02).until(lambda _: true())

    @property
    def panes(self):
        return self.browser.find_elements(By.CSS_SELECTOR, ".pane")

    def part(self, name, pane=0):
        return self.panes[pane].find_element(By.CSS_SELECTOR, f'[data-part="{name}"]')

    def box(self, pane=0):
        return self.panes[pane].find_element(By.CSS_SELECTOR, "textarea")

    def type(self, keys, pane=0):
        self.box(pane).send_keys(keys)
        self.until(lambda: self.panes[pane].get_attribute("data-text") == self.box(pane).get_property("value"))

    def answer(self, pane=0):
        return self.part("answer", pane).text


@pytest.fixture(scope="module")
def url(run):
    with running(app_of(run, Limits())) as (client, _):
        yield str(client.base_url)


@pytest.fixture
def page(browser, url):
    made = Page(browser, url)
    yield made
    # No error of a script, nothing that the policy forbids. A page of another test may ask a server that has ended.
    assert [each for each in browser.get_log("browser") if url in each["message"]] == []


def shown(run, text):
    (expected,) = Predictor.load(run).predict([text])
    return f"{expected.label}{100 * expected.probability:.1f} %"


def same(answer, expected):
    return answer.replace("\n", "").replace(" ", "") == expected.replace(" ", "")


def test_the_answer_changes_as_one_types(page, run):
    seen = []
    for word, text in (("a", "a"), (" bad", "a bad"), (" 书", "a bad 书"), (Keys.BACKSPACE * 5 + "good", "a good")):
        page.type(word)
        assert same(page.answer(), shown(run, text)), text
        seen.append(page.answer())
        tokens = page.part("text").find_elements(By.CSS_SELECTOR, "[data-token]")
        assert [token.text for token in tokens] == text.split()
    assert len(set(seen)) == 4


def test_attributions_follow_when_the_keys_rest(page, run):
    page.type("a good book")
    page.until(lambda: page.part("completeness").text)
    ActionChains(page.browser).move_to_element(page.part("text").find_elements(By.CSS_SELECTOR, "span")[1]).perform()
    said = re.match(r"“good” contributed ([+−][0-9.]+); up to here the answer is ", page.part("token").text)
    value = record(load_run(run), "a good book").attributions.values[1]
    assert float(said[1].replace("−", "-")) == pytest.approx(value, abs=1e-3)


def test_two_sentences_split_by_split(page, run, tmp_path):
    page.type("a good film")
    page.browser.find_element(By.ID, "compare").click()
    page.until(lambda: same(page.answer(1), shown(run, "a good film")))  # begins as the first
    page.type(" was not very lovely", pane=1)
    assert same(page.answer(1), shown(run, "a good film was not very lovely"))
    assert same(page.answer(0), shown(run, "a good film"))

    # One choice for both: the gate, and the unit that is pointed at.
    page.part("letters", 1).find_elements(By.TAG_NAME, "button")[1].click()
    assert page.part("range", 0).text.startswith("f, gate")
    area = page.part("map", 0)
    ActionChains(page.browser).move_to_element_with_offset(area, -area.size["width"] // 2 + 50, 0).click().perform()
    unit = page.part("unit", 0).text
    assert unit.partition(":")[0] == page.part("unit", 1).text.partition(":")[0]
    assert "(click again to let go)" in unit
    assert "“a”" in page.part("token", 0).text
    assert page.part("token", 1).text == "Point at a token."

    # Level, and drawn: a picture of more than one colour where the map is.
    assert page.part("map", 0).rect["y"] == page.part("map", 1).rect["y"]
    (tmp_path / "page.png").write_bytes(page.browser.get_screenshot_as_png())
    picture = imread(BytesIO(page.part("map", 1).screenshot_as_png))
    assert picture.std(axis=(0, 1)).max() > 0.05

    page.browser.find_element(By.ID, "compare").click()
    assert len(page.panes) == 1
    page.type(" and a book")
    assert same(page.answer(), shown(run, "a good film and a book"))


def test_the_map_opens_by_likeness_as_the_report_does(page, run):
    page.type("a good film")
    assert page.part("order").get_property("value") == "by likeness"
    forward = next(part for part in described(record(load_run(run), "a good film"))["parts"])
    page.browser.execute_script("choice.choose({ direction: 'forward' })")
    assert page.browser.execute_script("return choice.units") == forward["orders"]["by likeness"]


def test_the_map_by_keyboard(page, run):
    page.type("a good film")
    assert page.browser.switch_to.active_element == page.box()
    while page.browser.switch_to.active_element != page.part("map"):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
    keys = [Keys.ARROW_RIGHT] * 2 + [Keys.ARROW_DOWN] * 4 + [Keys.ENTER]
    page.browser.switch_to.active_element.send_keys(*keys)
    assert page.part("token").text.startswith("“good”")
    order = by_likeness(record(load_run(run), "a good film").of(0, "forward").values["c"])
    assert page.part("unit").text.startswith(f"Unit {order[4]}:")
    controls = page.browser.find_elements(By.CSS_SELECTOR, "textarea, select, button, [tabindex]")
    assert all(control.accessible_name for control in controls if control.is_displayed())
    pictures = page.panes[0].find_elements(By.CSS_SELECTOR, "canvas[role=img]")
    assert all(picture.accessible_name for picture in pictures if picture.is_displayed())


def test_what_cannot_be_answered_is_said_and_mended_by_typing_on(page, run):
    page.type("a" * 1001)
    problem = page.panes[0].find_element(By.CSS_SELECTOR, ".problem")
    assert problem.text == "text has 1,001 characters; expected at most 1,000"
    assert page.answer() == ""
    page.browser.execute_script("arguments[0].value = ''", page.box())
    page.type("good")
    assert problem.text == ""
    assert same(page.answer(), shown(run, "good"))
    page.type(Keys.BACKSPACE * 4)
    assert page.answer() == ""
    assert not page.part("map").is_displayed()
    # The browser logs each refused request; nothing else may be there.
    assert all("422" in entry["message"] for entry in page.browser.get_log("browser"))


def test_a_text_is_never_markup(page):
    page.type("<b id=made>good</b> {{view}}")
    assert page.browser.find_elements(By.ID, "made") == []
    assert page.part("text").text.startswith("<b id=made>good</b>")


def test_only_this_server_is_asked(page, url):
    page.type("good")
    asked = page.browser.execute_script("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert {each.partition("/page/")[0].removesuffix("/") for each in asked if "/page/" in each} == {url.rstrip("/")}
    assert all(each.startswith((url, "data:")) for each in asked)


def test_a_stale_answer_is_dropped(browser, run):
    loaded, go, reached = load_run(run), threading.Event(), threading.Event()

    def inspect(text, attributions):
        reached.set()
        assert go.wait(WAIT)
        return described(record(loaded, text, False))

    with running(make_app(Predictor.load(run), capabilities=Capabilities(inspect=inspect, explains=True))) as (
        client,
        _,
    ):
        page = Page(browser, str(client.base_url))
        browser.execute_script(
            "window.drawn = [];"
            "new MutationObserver(() => window.drawn.push(arguments[0].dataset.text))"
            ".observe(arguments[0], { attributeFilter: ['data-text'] });",
            page.panes[0],
        )
        page.box().send_keys("a")
        assert reached.wait(WAIT)
        page.box().send_keys(" bad")
        page.box().send_keys(" book")
        go.set()
        page.until(lambda: browser.execute_script("return window.drawn.length"))
        assert browser.execute_script("return window.drawn") == ["a bad book"]
        assert same(page.answer(), shown(run, "a bad book"))


def test_what_is_drawn_of_another_text_is_dimmed_at_once_and_gone_with_the_text(browser, run):
    loaded, go = load_run(run), threading.Event()

    def inspect(text, attributions):
        assert text == "a" or go.wait(WAIT)
        return described(record(loaded, text, False))

    with running(make_app(Predictor.load(run), capabilities=Capabilities(inspect=inspect))) as (client, _):
        page = Page(browser, str(client.base_url))
        page.type("a")
        assert opacity(page.part("answer")) == 1
        page.box().send_keys(" bad")  # whose answer does not come
        section = page.panes[0].find_element(By.CSS_SELECTOR, ".view > section")
        page.until(lambda: opacity(page.part("answer")) < 0.5 and opacity(section) < 0.5)
        assert same(page.answer(), shown(run, "a"))
        page.box().send_keys(Keys.BACKSPACE * 5)
        assert page.answer() == ""
        assert not page.part("map").is_displayed()
        go.set()


def test_a_keystroke_takes_the_attributions_back(browser, run):
    loaded, began, ended = load_run(run), threading.Event(), threading.Event()

    def inspect(text, attributions):
        began.set()
        try:
            while attributions and text == "a":
                pause()
                time.sleep(0.001)
        finally:
            if attributions:
                ended.set()
        return described(record(loaded, text, False))

    capabilities = Capabilities(
        inspect=inspect, explains=True, effort=lambda text, attributions: attributions * (SHORT + 1)
    )
    with running(make_app(Predictor.load(run), capabilities=capabilities)) as (client, _):
        page = Page(browser, str(client.base_url))
        page.type("a")
        page.until(lambda: client.get("/metrics").text.count('path="/inspect"'))
        time.sleep(0.5)  # the keys rest
        page.type(" bad")  # is answered while the attributions of the first text would go on for ever
        assert same(page.answer(), shown(run, "a bad"))
        assert ended.wait(WAIT)


def test_the_box_grows_with_its_text(page):
    low = page.box().size["height"]
    page.type(Keys.SHIFT + Keys.ENTER + Keys.NULL + "good")
    page.type(Keys.ENTER * 4 + "book")
    grown = page.box().size["height"]
    assert grown > low + 60
    page.type(Keys.CONTROL + "a" + Keys.NULL + "good")
    assert page.box().size["height"] == low


def test_on_a_phone_the_two_texts_stand_on_top_of_each_other(page):
    try:
        page.browser.set_window_size(500, 1400)
        page.type("a good film")
        page.browser.find_element(By.ID, "compare").click()
        page.until(lambda: page.answer(1))
        tops = [[page.part(name, pane).rect["y"] for pane in (0, 1)] for name in ("answer", "text", "answers", "map")]
        flat = [top for row in tops for top in row]
        assert flat == sorted(flat)  # of each part the first sentence's and then the second's
        assert page.box(1).rect["y"] < page.part("text", 0).rect["y"]
        assert page.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    finally:
        page.browser.set_window_size(1500, 1400)


def test_an_empty_page_says_what_to_do_and_offers_an_example(browser, run):
    with running(app_of(run, Limits(), example="a good book")) as (client, _):
        page = Page(browser, str(client.base_url))
        assert "Each keystroke draws" in page.part("greeting").text
        page.panes[0].find_element(By.CSS_SELECTOR, ".example").click()
        page.until(lambda: same(page.answer(), shown(run, "a good book")))
        assert page.box().get_property("value") == "a good book"
        assert not page.part("greeting").is_displayed()
        page.type(Keys.BACKSPACE * 11)
        assert page.part("greeting").is_displayed()


def opacity(element):
    return float(element.value_of_css_property("opacity"))


def test_a_language_model_writes_on(browser, tmp_path):
    loaded = language_run(tmp_path)
    with running(app_of(tmp_path, Limits())) as (client, _):
        page = Page(browser, str(client.base_url))
        page.type("the cat")
        seen = record(loaded, "the cat")
        assert same(page.answer(), f"next{seen.answer}{100 * seen.share:.1f} %")
        assert page.part("meaning").text == seen.answers.meaning
        assert page.part("heading").text == "How surprising each token was"
        page.panes[0].find_element(By.CSS_SELECTOR, ".write").click()
        page.until(lambda: len(page.box().get_property("value")) > len("the cat") + 3)
        page.type("!")  # a key ends it
        text = page.box().get_property("value")
        assert text.startswith("the cat")
        seen = record(loaded, text)
        assert same(page.answer(), f"next{seen.answer}{100 * seen.share:.1f} %")


@pytest.mark.parametrize(
    ("make", "text"), [(tagger_run, "fly to new york"), (transducer_run, "face"), (autoencoder_run, "the dog")]
)
def test_what_answers_step_by_step(browser, tmp_path, make, text):
    loaded = make(tmp_path)
    with running(app_of(tmp_path, Limits())) as (client, _):
        page = Page(browser, str(client.base_url))
        page.type(text)
        seen = record(loaded, text)
        assert same(page.answer(), f"{seen.answer}{100 * seen.share:.1f} %")
        assert [tag.text for tag in page.part("text").find_elements(By.TAG_NAME, "rt")] == seen.tags
        canvas = page.part("answers" if seen.attention is None else "attention")
        move = ActionChains(browser).move_to_element_with_offset(canvas, 90 - canvas.size["width"] // 2, -20)
        move.perform()
        assert page.part("token").text.endswith(tuple(seen.answers.said))
        page.browser.find_element(By.ID, "compare").click()
        page.until(lambda: page.answer(1) == page.answer(0))
        assert page.part("map", 0).rect["y"] == page.part("map", 1).rect["y"]
        assert not [each for each in browser.get_log("browser") if str(client.base_url) in each["message"]]


def test_a_model_without_gates_shows_its_answer(browser, run):
    predictor = Predictor.load(run)
    with running(make_app(predictor)) as (client, _):
        page = Page(browser, str(client.base_url))
        page.type("good")
        (expected,) = predictor.predict(["good"])
        assert f'"label": "{expected.label}"' in page.panes[0].find_element(By.CSS_SELECTOR, ".plain").text
        assert not page.part("map").is_displayed()
